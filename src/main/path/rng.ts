/**
 * Seeded random numbers for everything that must be repeatable: a seed reproduces a run bit for bit. Not for
 * cryptography.
 *
 * xoshiro128** 1.1 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47:4,
 * 2021): period 2^128 − 1 in four 32-bit words, which is what JavaScript's integer arithmetic does fast.
 */

/** MurmurHash3's 32-bit finaliser: a bijection in which every input bit moves every output bit. */
function mix32(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

const rotateLeft = (word: number, by: number): number => (word << by) | (word >>> (32 - by));

export class Rng {
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  /** From the four words of the generator's state, not all zero. */
  constructor(state: readonly [number, number, number, number]) {
    [this.#a, this.#b, this.#c, this.#d] = state;
    if ((this.#a | this.#b | this.#c | this.#d) === 0) throw new RangeError('the state is all zero');
  }

  /** From a safe integer; different seeds give different, unrelated sequences. */
  static fromSeed(seed: number): Rng {
    if (!Number.isSafeInteger(seed)) throw new RangeError(`seed ${seed} is not a safe integer`);
    const low = seed | 0;
    const high = Math.floor(seed / 2 ** 32) | 0;
    // Each word is a bijection of either half of the seed, different for every word by steps of the golden ratio.
    const word = (n: number): number => mix32(mix32(low + Math.imul(0x9e3779b9, n)) + high);
    return new Rng([word(1), word(2), word(3), word(4) || 1]);
  }

  /** Uniform on the integers [0, 2^32). */
  uint32(): number {
    const result = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9) >>> 0;
    const t = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= t;
    this.#d = rotateLeft(this.#d, 11);
    return result;
  }

  /** Uniform on [0, 1), all 53 bits of a double's significand random. */
  float(): number {
    return ((this.uint32() >>> 5) * 2 ** 26 + (this.uint32() >>> 6)) * 2 ** -53;
  }

  /**
   * A new generator whose sequence is unrelated to what this one still gives, so that a part of a run can draw
   * more or fewer numbers without disturbing the others.
   */
  split(): Rng {
    const word = (): number => mix32(this.uint32());
    return new Rng([word(), word(), word(), word() || 1]);
  }
}
