/**
 * A mergeable sketch of durations: how many fell into each of geometrically growing bins (DDSketch: Masson, Rim and Lee, VLDB
 * 2019), kept as the bins that are not empty. Two sketches added are the sketch of all their values, in any order.
 */
import { LabError } from '../../../shared/errors.ts';

/** A quantile of a sketch differs from that of the values by at most this part of it. */
export const RELATIVE_ERROR = 0.005;

const GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR);
const LOG_GAMMA = Math.log(GAMMA);
/** Bin 0 holds zeros; bin k > 0 what is in (γ^(k−2), γ^(k−1)]. */
const keyOf = (value: number): number => (value < 1 ? 0 : 1 + Math.ceil(Math.log(value) / LOG_GAMMA));
const KEYS = 1 + keyOf(Number.MAX_SAFE_INTEGER);
/** What stands for the values of a bin: as far from its lower as from its upper bound, relative to them. */
const VALUES = Float64Array.from({ length: KEYS }, (_, key) =>
  key === 0 ? 0 : (2 * Math.exp((key - 1) * LOG_GAMMA)) / (1 + GAMMA),
);

export class Sketch {
  readonly #counts = new Float64Array(KEYS);
  #low = KEYS;
  #high = -1;
  #total = 0;

  get total(): number {
    return this.#total;
  }

  /** A whole number, not negative, of at most 2^53. */
  add(value: number): void {
    this.#put(keyOf(value), 1);
  }

  /** Type 7 as `quantile` of shared/samples.ts; there must be a value. */
  quantile(q: number): number {
    const rank = (this.#total - 1) * q;
    const low = Math.floor(rank);
    let key = this.#low;
    let below = this.#counts[key]!;
    while (below <= low) below += this.#counts[++key]!;
    const value = VALUES[key]!;
    if (rank === low || below > low + 1) return value;
    do key++;
    while (this.#counts[key] === 0);
    return value + (VALUES[key]! - value) * (rank - low);
  }

  /** Of each bin that is not empty: how far it is from the one before, and its count; unsigned LEB128. */
  encode(): Uint8Array {
    const out: number[] = [];
    const put = (value: number): void => {
      let rest = value;
      for (; rest >= 128; rest = Math.floor(rest / 128)) out.push((rest % 128) + 128);
      out.push(rest);
    };
    let before = 0;
    for (let key = this.#low; key <= this.#high; key++) {
      const count = this.#counts[key]!;
      if (count === 0) continue;
      put(key - before);
      put(count);
      before = key;
    }
    return Uint8Array.from(out);
  }

  /** Adds what `encode` made. Throws RL_DB_CORRUPT for what it cannot have made. */
  addEncoded(bytes: Uint8Array): void {
    let at = 0;
    const take = (): number => {
      let value = 0;
      for (let unit = 1; ; unit *= 128) {
        const byte = bytes[at++];
        if (byte === undefined || unit > Number.MAX_SAFE_INTEGER) throw corrupt();
        value += (byte % 128) * unit;
        if (byte < 128) return value;
      }
    };
    for (let key = 0, first = true; at < bytes.length; first = false) {
      const step = take();
      key += step;
      const count = take();
      if (key >= KEYS || count === 0 || count > Number.MAX_SAFE_INTEGER || (step === 0 && !first)) {
        throw corrupt();
      }
      this.#put(key, count);
    }
  }

  clear(): void {
    this.#counts.fill(0, this.#low, this.#high + 1);
    this.#low = KEYS;
    this.#high = -1;
    this.#total = 0;
  }

  #put(key: number, count: number): void {
    this.#counts[key]! += count;
    this.#total += count;
    if (key < this.#low) this.#low = key;
    if (key > this.#high) this.#high = key;
  }
}

const corrupt = (): LabError =>
  new LabError('RL_DB_CORRUPT', 'A roll-up is stored with a sketch it cannot have');
