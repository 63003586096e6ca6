/** Monotonic microseconds: the clock of relays and of the deadlines given to their scheduler. */
export const nowUs = (): number => performance.now() * 1000;
