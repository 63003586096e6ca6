/** Mahimahi's traces: on each line the millisecond, from the start, at which a packet of 1500 bytes can be delivered. */
import type { LabError } from '../errors.ts';
import type { LinkTrace } from '../link-settings.ts';
import type { Line } from './parse.ts';

const MAX_LINES = 1_000_000;
const LONGEST_MS = 86_400_000;

export function parseMahimahi(lines: readonly Line[], refuse: (message: string) => LabError): LinkTrace {
  if (lines.length > MAX_LINES) throw refuse(`${lines.length} lines are more than ${MAX_LINES}`);
  let last = 0;
  const atMs = lines.map(({ text, number }) => {
    if (!/^\d+$/.test(text)) throw refuse(`line ${number}: "${text.slice(0, 40)}" is not a millisecond`);
    const ms = Number(text);
    if (ms > LONGEST_MS)
      throw refuse(`line ${number}: ${text.slice(0, 40)} is not from 0 to ${LONGEST_MS} ms`);
    if (ms < last) throw refuse(`line ${number}: ${ms} ms is before the line above`);
    last = ms;
    return ms;
  });
  if (last === 0) throw refuse('the trace ends at 0 ms, and so has no length to be repeated');
  return { kind: 'opportunities', atMs };
}
