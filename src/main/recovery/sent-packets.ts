/**
 * The packets of one packet-number space whose fate is open, by packet number, in a ring. Sending, looking up and
 * removing are O(1) and allocate nothing: packet numbers are dense, so the number is the index.
 */
import type { PacketRange } from './packet-ranges.ts';
import type { SentPacket } from './types.ts';

/** Two of three spaces never hold more; that of a busy connection doubles it a few times. */
const INITIAL_CAPACITY = 8;

/** A number the sender skipped on purpose: an ACK for it gives an optimistic acker away (RFC 9000 §21.4). */
const SKIPPED = null;

type Slot<F> = SentPacket<F> | typeof SKIPPED | undefined;

export class SentPackets<F> {
  #slots: Slot<F>[] = new Array(INITIAL_CAPACITY).fill(undefined);
  /** Connection-wide sending order of the packet in the same slot. */
  #ordinals = new Float64Array(INITIAL_CAPACITY);
  #mask = INITIAL_CAPACITY - 1;
  #oldest = 0;
  #next = 0;
  #size = 0;
  #skipped = 0;
  /** Of the packet that `take` returned last. */
  takenOrdinal = 0;

  /** No packet below this number is here; equal to `next` when none is. */
  get oldest(): number {
    return this.#oldest;
  }

  /** One more than the largest number ever sent. */
  get next(): number {
    return this.#next;
  }

  get size(): number {
    return this.#size;
  }

  /** Adds a packet; its number must be larger than any before. Numbers in between count as skipped. */
  push(packet: SentPacket<F>, ordinal: number): void {
    const { packetNumber } = packet;
    if (!(packetNumber >= this.#next)) {
      throw new RangeError(`packet number ${packetNumber} sent after ${this.#next - 1}`);
    }
    if (packetNumber - this.#oldest > this.#mask) this.#grow(packetNumber - this.#oldest + 1);
    for (let skipped = this.#next; skipped < packetNumber; skipped++) {
      this.#slots[skipped & this.#mask] = SKIPPED;
      this.#skipped++;
    }
    this.#next = packetNumber + 1;
    const slot = packetNumber & this.#mask;
    this.#slots[slot] = packet;
    this.#ordinals[slot] = ordinal;
    this.#size++;
  }

  /** The packet, if its fate is open. */
  get(packetNumber: number): SentPacket<F> | undefined {
    if (packetNumber < this.#oldest || packetNumber >= this.#next) return undefined;
    return this.#slots[packetNumber & this.#mask] ?? undefined;
  }

  /** Whether any number of the ranges was skipped, as far as packets before it are still here. */
  hasSkippedIn(ranges: readonly PacketRange[]): boolean {
    if (this.#skipped === 0) return false;
    for (const { first, last } of ranges) if (this.wasSkipped(first, last)) return true;
    return false;
  }

  /** As `hasSkippedIn`, of the numbers from `first` to `last`. */
  wasSkipped(first: number, last: number): boolean {
    if (this.#skipped === 0) return false;
    const end = Math.min(last, this.#next - 1);
    for (let number = Math.max(first, this.#oldest); number <= end; number++) {
      if (this.#slots[number & this.#mask] === SKIPPED) return true;
    }
    return false;
  }

  /** Ordinal given to `push`. Only for a packet that is here. */
  ordinalOf(packetNumber: number): number {
    return this.#ordinals[packetNumber & this.#mask]!;
  }

  /** The packet sent first among those here; undefined when none is. */
  first(): SentPacket<F> | undefined {
    if (this.#size === 0) return undefined;
    let number = this.#oldest;
    while (!this.#slots[number & this.#mask]) number++;
    return this.#slots[number & this.#mask]!;
  }

  /** Removes a packet that is here. */
  remove(packetNumber: number): void {
    this.#slots[packetNumber & this.#mask] = undefined;
    this.#size--;
    this.#leaveGone();
  }

  /** Removes the packet and returns it, if its fate is open; `takenOrdinal` is then its ordinal. */
  take(packetNumber: number): SentPacket<F> | undefined {
    const packet = this.get(packetNumber);
    if (packet === undefined) return undefined;
    this.takenOrdinal = this.#ordinals[packetNumber & this.#mask]!;
    this.remove(packetNumber);
    return packet;
  }

  /** Moves on to the oldest packet that is here. */
  #leaveGone(): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let oldest = this.#oldest;
    for (; oldest < this.#next; oldest++) {
      const slot = slots[oldest & mask];
      if (slot) break;
      if (slot === SKIPPED) this.#skipped--;
    }
    this.#oldest = oldest;
  }

  /** Oldest first. */
  *[Symbol.iterator](): Generator<SentPacket<F>> {
    for (let number = this.#oldest; number < this.#next; number++) {
      const packet = this.#slots[number & this.#mask];
      if (packet) yield packet;
    }
  }

  #grow(needed: number): void {
    let capacity = this.#slots.length;
    while (capacity < needed) capacity *= 2;
    const slots: Slot<F>[] = new Array(capacity).fill(undefined);
    const ordinals = new Float64Array(capacity);
    for (let number = this.#oldest; number < this.#next; number++) {
      slots[number & (capacity - 1)] = this.#slots[number & this.#mask];
      ordinals[number & (capacity - 1)] = this.#ordinals[number & this.#mask]!;
    }
    this.#slots = slots;
    this.#ordinals = ordinals;
    this.#mask = capacity - 1;
  }
}
