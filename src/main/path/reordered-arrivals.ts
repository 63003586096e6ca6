/** Packets that may overtake each other, the earliest arrival first: what a PacketRing is for those that may not. */
import { DeadlineQueue } from './deadline-queue.ts';
import type { PacketRing } from './packet-ring.ts';

export class ReorderedArrivals<T> {
  bytes = 0;
  readonly #queue = new DeadlineQueue<{ bytes: number; item: T | undefined }>();

  /** Takes over all that is in `ring`. */
  constructor(ring: PacketRing<T>) {
    while (ring.size > 0) this.push(ring.nextUs, ring.nextBytes, ring.shift());
  }

  get nextUs(): number {
    return this.#queue.nextDueUs ?? Number.POSITIVE_INFINITY;
  }

  push(atUs: number, bytes: number, item: T | undefined): void {
    this.bytes += bytes;
    this.#queue.push(atUs, { bytes, item });
  }

  /** Takes out the earliest; there must be one. */
  shift(): T | undefined {
    const { bytes, item } = this.#queue.pop()!;
    this.bytes -= bytes;
    return item;
  }
}
