/** A growing set of numbers that come nearly in order, each once: pieces of a stream that were received, or acknowledged. */

const INITIAL_CAPACITY = 256;

export class ChunkSet {
  /** Every number below is in the set. */
  #frontier = 0;
  /** Numbers above the frontier that are in the set. */
  #ahead = 0;
  #flags = new Uint8Array(INITIAL_CAPACITY);

  get frontier(): number {
    return this.#frontier;
  }

  has(chunk: number): boolean {
    if (chunk < this.#frontier) return true;
    if (this.#ahead === 0 || chunk - this.#frontier >= this.#flags.length) return false;
    return this.#flags[chunk & (this.#flags.length - 1)] === 1;
  }

  /** False when it was in already. */
  add(chunk: number): boolean {
    if (chunk === this.#frontier) {
      this.#frontier++;
      if (this.#ahead > 0) this.#advance();
      return true;
    }
    if (this.has(chunk)) return false;
    if (chunk - this.#frontier >= this.#flags.length) this.#grow(chunk - this.#frontier + 1);
    this.#flags[chunk & (this.#flags.length - 1)] = 1;
    this.#ahead++;
    return true;
  }

  #advance(): void {
    const flags = this.#flags;
    const mask = flags.length - 1;
    while (flags[this.#frontier & mask] === 1) {
      flags[this.#frontier & mask] = 0;
      this.#frontier++;
      this.#ahead--;
    }
  }

  #grow(needed: number): void {
    const old = this.#flags;
    let capacity = old.length;
    while (capacity < needed) capacity *= 2;
    const flags = new Uint8Array(capacity);
    for (let i = 0; i < old.length; i++) {
      const chunk = this.#frontier + i;
      flags[chunk & (capacity - 1)] = old[chunk & (old.length - 1)]!;
    }
    this.#flags = flags;
  }
}
