/** When Startup has filled the pipe: draft-cardwell-iccrg-bbr-congestion-control-00 §4.3.2.2. Drain follows. */
import type { Bbr1Params } from './params.ts';

export class FullPipe {
  readonly #thresh: number;
  readonly #rounds: number;
  #fullBwBps = 0;
  #count = 0;
  #isReached = false;

  constructor(params: Bbr1Params) {
    this.#thresh = params.fullBwThresh;
    this.#rounds = params.fullBwRounds;
  }

  get isReached(): boolean {
    return this.#isReached;
  }

  /** Once per round trip that the application did not limit. */
  check(maxBwBps: number): void {
    if (this.#isReached) return;
    if (maxBwBps >= this.#fullBwBps * this.#thresh) {
      this.#fullBwBps = maxBwBps;
      this.#count = 0;
      return;
    }
    this.#isReached = ++this.#count >= this.#rounds;
  }

  /** Losses held the bandwidth down: growth is measured from here. */
  rebase(): void {
    this.#fullBwBps = 0;
  }

  /** The losses were none: neither do the rounds count. */
  restart(): void {
    this.#fullBwBps = 0;
    this.#count = 0;
  }
}
