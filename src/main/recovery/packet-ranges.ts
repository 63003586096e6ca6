/** Sets of packet numbers as ranges, the shape ACK frames carry them in. */

/** Packet numbers `first` to `last`, both included. */
export interface PacketRange {
  first: number;
  last: number;
}

/** Disjoint, non-adjacent ranges, largest first. Adding in rising order is O(1). */
export class PacketRanges {
  readonly #ranges: PacketRange[] = [];
  readonly #limit: number;
  #floor = -1;

  /** Keeps at most `limit` ranges; beyond that the lowest is forgotten. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Largest first. Valid until the next `add`. */
  get list(): readonly PacketRange[] {
    return this.#ranges;
  }

  /** True for a number that was added, and for every number too old to tell. */
  has(packetNumber: number): boolean {
    if (packetNumber <= this.#floor) return true;
    for (const range of this.#ranges) {
      if (packetNumber > range.last) return false;
      if (packetNumber >= range.first) return true;
    }
    return false;
  }

  /** Adds a number; adding one that is there changes nothing. */
  add(packetNumber: number): void {
    if (packetNumber <= this.#floor) return;
    const ranges = this.#ranges;
    let at = 0;
    // The first range that this number extends, is in, or lies above.
    while (at < ranges.length && packetNumber < ranges[at]!.first - 1) at++;
    const range = ranges[at];
    if (!range || packetNumber > range.last + 1) {
      ranges.splice(at, 0, { first: packetNumber, last: packetNumber });
      if (ranges.length > this.#limit) this.#floor = ranges.pop()!.last;
      return;
    }
    if (packetNumber === range.first - 1) {
      range.first = packetNumber;
      const below = ranges[at + 1];
      if (below && below.last === packetNumber - 1) {
        range.first = below.first;
        ranges.splice(at + 1, 1);
      }
    } else if (packetNumber === range.last + 1) {
      // A range above that touches this number would have been found first.
      range.last = packetNumber;
    }
  }
}
