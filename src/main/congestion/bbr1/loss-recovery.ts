/**
 * The window in loss recovery, draft-cardwell-iccrg-bbr-congestion-control-00 §4.2.3.4: it keeps the flight for one round
 * trip, lets it grow again after that, and is what it was when recovery is over.
 */
export class LossRecovery {
  /**
   * The acknowledgement of a packet sent after this ends recovery. TCP's lasts until all losses are repaired, those found in
   * it too: here until something sent after the last of them arrives, not, as in RFC 9002 §7.3.2, after the first.
   */
  #repairedAfterUs = Number.NEGATIVE_INFINITY;
  #isActive = false;
  #isBeginning = false;
  #isEnding = false;
  /** Packet conservation. */
  #conserves = false;
  /** The last window that was good. */
  #priorCwnd = 0;
  #lostBytes = 0;

  /** Bytes lost since the last acknowledgement was processed. */
  get lostBytes(): number {
    return this.#lostBytes;
  }

  /** BBRSaveCwnd: `isCut` while something else than recovery holds the window down. */
  save(cwnd: number, isCut: boolean): void {
    this.#priorCwnd = this.#isActive || isCut ? Math.max(this.#priorCwnd, cwnd) : cwnd;
  }

  /** BBRRestoreCwnd. */
  restored(cwnd: number): number {
    return Math.max(cwnd, this.#priorCwnd);
  }

  onLoss(nowUs: number, lostBytes: number, cwnd: number, isCut: boolean): void {
    this.#lostBytes += lostBytes;
    if (!this.#isActive) {
      this.save(cwnd, isCut);
      this.#isBeginning = true;
    }
    this.#repairedAfterUs = nowUs;
    this.#isActive = true;
  }

  /** Persistent congestion takes the place of TCP's retransmission timeout. */
  onCollapse(nowUs: number, cwnd: number, isCut: boolean): void {
    this.save(cwnd, isCut);
    this.#repairedAfterUs = nowUs;
    this.#isActive = true;
    this.#isBeginning = false;
    this.#conserves = false;
    this.#lostBytes = 0;
  }

  /** The losses were none. */
  cancel(): void {
    this.#isEnding = this.#isActive;
    this.#isActive = false;
    this.#isBeginning = false;
  }

  /** A round trip has passed. */
  onRound(): void {
    this.#conserves = false;
  }

  /** True when this acknowledgement is the first of recovery: the round trip counts from here. */
  begins(largestAckedSentAtUs: number): boolean {
    if (this.#isActive && largestAckedSentAtUs > this.#repairedAfterUs) {
      this.#isActive = false;
      this.#isBeginning = false;
      this.#isEnding = true;
    }
    return this.#isBeginning;
  }

  /** BBRModulateCwndForRecovery. */
  modulated(cwnd: number, ackedBytes: number, bytesInFlight: number, datagramBytes: number): number {
    if (this.#lostBytes > 0) {
      cwnd = Math.max(cwnd - this.#lostBytes, datagramBytes);
      this.#lostBytes = 0;
    }
    // A packet of any size makes room for a full one: else, with nothing left in flight, none could ever follow.
    const conserved = bytesInFlight + Math.max(ackedBytes, datagramBytes);
    if (this.#isBeginning) {
      this.#isBeginning = false;
      this.#conserves = true;
      cwnd = conserved;
    } else if (this.#isEnding) {
      this.#isEnding = false;
      this.#conserves = false;
      cwnd = this.restored(cwnd);
    }
    return this.#conserves ? Math.max(cwnd, conserved) : cwnd;
  }

  get conserves(): boolean {
    return this.#conserves;
  }
}
