/**
 * Finds peers that keep us holding data: they open flow control by a trickle or not at all, while we keep what is written
 * for them (RFC 9000 §21.5 on slow readers). Who is too slow by choice cannot be told from who is by need: only the rate counts.
 */

/** Unsent bytes that are worth letting a peer go for. */
const HELD_BYTES = 64 * 1024;
/** What has to go out in each period, bytes. */
const PROGRESS_BYTES = 16 * 1024;

export class StallGuard {
  readonly #periodUs: number;
  #sinceUs: number | null = null;
  #sentBefore = 0;

  /** `periodUs`: how long progress may be too small while data is held; infinite for ever. */
  constructor(periodUs: number) {
    this.#periodUs = periodUs;
  }

  /** When to look again; null while nothing is held. */
  get deadlineUs(): number | null {
    return this.#sinceUs === null ? null : this.#sinceUs + this.#periodUs;
  }

  /** Looks at bytes unsent and bytes ever sent; true when the peer is to be given up. */
  observe(nowUs: number, unsentBytes: number, sentBytes: number): boolean {
    if (unsentBytes < HELD_BYTES || this.#periodUs === Number.POSITIVE_INFINITY) {
      this.#sinceUs = null;
      return false;
    }
    if (this.#sinceUs === null || sentBytes - this.#sentBefore >= PROGRESS_BYTES) {
      this.#sinceUs = nowUs;
      this.#sentBefore = sentBytes;
      return false;
    }
    return nowUs - this.#sinceUs >= this.#periodUs;
  }
}
