/** HyStart++, RFC 9406: leaves the first slow start when the RTT rises, before the queue overflows. */
import type { AckSample } from './controller.ts';

// RFC 9406 §4.3. The limit L on growth per ACK is infinite, as it says for a paced sender.
const MIN_RTT_THRESH_US = 4_000;
const MAX_RTT_THRESH_US = 16_000;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

export class HyStart {
  /** Deliveries that end the round: a packet sent after that many were counted is acknowledged. */
  #roundEndBytes = 0;
  #lastRoundMinRttUs = Number.POSITIVE_INFINITY;
  #currentRoundMinRttUs = Number.POSITIVE_INFINITY;
  #rttSamples = 0;
  /** Null in slow start; in Conservative Slow Start the RTT that must not be undercut for it to go on. */
  #cssBaselineMinRttUs: number | null = null;
  #cssRounds = 0;

  /** Slow start grows by the acknowledged bytes divided by this. */
  get divisor(): number {
    return this.#cssBaselineMinRttUs === null ? 1 : CSS_GROWTH_DIVISOR;
  }

  /** To be called for every ACK of the first slow start; true when congestion avoidance begins. */
  onAck(sample: AckSample): boolean {
    if (sample.priorDeliveredBytes >= this.#roundEndBytes) {
      this.#roundEndBytes = sample.deliveredBytes;
      this.#lastRoundMinRttUs = this.#currentRoundMinRttUs;
      this.#currentRoundMinRttUs = Number.POSITIVE_INFINITY;
      this.#rttSamples = 0;
      // The round in which Conservative Slow Start began counts as one.
      if (this.#cssBaselineMinRttUs !== null && ++this.#cssRounds >= CSS_ROUNDS) return true;
    }
    if (sample.rttUs === null) return false;
    this.#currentRoundMinRttUs = Math.min(this.#currentRoundMinRttUs, sample.rttUs);
    this.#rttSamples++;
    if (this.#rttSamples < N_RTT_SAMPLE) return false;
    if (this.#cssBaselineMinRttUs !== null) {
      // The rise was a false alarm: back to slow start.
      if (this.#currentRoundMinRttUs < this.#cssBaselineMinRttUs) this.#cssBaselineMinRttUs = null;
      return false;
    }
    const last = this.#lastRoundMinRttUs;
    const threshold = Math.max(MIN_RTT_THRESH_US, Math.min(last / MIN_RTT_DIVISOR, MAX_RTT_THRESH_US));
    if (last < Number.POSITIVE_INFINITY && this.#currentRoundMinRttUs >= last + threshold) {
      this.#cssBaselineMinRttUs = this.#currentRoundMinRttUs;
      this.#cssRounds = 0;
    }
    return false;
  }
}
