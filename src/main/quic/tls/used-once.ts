/** What may be used once: remembers what was, for as long as it would be good, so that a copy of it is worth nothing. */

/** While so many are remembered nothing is taken. */
const MAX_USED = 10_000;

export class UsedOnce {
  readonly #lifetimeMs: number;
  /** In the order of use, and so of their end: until when each is remembered. */
  readonly #used = new Map<string, number>();

  constructor(lifetimeMs: number) {
    this.#lifetimeMs = lifetimeMs;
  }

  /** Whether `token` is used for the first time. `nowMs` never goes back. */
  claim(token: Buffer, nowMs: number): boolean {
    for (const [used, untilMs] of this.#used) {
      if (untilMs > nowMs) break;
      this.#used.delete(used);
    }
    const key = token.toString('latin1');
    if (this.#used.has(key) || this.#used.size >= MAX_USED) return false;
    this.#used.set(key, nowMs + this.#lifetimeMs);
    return true;
  }
}
