/**
 * ProbeRTT, draft-cardwell-iccrg-bbr-congestion-control-00 §4.3.5: now and then the flight is cut to a few packets, so that
 * every queue drains and the propagation delay can be seen.
 */
import type { PathModel } from './model.ts';
import type { Bbr1Params } from './params.ts';

export class ProbeRtt {
  readonly #model: PathModel;
  readonly #intervalUs: number;
  readonly #durationUs: number;
  /** When the propagation delay was last measured, or tried to be. */
  #stampUs = Number.POSITIVE_INFINITY;
  /** Earliest end of the probe; null until the flight is small enough. */
  #doneUs: number | null = null;
  #isRoundDone = false;
  #renewsMinRtt = false;
  // Deliveries between which packets were sent under the probe: their low rates say nothing.
  #limitedFromBytes = Number.POSITIVE_INFINITY;
  #limitedUntilBytes = 0;

  constructor(model: PathModel, params: Bbr1Params) {
    this.#model = model;
    this.#intervalUs = params.probeRttIntervalUs;
    this.#durationUs = params.probeRttDurationUs;
  }

  /** Takes the RTT sample of an ACK, null for none; true when a probe is due. */
  update(nowUs: number, rttUs: number | null): boolean {
    const isExpired = this.#model.isMinRttExpired(nowUs);
    const isDue = isExpired || nowUs > this.#stampUs + this.#intervalUs;
    if (rttUs !== null && this.#model.updateMinRtt(nowUs, rttUs, isExpired)) this.#stampUs = nowUs;
    if (isDue) this.#renewsMinRtt = isExpired;
    return isDue;
  }

  enter(deliveredBytes: number): void {
    this.#doneUs = null;
    this.#limitedFromBytes = deliveredBytes;
  }

  /** An ACK during the probe; true when it is over. `isSmall`: the flight is no more than the window of the probe. */
  onAck(nowUs: number, deliveredBytes: number, bytesInFlight: number, isSmall: boolean): boolean {
    this.#limitedUntilBytes = deliveredBytes + bytesInFlight;
    if (this.#doneUs === null) {
      if (!isSmall) return false;
      this.#doneUs = nowUs + this.#durationUs;
      this.#isRoundDone = false;
      this.#model.restartRound(deliveredBytes);
      return false;
    }
    if (this.#model.roundStart) this.#isRoundDone = true;
    return this.#isRoundDone && this.isOver(nowUs);
  }

  isOver(nowUs: number): boolean {
    return this.#doneUs !== null && nowUs > this.#doneUs;
  }

  exit(nowUs: number): void {
    this.#stampUs = nowUs;
    if (this.#renewsMinRtt) this.#model.renewMinRtt(nowUs);
  }

  /** Whether a packet sent when so much had been delivered was held back by the probe. */
  limited(priorDeliveredBytes: number): boolean {
    return priorDeliveredBytes >= this.#limitedFromBytes && priorDeliveredBytes <= this.#limitedUntilBytes;
  }
}
