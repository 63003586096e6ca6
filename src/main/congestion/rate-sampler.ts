/**
 * Delivery-rate sampling, draft-ietf-ccwg-bbr §4.1.2 (first draft-cheng-iccrg-delivery-rate-estimation): how fast
 * the network delivered the newest flight of packets, and whether the application could have sent more.
 */

/** The fields of a sent packet that belong to the sampler, and those it reads. */
interface SampledPacket {
  bytes: number;
  sentAtUs: number;
  delivered: number;
  deliveredAtUs: number;
  firstSentAtUs: number;
  txInFlight: number;
  lost: number;
  isAppLimited: boolean;
}

export class RateSampler {
  #deliveredBytes = 0;
  #deliveredAtUs = 0;
  #lostBytes = 0;
  /** Sending time of the first packet of the flight being measured; −∞ before any. */
  #firstSentAtUs = Number.NEGATIVE_INFINITY;
  /** Delivered bytes at which the last packet sent while application-limited is gone; 0 when there is none. */
  #appLimitedUntilBytes = 0;

  // The sample of the ACK being processed.
  #hasPacket = false;
  #newestSentAtUs = 0;
  #priorDeliveredBytes = 0;
  #txInFlightBytes = 0;
  #priorLostBytes = 0;
  #isAppLimited = false;
  #intervalUs = 0;

  /** Bytes delivered on the connection so far. */
  get deliveredBytes(): number {
    return this.#deliveredBytes;
  }

  /** Bytes declared lost on the connection so far. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  // The sample: valid from `finish` until the next `begin`.

  /** Sending time of the newest packet newly acknowledged. */
  get newestSentAtUs(): number {
    return this.#newestSentAtUs;
  }

  /** `deliveredBytes` when that packet was sent. */
  get priorDeliveredBytes(): number {
    return this.#priorDeliveredBytes;
  }

  /** Bytes in flight when it was sent, itself included. */
  get txInFlightBytes(): number {
    return this.#txInFlightBytes;
  }

  /** Bytes declared lost since it was sent. */
  get lostSinceSentBytes(): number {
    return this.#lostBytes - this.#priorLostBytes;
  }

  get isAppLimited(): boolean {
    return this.#isAppLimited;
  }

  get intervalUs(): number {
    return this.#intervalUs;
  }

  /** A packet counted as in flight is sent; `bytesInFlight` does not include it yet. */
  onSent(packet: SampledPacket, bytesInFlight: number): void {
    // What may be in flight before the first packet is of a path that was left.
    if (bytesInFlight === 0 || this.#firstSentAtUs === Number.NEGATIVE_INFINITY) {
      this.#firstSentAtUs = packet.sentAtUs;
      this.#deliveredAtUs = packet.sentAtUs;
    }
    packet.delivered = this.#deliveredBytes;
    packet.deliveredAtUs = this.#deliveredAtUs;
    packet.firstSentAtUs = this.#firstSentAtUs;
    packet.txInFlight = bytesInFlight + packet.bytes;
    packet.lost = this.#lostBytes;
    packet.isAppLimited = this.#appLimitedUntilBytes > 0;
  }

  /** Packets counted as in flight are declared lost. */
  onLost(bytes: number): void {
    this.#lostBytes += bytes;
  }

  /** Starts the sample of one ACK. */
  begin(): void {
    this.#hasPacket = false;
    this.#newestSentAtUs = Number.NEGATIVE_INFINITY;
  }

  /** A packet counted as in flight is newly acknowledged; packets of one space in the order they were sent. */
  onAcked(packet: SampledPacket, nowUs: number): void {
    this.#deliveredBytes += packet.bytes;
    this.#deliveredAtUs = nowUs;
    if (packet.sentAtUs < this.#newestSentAtUs) return;
    this.#hasPacket = true;
    this.#newestSentAtUs = packet.sentAtUs;
    this.#priorDeliveredBytes = packet.delivered;
    this.#txInFlightBytes = packet.txInFlight;
    this.#priorLostBytes = packet.lost;
    this.#isAppLimited = packet.isAppLimited;
    // The slower of the two is the honest one: ACKs may arrive compressed, packets leave in bursts.
    const sendElapsedUs = packet.sentAtUs - packet.firstSentAtUs;
    const ackElapsedUs = nowUs - packet.deliveredAtUs;
    this.#intervalUs = Math.max(sendElapsedUs, ackElapsedUs);
  }

  /** Ends the sample: the delivery rate in bits per second, null where the interval is too short to be true. */
  finish(minRttUs: number): number | null {
    if (this.#appLimitedUntilBytes > 0 && this.#deliveredBytes > this.#appLimitedUntilBytes) {
      this.#appLimitedUntilBytes = 0;
    }
    if (!this.#hasPacket) return null;
    this.#firstSentAtUs = this.#newestSentAtUs;
    // draft-ietf-ccwg-bbr §4.1.2.3: shorter than min_rtt is an artefact (of a spurious retransmission in TCP).
    if (this.#intervalUs < minRttUs || this.#intervalUs === 0) return null;
    return ((this.#deliveredBytes - this.#priorDeliveredBytes) * 8e6) / this.#intervalUs;
  }

  /** The sender has nothing more to send although the window has room. */
  onAppLimited(bytesInFlight: number): void {
    this.#appLimitedUntilBytes = Math.max(1, this.#deliveredBytes + bytesInFlight);
  }
}
