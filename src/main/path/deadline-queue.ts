/** What waits for a moment: the earliest first, equal moments in the order they were pushed. A binary heap. */
export class DeadlineQueue<T> {
  #heap: { dueUs: number; order: number; item: T }[] = [];
  #pushed = 0;

  get size(): number {
    return this.#heap.length;
  }

  /** The earliest deadline, or null when nothing waits. */
  get nextDueUs(): number | null {
    return this.#heap[0]?.dueUs ?? null;
  }

  push(dueUs: number, item: T): void {
    const heap = this.#heap;
    heap.push({ dueUs, order: this.#pushed++, item });
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfBefore(at, parent)) break;
      at = parent;
    }
  }

  /** Takes out the earliest. */
  pop(): T | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (first !== undefined && last !== undefined && heap.length > 0) {
      heap[0] = last;
      this.#sink(0);
    }
    return first?.item;
  }

  /** Takes out all that `matches`. */
  remove(matches: (item: T) => boolean): void {
    this.#heap = this.#heap.filter(({ item }) => !matches(item));
    for (let at = (this.#heap.length >> 1) - 1; at >= 0; at--) this.#sink(at);
  }

  #sink(from: number): void {
    const length = this.#heap.length;
    let at = from;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= length) return;
      const child = left + 1 < length && this.#isBefore(left + 1, left) ? left + 1 : left;
      if (!this.#swapIfBefore(child, at)) return;
      at = child;
    }
  }

  #isBefore(a: number, b: number): boolean {
    const x = this.#heap[a]!;
    const y = this.#heap[b]!;
    return x.dueUs < y.dueUs || (x.dueUs === y.dueUs && x.order < y.order);
  }

  #swapIfBefore(lower: number, upper: number): boolean {
    if (!this.#isBefore(lower, upper)) return false;
    const entry = this.#heap[lower]!;
    this.#heap[lower] = this.#heap[upper]!;
    this.#heap[upper] = entry;
    return true;
  }
}
