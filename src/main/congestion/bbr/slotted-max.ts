/**
 * The maximum over the last few slots of a virtual time: cycles for max_bw, round trips for extra_acked. Exact, where
 * the draft lets one approximate (§5.5.5), because slots are few and advance seldom.
 */
export class SlottedMax {
  /** Maxima of the slots before the current one; the newest at `#at` − 1. */
  readonly #older: Float64Array;
  #at = 0;
  #olderMax = 0;
  #current = 0;

  /** `slots` is the widest window ever asked for, the current slot included. */
  constructor(slots: number) {
    this.#older = new Float64Array(slots - 1);
  }

  /** Maximum of the window, 0 before any value. */
  get value(): number {
    return Math.max(this.#olderMax, this.#current);
  }

  /** Maximum of the current slot, 0 when nothing was added to it. */
  get current(): number {
    return this.#current;
  }

  add(value: number): void {
    if (value > this.#current) this.#current = value;
  }

  /** Begins a slot; the window is `slots` wide from now on, that one included. */
  advance(slots: number): void {
    const older = this.#older;
    const length = older.length;
    if (length > 0) {
      older[this.#at] = this.#current;
      this.#at = (this.#at + 1) % length;
    }
    this.#current = 0;
    this.#olderMax = 0;
    for (let age = 1; age < slots && age <= length; age++) {
      const value = older[(this.#at + length - age) % length]!;
      if (value > this.#olderMax) this.#olderMax = value;
    }
  }
}
