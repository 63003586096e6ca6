import { performance } from 'node:perf_hooks';

/** Monotonic microseconds from an arbitrary origin: the one clock that is handed to sans-IO code in real time. */
export const nowUs = (): number => performance.now() * 1000;

/** A monotonic instant as unix milliseconds, by this process's time origin: steps of the wall clock do not bend it. */
export const toUnixMs = (atUs: number): number => performance.timeOrigin + atUs / 1000;
