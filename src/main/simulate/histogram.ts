/**
 * Positive numbers counted in bins of equal ratio: any quantile to 0.2 %, in constant memory and time. A bin is the
 * exponent and the first eight bits of the significand of the IEEE 754 double.
 */

const SIGNIFICAND_BITS = 8;
/** Of a double’s upper word, what lies below those bits. */
const SHIFT = 20 - SIGNIFICAND_BITS;
/** From 2^-7 up to 2^34: of microseconds, 8 ns to five hours. What lies outside counts at the ends. */
const LEAST = (1023 - 7) << SIGNIFICAND_BITS;
const BINS = (7 + 34) << SIGNIFICAND_BITS;

const double = new Float64Array(1);
const words = new Uint32Array(double.buffer);
const UPPER = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0;

const lowerEdge = (bin: number): number => {
  words[UPPER] = (LEAST + bin) << SHIFT;
  words[1 - UPPER] = 0;
  return double[0]!;
};

export class Histogram {
  readonly #counts = new Uint32Array(BINS);
  #count = 0;
  #sum = 0;
  #min = Number.POSITIVE_INFINITY;
  #max = Number.NEGATIVE_INFINITY;

  get count(): number {
    return this.#count;
  }

  /** Exact, as `max` and `mean` are. NaN where nothing was added. */
  get min(): number {
    return this.#count === 0 ? Number.NaN : this.#min;
  }

  get max(): number {
    return this.#count === 0 ? Number.NaN : this.#max;
  }

  get mean(): number {
    return this.#sum / this.#count;
  }

  /** Not negative. */
  add(value: number): void {
    double[0] = value;
    const bin = (words[UPPER]! >>> SHIFT) - LEAST;
    this.#counts[bin < 0 ? 0 : bin >= BINS ? BINS - 1 : bin]!++;
    this.#count++;
    this.#sum += value;
    if (value < this.#min) this.#min = value;
    if (value > this.#max) this.#max = value;
  }

  /** The value at quantile `q` of 0 to 1, linear within its bin; NaN where nothing was added. */
  quantile(q: number): number {
    if (this.#count === 0) return Number.NaN;
    const rank = q * this.#count;
    let below = 0;
    for (let bin = 0; bin < BINS; bin++) {
      const inside = this.#counts[bin]!;
      if (below + inside < rank || inside === 0) {
        below += inside;
        continue;
      }
      const from = bin === 0 ? 0 : lowerEdge(bin);
      const value = from + (lowerEdge(bin + 1) - from) * ((rank - below) / inside);
      return Math.min(Math.max(value, this.#min), this.#max);
    }
    return this.#max;
  }

  clear(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#sum = 0;
    this.#min = Number.POSITIVE_INFINITY;
    this.#max = Number.NEGATIVE_INFINITY;
  }
}
