/**
 * The fates of all packets of a connection in the order they were sent, across packet-number spaces: what
 * establishing persistent congestion needs to know (RFC 9002 §7.6.2). A ring; nothing is allocated per packet.
 */

/** Enough for a connection that does no more than keep itself alive; a busy one doubles it a few times. */
const INITIAL_CAPACITY = 32;

const OPEN = 0;
const ACKED = 1;
/** Declared lost, and fit to begin or end a persistent congestion period. */
const LOST = 2;
/** Anything else that is over: says nothing about the path. */
const VOID = 3;

export class SendHistory {
  #sentAtUs = new Float64Array(INITIAL_CAPACITY);
  #fates = new Uint8Array(INITIAL_CAPACITY);
  #mask = INITIAL_CAPACITY - 1;
  #oldest = 0;
  #next = 0;

  /** Returns the ordinal by which the packet is known here. */
  onSent(nowUs: number): number {
    if (this.#next - this.#oldest > this.#mask) this.#makeRoom();
    const ordinal = this.#next++;
    this.#sentAtUs[ordinal & this.#mask] = nowUs;
    this.#fates[ordinal & this.#mask] = OPEN;
    return ordinal;
  }

  onAcked(ordinal: number): void {
    this.#fates[ordinal & this.#mask] = ACKED;
  }

  /** `delimits`: ack-eliciting and sent after the first RTT sample. */
  onLost(ordinal: number, delimits: boolean): void {
    this.#fates[ordinal & this.#mask] = delimits ? LOST : VOID;
  }

  onDiscarded(ordinal: number): void {
    this.#fates[ordinal & this.#mask] = VOID;
  }

  /**
   * Whether two lost packets, more than `durationUs` apart in sending and with none acknowledged that was sent
   * between them, are in a run that one of `lost` (ordinals, rising) is part of. Such a run counts once.
   */
  establishesPersistentCongestion(lost: readonly number[], durationUs: number): boolean {
    let established = false;
    let scannedFrom = Number.POSITIVE_INFINITY;
    for (let i = lost.length - 1; i >= 0; i--) {
      const ordinal = lost[i]!;
      if (ordinal >= scannedFrom || this.#fates[ordinal & this.#mask] !== LOST) continue;
      let last = ordinal;
      for (let o = ordinal + 1; o < this.#next && this.#fates[o & this.#mask] !== ACKED; o++) {
        if (this.#fates[o & this.#mask] === LOST) last = o;
      }
      let first = ordinal;
      let o = ordinal - 1;
      for (; o >= this.#oldest && this.#fates[o & this.#mask] !== ACKED; o--) {
        if (this.#fates[o & this.#mask] === LOST) first = o;
      }
      scannedFrom = o + 1;
      if (this.#sentAtUs[last & this.#mask]! - this.#sentAtUs[first & this.#mask]! <= durationUs) continue;
      established = true;
      for (let used = first; used <= last; used++) {
        if (this.#fates[used & this.#mask] === LOST) this.#fates[used & this.#mask] = VOID;
      }
    }
    return established;
  }

  /** Drops what can no longer matter; where that is less than half, doubles the ring. */
  #makeRoom(): void {
    let firstOpen = this.#oldest;
    while (firstOpen < this.#next && this.#fates[firstOpen & this.#mask] !== OPEN) firstOpen++;
    // Losses still to come are of open packets: they cannot join a run from before an acknowledged one.
    let keep = firstOpen;
    while (keep > this.#oldest && this.#fates[(keep - 1) & this.#mask] !== ACKED) keep--;
    while (keep < firstOpen && this.#fates[keep & this.#mask] === VOID) keep++;
    this.#oldest = keep;
    if (this.#next - this.#oldest <= this.#mask >> 1) return;
    const capacity = 2 * (this.#mask + 1);
    const sentAtUs = new Float64Array(capacity);
    const fates = new Uint8Array(capacity);
    for (let o = this.#oldest; o < this.#next; o++) {
      sentAtUs[o & (capacity - 1)] = this.#sentAtUs[o & this.#mask]!;
      fates[o & (capacity - 1)] = this.#fates[o & this.#mask]!;
    }
    this.#sentAtUs = sentAtUs;
    this.#fates = fates;
    this.#mask = capacity - 1;
  }
}
