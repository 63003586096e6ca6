/** Milliseconds before attempt n (from 1) to reach the lab again: 0.5 s doubling to 10 s. */
export const retryDelayMs = (attempt: number): number => Math.min(10_000, 500 * 2 ** (attempt - 1));
