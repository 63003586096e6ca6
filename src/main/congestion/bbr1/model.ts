/**
 * What BBRv1 believes of the path: bottleneck bandwidth and propagation delay, each from a windowed filter
 * (draft-cardwell-iccrg-bbr-congestion-control-00 §4.1), and the packet-timed round trips that bandwidth is counted in.
 */
import { SlottedMax } from '../bbr/slotted-max.ts';
import type { AckSample } from '../controller.ts';
import type { Bbr1Params } from './params.ts';

export class PathModel {
  readonly #filterSlots: number;
  readonly #minRttFilterUs: number;
  readonly #bandwidth: SlottedMax;
  /** Round trip of the newest slot of the filter; it lags behind while the application limits every sample. */
  #filterRound = 0;
  #round = 0;
  #nextRoundDelivered = 0;
  #roundStart = false;
  #minRttUs = Number.POSITIVE_INFINITY;
  #minRttStampUs = Number.POSITIVE_INFINITY;

  constructor(params: Bbr1Params) {
    // As in Linux: a sample is in the filter for so many rounds after its own.
    this.#filterSlots = params.maxBwFilterLen + 1;
    this.#bandwidth = new SlottedMax(this.#filterSlots);
    this.#minRttFilterUs = params.minRttFilterUs;
  }

  /** BtlBw, bits per second; 0 before the first sample. */
  get maxBwBps(): number {
    return this.#bandwidth.value;
  }

  /** RTprop, microseconds; ∞ before the first sample. */
  get minRttUs(): number {
    return this.#minRttUs;
  }

  /** Whether the ACK being processed is the first of a round trip. */
  get roundStart(): boolean {
    return this.#roundStart;
  }

  /** An ACK without a delivery-rate sample begins no round. */
  noRound(): void {
    this.#roundStart = false;
  }

  /** A timeout counts as the end of a round. */
  markRound(): void {
    this.#roundStart = true;
  }

  /** The round trip begins anew with what is sent now. */
  restartRound(deliveredBytes: number): void {
    this.#nextRoundDelivered = deliveredBytes;
  }

  /** §4.1.1.4: a round ends when a packet sent after its beginning is acknowledged. */
  updateRound(sample: AckSample): boolean {
    this.#roundStart = sample.priorDeliveredBytes >= this.#nextRoundDelivered;
    if (this.#roundStart) {
      this.#nextRoundDelivered = sample.deliveredBytes;
      this.#round++;
    }
    return this.#roundStart;
  }

  /** §4.1.1.5: what the application held back counts only where it shows more than was known. The sample has a rate. */
  updateBandwidth(sample: AckSample, isAppLimited: boolean): void {
    const rateBps = sample.deliveryRateBps!;
    if (isAppLimited && rateBps < this.#bandwidth.value) return;
    for (let n = Math.min(this.#round - this.#filterRound, this.#filterSlots); n > 0; n--) {
      this.#bandwidth.advance(this.#filterSlots);
    }
    this.#filterRound = this.#round;
    this.#bandwidth.add(rateBps);
  }

  isMinRttExpired(nowUs: number): boolean {
    return nowUs > this.#minRttStampUs + this.#minRttFilterUs;
  }

  /** §4.1.2.3; true when the sample became the estimate. */
  updateMinRtt(nowUs: number, rttUs: number, isExpired: boolean): boolean {
    if (rttUs > this.#minRttUs && !isExpired) return false;
    this.#minRttUs = rttUs;
    this.#minRttStampUs = nowUs;
    return true;
  }

  /** The estimate was just measured anew. */
  renewMinRtt(nowUs: number): void {
    this.#minRttStampUs = nowUs;
  }
}
