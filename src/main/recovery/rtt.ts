/** Round-trip time estimation, RFC 9002 §5 and Appendix A.7. All times in microseconds. */

/** kInitialRtt, RFC 9002 §6.2.2. */
export const INITIAL_RTT_US = 333_000;
/** kGranularity, RFC 9002 §6.1.2. */
export const GRANULARITY_US = 1_000;

export class RttEstimator {
  #latestUs = 0;
  #smoothedUs: number;
  #varianceUs: number;
  #minUs = 0;
  #hasSample = false;

  /** `initialRttUs` stands in for the smoothed RTT until the first sample. */
  constructor(initialRttUs: number = INITIAL_RTT_US) {
    this.#smoothedUs = initialRttUs;
    this.#varianceUs = initialRttUs / 2;
  }

  /** Another path: nothing is known of its RTT (RFC 9000 §9.4). */
  reset(initialRttUs: number = INITIAL_RTT_US): void {
    this.#latestUs = 0;
    this.#smoothedUs = initialRttUs;
    this.#varianceUs = initialRttUs / 2;
    this.#minUs = 0;
    this.#hasSample = false;
  }

  /** Newest sample, ack delay included; 0 before the first. */
  get latestUs(): number {
    return this.#latestUs;
  }

  get smoothedUs(): number {
    return this.#smoothedUs;
  }

  get varianceUs(): number {
    return this.#varianceUs;
  }

  /** Smallest sample, ack delay included; 0 before the first. */
  get minUs(): number {
    return this.#minUs;
  }

  get hasSample(): boolean {
    return this.#hasSample;
  }

  /**
   * Takes a sample: the time from sending the largest newly acknowledged packet to its ACK, and the delay the
   * peer reported. Returns the sample with that delay taken off as far as RFC 9002 §5.3 allows.
   */
  update(latestUs: number, ackDelayUs: number, handshakeConfirmed: boolean, maxAckDelayUs: number): number {
    this.#latestUs = latestUs;
    if (!this.#hasSample) {
      this.#hasSample = true;
      this.#minUs = latestUs;
      this.#smoothedUs = latestUs;
      this.#varianceUs = latestUs / 2;
      return latestUs;
    }
    // RFC 9002 §5.2: min_rtt is of this host's observations alone; the reported delay does not enter.
    if (latestUs < this.#minUs) this.#minUs = latestUs;
    // RFC 9002 §5.3: before confirmation the peer may have waited for keys, which max_ack_delay does not bound.
    const delayUs = handshakeConfirmed ? Math.min(ackDelayUs, maxAckDelayUs) : ackDelayUs;
    const adjustedUs = latestUs >= this.#minUs + delayUs ? latestUs - delayUs : latestUs;
    this.#varianceUs += (Math.abs(this.#smoothedUs - adjustedUs) - this.#varianceUs) / 4;
    this.#smoothedUs += (adjustedUs - this.#smoothedUs) / 8;
    return adjustedUs;
  }

  /** Probe timeout before backoff, RFC 9002 §6.2.1. Spaces without delayed acknowledgements pass 0. */
  ptoBaseUs(maxAckDelayUs: number): number {
    return this.#smoothedUs + Math.max(4 * this.#varianceUs, GRANULARITY_US) + maxAckDelayUs;
  }
}
