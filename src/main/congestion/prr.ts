/**
 * Proportional Rate Reduction, RFC 9937 §6: lets the flight shrink from what it was at the loss to ssthresh over one
 * round trip, instead of silencing the sender for half of one. Bytes throughout. DeliveredData is what is newly
 * acknowledged, inflight the bytes in flight without what is lost. QUIC has no cumulative acknowledgement: a SafeACK is
 * here one that acknowledges something new and makes nothing lost.
 */
export class Prr {
  /** prr_delivered and prr_out: bytes delivered and sent since recovery began. */
  #delivered = 0;
  #out = 0;
  /** RecoverFS (§6.1): the flight when recovery began, with what was lost and acknowledged just then. */
  #recoverFlight = 0;

  /** §6.1. */
  begin(flightBytes: number): void {
    this.#delivered = 0;
    this.#out = 0;
    this.#recoverFlight = flightBytes;
  }

  /** The acknowledgement that began recovery also delivered so much of the flight. */
  addToFlight(bytes: number): void {
    this.#recoverFlight += bytes;
  }

  /** §6.3. */
  onSent(bytes: number): void {
    this.#out += bytes;
  }

  /** SndCnt (§6.2): how much may be sent after `deliveredBytes` more have arrived; `inFlight` is after that, and without losses. */
  allowance(
    deliveredBytes: number,
    isSafe: boolean,
    inFlight: number,
    ssthresh: number,
    datagramBytes: number,
  ): number {
    this.#delivered += deliveredBytes;
    let allowed: number;
    if (inFlight > ssthresh) {
      allowed = Math.ceil((this.#delivered * ssthresh) / this.#recoverFlight) - this.#out;
    } else {
      // The conservative reduction bound; a SafeACK lets slow start make up for heavy losses.
      const bound = Math.max(this.#delivered - this.#out, deliveredBytes) + (isSafe ? datagramBytes : 0);
      allowed = Math.min(ssthresh - inFlight, bound);
    }
    // What stands for TCP's fast retransmit goes out at once; a part of a packet could not. Sent is what is there to send, so
    // that SndCnt may fall below 0, which is as good as 0.
    return Math.max(allowed, this.#out === 0 ? datagramBytes : 0);
  }
}
