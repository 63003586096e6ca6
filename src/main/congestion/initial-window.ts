/** The window before the first acknowledgement: the same whatever the controller. */
import type { ParameterSpec } from './controller.ts';

export const INITIAL_WINDOW: ParameterSpec = {
  name: 'InitialWindow',
  default: 10,
  unit: 'packets',
  min: 2,
  max: 100,
  section: 'RFC 9002 §7.2',
  doc: 'kInitialWindow: window before the first acknowledgement, held to 1472 bytes per packet.',
};

/** RFC 9002 §7.2, bytes: ten packets, but no more than 14720 bytes, nor less than two packets. */
export function initialWindow(packets: number, datagramBytes: number): number {
  return Math.min(packets * datagramBytes, Math.max(packets * 1472, 2 * datagramBytes));
}
