/** A set of byte offsets as ascending half-open ranges [start, end) that never touch. */
export class RangeSet {
  /** start, end, start, end, … */
  readonly #bounds: number[] = [];

  get isEmpty(): boolean {
    return this.#bounds.length === 0;
  }

  /** How many ranges. */
  get size(): number {
    return this.#bounds.length / 2;
  }

  /** Start of the lowest range; Infinity when empty. */
  get firstStart(): number {
    return this.#bounds.length === 0 ? Number.POSITIVE_INFINITY : this.#bounds[0]!;
  }

  /** End of the lowest range; Infinity when empty. */
  get firstEnd(): number {
    return this.#bounds.length === 0 ? Number.POSITIVE_INFINITY : this.#bounds[1]!;
  }

  add(start: number, end: number): void {
    if (start >= end) return;
    const bounds = this.#bounds;
    const last = bounds.length - 1;
    if (last < 0 || start > bounds[last]!) {
      bounds.push(start, end);
      return;
    }
    // Ranges from..to-2 touch or overlap the new one and become part of it.
    const from = this.#firstEndingFrom(start);
    let to = from;
    while (to < bounds.length && bounds[to]! <= end) to += 2;
    if (to === from) {
      bounds.splice(from, 0, start, end);
      return;
    }
    if (start < bounds[from]!) bounds[from] = start;
    const mergedEnd = Math.max(end, bounds[to - 1]!);
    bounds[from + 1] = mergedEnd;
    if (to > from + 2) bounds.splice(from + 2, to - from - 2);
  }

  remove(start: number, end: number): void {
    const bounds = this.#bounds;
    if (start >= end || bounds.length === 0) return;
    const from = this.#firstEndingFrom(start + 1);
    let to = from;
    while (to < bounds.length && bounds[to]! < end) to += 2;
    if (to === from) return;
    const keep: number[] = [];
    if (bounds[from]! < start) keep.push(bounds[from]!, start);
    if (bounds[to - 1]! > end) keep.push(end, bounds[to - 1]!);
    bounds.splice(from, to - from, ...keep);
  }

  /** Calls `visit` with each part of [start, end) that is not in the set, ascending. */
  forEachMissing(start: number, end: number, visit: (start: number, end: number) => void): void {
    let at = start;
    for (
      let i = this.#firstEndingFrom(start + 1);
      i < this.#bounds.length && this.#bounds[i]! < end;
      i += 2
    ) {
      if (this.#bounds[i]! > at) visit(at, this.#bounds[i]!);
      at = this.#bounds[i + 1]!;
    }
    if (at < end) visit(at, end);
  }

  clear(): void {
    this.#bounds.length = 0;
  }

  /** Index of the first range whose end is at least `offset`, by bisection. */
  #firstEndingFrom(offset: number): number {
    let low = 0;
    let high = this.#bounds.length / 2;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#bounds[2 * middle + 1]! < offset) low = middle + 1;
      else high = middle;
    }
    return 2 * low;
  }
}
