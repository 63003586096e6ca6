/** A receive window that begins modestly and grows with the path, of a stream or of a connection (RFC 9000 §4.2). */

/** When data was read, and the smoothed RTT then. */
export interface Pace {
  nowUs: number;
  rttUs: number;
}

/** Half a window read in fewer RTTs than this is a window that may hold the sender back: it doubles, as Chromium has it. */
const GROW_WITHIN_RTTS = 2;

export class ReceiveWindow {
  readonly #cap: number;
  #bytes: number;
  /** Limit granted to the peer, whether a frame with it has to go out, and when the last one was due. */
  #limit: number;
  #announce = false;
  #grantedAtUs: number | null = null;

  /** `bytes` the peer may be ahead of the reader at first, `cap` at most. */
  constructor(bytes: number, cap: number = bytes) {
    this.#bytes = bytes;
    this.#cap = cap;
    this.#limit = bytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The highest offset granted. */
  get limit(): number {
    return this.#limit;
  }

  /**
   * The limit to advertise now that so much was consumed: when half the window is, or after a loss; else null. Without a pace
   * the window stays as it is.
   */
  advance(consumed: number, pace: Pace | null): number | null {
    if (this.#limit - consumed <= this.#bytes / 2) {
      if (pace) this.#adapt(pace);
      this.#limit = consumed + this.#bytes;
      this.#announce = true;
    }
    if (!this.#announce) return null;
    this.#announce = false;
    return this.#limit;
  }

  /** Is at least so wide from the next limit on, up to the cap. */
  widen(bytes: number): void {
    this.#bytes = Math.max(this.#bytes, Math.min(bytes, this.#cap));
  }

  /** What `advance` returned last did not arrive. */
  onLost(): void {
    this.#announce = true;
  }

  #adapt({ nowUs, rttUs }: Pace): void {
    if (this.#grantedAtUs !== null && nowUs - this.#grantedAtUs < GROW_WITHIN_RTTS * rttUs)
      this.widen(2 * this.#bytes);
    this.#grantedAtUs = nowUs;
  }
}
