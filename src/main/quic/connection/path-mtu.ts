/**
 * Datagram Packetization Layer Path MTU Discovery (RFC 8899, as RFC 9000 §14.3 applies it): how large datagrams of a path may
 * be, found out with probe packets whose loss says nothing about congestion. Sizes are bytes of UDP payload.
 */

/** BASE_PLPMTU, RFC 9000 §14.1. */
const BASE = 1200;
/** MAX_PROBES, RFC 8899 §5.1.2. */
const PROBES_PER_SIZE = 3;
/** The search ends when what could still be gained is less than this. */
const RESOLUTION = 16;
/** PMTU_RAISE_TIMER, RFC 8899 §5.1.1. */
const RAISE_US = 600_000_000;
/** Common sizes tried before halving: Ethernet over IPv4, and over IPv6. */
const COMMON = [1472, 1452] as const;
/** Full-size packets lost one after the other, and timeouts in a row, that mean the path no longer carries them. */
const BLACK_HOLE_LOSSES = 8;
const BLACK_HOLE_TIMEOUTS = 3;

export class PathMtu {
  #current: number;
  readonly #limit: number;
  /** The smallest size known not to pass. */
  #failed: number;
  #probing: number | null = null;
  #attempts = 0;
  #nextAtUs = 0;
  #lostInRow = 0;
  /** The newest packet of full size that arrived. */
  #arrived = -1;

  /** `start` is used at once, unconfirmed; sizes up to `limit` are tried. */
  constructor(start: number, limit: number) {
    this.#current = start;
    this.#limit = Math.max(start, limit);
    this.#failed = this.#limit + 1;
  }

  /** The size of full datagrams now. */
  get current(): number {
    return this.#current;
  }

  /** The size of the probe to send now, `atMost` bytes; null when none is due. */
  probeDue(nowUs: number, atMost: number = Number.POSITIVE_INFINITY): number | null {
    if (this.#probing !== null || nowUs < this.#nextAtUs) return null;
    if (this.#nextAtUs > 0 && this.#isDone) {
      // The raise timer: the path may have changed for the better.
      this.#failed = this.#limit + 1;
      this.#nextAtUs = 0;
    }
    if (this.#isDone) return null;
    const size = this.#candidate;
    if (size <= atMost) return size;
    return atMost >= this.#current + RESOLUTION ? atMost : null;
  }

  get #isDone(): boolean {
    return this.#failed - 1 - this.#current < (this.#failed > this.#limit ? 1 : RESOLUTION);
  }

  /** The limit itself first, which most paths within one machine or network pass; then common sizes, then halves. */
  get #candidate(): number {
    if (this.#failed > this.#limit) return this.#limit;
    const common = COMMON.find((size) => size > this.#current && size < this.#failed);
    return common ?? Math.floor((this.#current + this.#failed) / 2);
  }

  onProbeSent(size: number): void {
    this.#probing = size;
  }

  /** A probe arrived: datagrams are of that size from now on. */
  onProbeAcked(size: number, nowUs: number): void {
    if (size > this.#current) this.#current = size;
    this.#lostInRow = 0;
    this.#settle(nowUs);
  }

  onProbeLost(size: number, nowUs: number): void {
    if (size !== this.#probing) return;
    if (++this.#attempts < PROBES_PER_SIZE) {
      this.#probing = null;
      return;
    }
    this.#failed = size;
    this.#settle(nowUs);
  }

  #settle(nowUs: number): void {
    this.#probing = null;
    this.#attempts = 0;
    if (this.#isDone) this.#nextAtUs = nowUs + RAISE_US;
  }

  /** A packet of so many bytes was acknowledged. */
  onAcked(bytes: number, packetNumber: number): void {
    if (!this.#isFull(bytes)) return;
    this.#lostInRow = 0;
    this.#arrived = Math.max(this.#arrived, packetNumber);
  }

  /** An ordinary packet was lost; true when that gives the path away as a black hole (RFC 8899 §4.3). */
  onLost(bytes: number, packetNumber: number, nowUs: number): boolean {
    // What was lost before one of its size arrived, a full queue took.
    if (!this.#isFull(bytes) || packetNumber < this.#arrived) return false;
    return ++this.#lostInRow >= BLACK_HOLE_LOSSES && this.#fallBack(nowUs);
  }

  #isFull(bytes: number): boolean {
    return bytes > BASE && bytes >= this.#current - RESOLUTION;
  }

  /** So many probe timeouts in a row; true as above. */
  onTimeouts(count: number, nowUs: number): boolean {
    return count >= BLACK_HOLE_TIMEOUTS && this.#fallBack(nowUs);
  }

  #fallBack(nowUs: number): boolean {
    if (this.#current <= BASE) return false;
    this.#failed = this.#current;
    this.#current = BASE;
    this.#lostInRow = 0;
    this.#arrived = -1;
    this.#probing = null;
    this.#attempts = 0;
    // Not at once: what just failed would fail again.
    this.#nextAtUs = nowUs + 1_000_000;
    return true;
  }
}
