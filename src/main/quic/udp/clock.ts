import { performance } from 'node:perf_hooks';
import { WallAnchor } from './wall-anchor.ts';

/** Monotonic microseconds from an arbitrary origin: the one clock that is handed to sans-IO code in real time. */
export const nowUs = (): number => performance.now() * 1000;

const anchor = new WallAnchor(performance.timeOrigin);

/**
 * A monotonic instant as unix milliseconds. Steps of the wall clock of up to a second do not bend it; after a larger one, and
 * after the machine slept, it is as the wall clock is. Durations are differences of monotonic instants, never of these.
 */
export function toUnixMs(atUs: number): number {
  const beforeMs = performance.now();
  const wallMs = Date.now();
  anchor.look(wallMs, beforeMs, performance.now());
  return anchor.originMs + atUs / 1000;
}
