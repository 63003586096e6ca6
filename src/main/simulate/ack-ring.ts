/** ACKs of one flow that are under way, oldest first, each arriving after the one before. Slots are used again. */
import type { PacketRange } from '../recovery/packet-ranges.ts';

export interface Ack {
  readonly ranges: PacketRange[];
  /** How long the receiver held the newest packet’s acknowledgement back. */
  delayUs: number;
  atUs: number;
}

const INITIAL_CAPACITY = 64;
const newAck = (): Ack => ({ ranges: [{ first: 0, last: 0 }], delayUs: 0, atUs: 0 });

export class AckRing {
  #slots: Ack[] = Array.from({ length: INITIAL_CAPACITY }, newAck);
  #head = 0;
  #tail = 0;

  /** When the oldest arrives; Infinity when none is under way. */
  get deadlineUs(): number {
    if (this.#head === this.#tail) return Number.POSITIVE_INFINITY;
    return this.#slots[this.#head & (this.#slots.length - 1)]!.atUs;
  }

  push(ranges: readonly PacketRange[], delayUs: number, atUs: number): void {
    if (this.#tail - this.#head === this.#slots.length) this.#grow();
    const ack = this.#slots[this.#tail++ & (this.#slots.length - 1)]!;
    copyRanges(ranges, ack.ranges);
    ack.delayUs = delayUs;
    ack.atUs = atUs;
  }

  /** The oldest; valid until the next `push`. */
  shift(): Ack {
    return this.#slots[this.#head++ & (this.#slots.length - 1)]!;
  }

  #grow(): void {
    const old = this.#slots;
    const slots = Array.from({ length: 2 * old.length }, newAck);
    for (let i = this.#head; i < this.#tail; i++) slots[i & (slots.length - 1)] = old[i & (old.length - 1)]!;
    this.#slots = slots;
  }
}

/** Makes `to` equal to `from`, its objects used again. */
export function copyRanges(from: readonly PacketRange[], to: PacketRange[]): void {
  while (to.length > from.length) to.pop();
  for (let i = 0; i < from.length; i++) {
    const { first, last } = from[i]!;
    const range = to[i];
    if (range === undefined) to.push({ first, last });
    else {
      range.first = first;
      range.last = last;
    }
  }
}
