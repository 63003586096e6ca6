/** First in, first out: packets, each with a moment and a size, in arrays that grow by doubling and are never copied otherwise. */
const FIRST_CAPACITY = 64;

export class PacketRing<T> {
  /** The oldest packet's moment; Infinity when there is none. */
  nextUs = Number.POSITIVE_INFINITY;
  /** Of all packets together. */
  bytes = 0;
  #times = new Float64Array(FIRST_CAPACITY);
  #sizes = new Float64Array(FIRST_CAPACITY);
  #items: (T | undefined)[] = new Array(FIRST_CAPACITY).fill(undefined);
  #head = 0;
  #tail = 0;

  get size(): number {
    return this.#tail - this.#head;
  }

  /** Bytes of the oldest packet; 0 when there is none. */
  get nextBytes(): number {
    return this.size === 0 ? 0 : this.#sizes[this.#head & (this.#times.length - 1)]!;
  }

  push(atUs: number, bytes: number, item: T | undefined): void {
    if (this.size === this.#times.length) this.#grow();
    if (this.#head === this.#tail) this.nextUs = atUs;
    const at = this.#tail++ & (this.#times.length - 1);
    this.#times[at] = atUs;
    this.#sizes[at] = bytes;
    this.#items[at] = item;
    this.bytes += bytes;
  }

  /** Takes out the oldest; there must be one. */
  shift(): T | undefined {
    const mask = this.#times.length - 1;
    const at = this.#head++ & mask;
    const item = this.#items[at];
    this.#items[at] = undefined;
    this.bytes -= this.#sizes[at]!;
    this.nextUs = this.#head === this.#tail ? Number.POSITIVE_INFINITY : this.#times[this.#head & mask]!;
    return item;
  }

  #grow(): void {
    const size = this.size;
    const mask = this.#times.length - 1;
    const times = new Float64Array(2 * size);
    const sizes = new Float64Array(2 * size);
    const items: (T | undefined)[] = new Array(2 * size).fill(undefined);
    for (let i = 0; i < size; i++) {
      const from = (this.#head + i) & mask;
      times[i] = this.#times[from]!;
      sizes[i] = this.#sizes[from]!;
      items[i] = this.#items[from];
    }
    this.#times = times;
    this.#sizes = sizes;
    this.#items = items;
    this.#head = 0;
    this.#tail = size;
  }
}
