/**
 * Token-bucket policers (Linux tcp_bbr.c, bbr_lt_bw_sampling): two intervals in a row with the same throughput and heavy
 * loss are taken for one, and its rate stands in for the bandwidth estimate for a while.
 */
import type { Bbr1Params } from './params.ts';

/** The longest interval, as a multiple of the shortest. */
const MAX_INTERVALS = 4;

export class Policer {
  readonly #params: Bbr1Params;
  #isSampling = false;
  #isPoliced = false;
  #rounds = 0;
  #bandwidthBps = 0;
  // When the interval began.
  #stampUs = 0;
  #deliveredBytes = 0;
  #lostBytes = 0;

  constructor(params: Bbr1Params) {
    this.#params = params;
  }

  /** The rate of the policer, bits per second; 0 while there seems to be none. */
  get rateBps(): number {
    return this.#isPoliced ? this.#bandwidthBps : 0;
  }

  /** Forgets what was sampled. */
  reset(): void {
    this.#isSampling = false;
    this.#isPoliced = false;
    this.#bandwidthBps = 0;
    this.#rounds = 0;
  }

  /** True when the rate has been kept to for long enough: ProbeBW is to begin anew. */
  expire(roundStart: boolean, isProbeBw: boolean): boolean {
    if (!roundStart || !isProbeBw || ++this.#rounds < this.#params.ltBwMaxRtts) return false;
    this.reset();
    return true;
  }

  /** Takes an ACK (or a timeout) while no policer is known; totals of the connection, `hasLoss` since the ACK before. */
  sample(
    nowUs: number,
    deliveredBytes: number,
    lostBytes: number,
    hasLoss: boolean,
    isAppLimited: boolean,
    roundStart: boolean,
  ): void {
    const { ltIntvlMinRtts, ltLossThresh } = this.#params;
    // Not before the first loss: until then the policer had tokens to spare.
    if (!this.#isSampling) {
      if (!hasLoss || !this.#params.policerDetection) return;
      this.#begin(nowUs, deliveredBytes, lostBytes);
      this.#isSampling = true;
    }
    if (isAppLimited) {
      this.reset();
      return;
    }
    if (roundStart) this.#rounds++;
    if (this.#rounds < ltIntvlMinRtts) return;
    if (this.#rounds > MAX_INTERVALS * ltIntvlMinRtts) {
      this.reset();
      return;
    }
    // An interval ends with a loss, when the tokens are used up; shorter it would underestimate the rate.
    if (!hasLoss) return;
    const delivered = deliveredBytes - this.#deliveredBytes;
    if (delivered <= 0 || lostBytes - this.#lostBytes < ltLossThresh * delivered) return;
    const elapsedUs = nowUs - this.#stampUs;
    if (elapsedUs < 1_000) return;
    this.#end(nowUs, deliveredBytes, lostBytes, (delivered * 8e6) / elapsedUs);
  }

  #end(nowUs: number, deliveredBytes: number, lostBytes: number, bandwidthBps: number): void {
    const earlier = this.#bandwidthBps;
    const difference = Math.abs(bandwidthBps - earlier);
    const { ltBwRatio, ltBwDiffBps } = this.#params;
    if (earlier > 0 && (difference <= ltBwRatio * earlier || difference <= ltBwDiffBps)) {
      this.#bandwidthBps = (bandwidthBps + earlier) / 2;
      this.#isPoliced = true;
      this.#rounds = 0;
      return;
    }
    this.#bandwidthBps = bandwidthBps;
    this.#begin(nowUs, deliveredBytes, lostBytes);
  }

  #begin(nowUs: number, deliveredBytes: number, lostBytes: number): void {
    this.#stampUs = nowUs;
    this.#deliveredBytes = deliveredBytes;
    this.#lostBytes = lostBytes;
    this.#rounds = 0;
  }
}
