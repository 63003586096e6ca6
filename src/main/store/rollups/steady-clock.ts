/** Whether the wall clock can be trusted with deleting: a clock that was set wrongly for a moment must not cost a month of data. */

/** How long it must have run evenly. */
const STEADY_MS = 600_000;
/** Beyond this it was set, not slewed. */
const STEP_MS = 60_000;

export class SteadyClock {
  #aheadMs: number | null = null;
  #sinceMs = 0;

  /** Both clocks, milliseconds; true when neither ran away from the other for ten minutes. Must be asked every few minutes. */
  look(wallMs: number, monotonicMs: number): boolean {
    const aheadMs = wallMs - monotonicMs;
    if (this.#aheadMs === null || Math.abs(aheadMs - this.#aheadMs) > STEP_MS) {
      this.#aheadMs = aheadMs;
      this.#sinceMs = monotonicMs;
    }
    return monotonicMs - this.#sinceMs >= STEADY_MS;
  }
}
