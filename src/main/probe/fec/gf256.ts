/**
 * The field GF(2⁸) with the primitive polynomial x⁸ + x⁴ + x³ + x² + 1, as RFC 5510 has it for m = 8: sums are XOR, products come
 * from one table of all of them (64 KiB).
 */

const POLYNOMIAL = 0x11d;
const ORDER = 255;

const powers = new Uint8Array(2 * ORDER);
const logarithms = new Uint8Array(ORDER + 1);
for (let power = 0, value = 1; power < ORDER; power++) {
  powers[power] = powers[power + ORDER] = value;
  logarithms[value] = power;
  value <<= 1;
  if (value > ORDER) value ^= POLYNOMIAL;
}

/** ROWS[a][b] = a × b. */
const ROWS: readonly Uint8Array[] = Array.from({ length: ORDER + 1 }, (_, a) =>
  Uint8Array.from({ length: ORDER + 1 }, (_, b) =>
    a === 0 || b === 0 ? 0 : powers[logarithms[a]! + logarithms[b]!]!,
  ),
);

export const multiply = (a: number, b: number): number => ROWS[a]![b]!;

/** a / b; b is not 0. */
export const divide = (a: number, b: number): number =>
  a === 0 ? 0 : powers[logarithms[a]! + ORDER - logarithms[b]!]!;

/** Room for a symbol of `bytes`, zeros, of whole words: what `addProduct` works on. */
export const symbolOf = (bytes: number): Uint8Array => new Uint8Array((bytes + 3) & ~3);

/** to += factor × from, over the length of `from`, which is not above that of `to`. Both are made by `symbolOf`. */
export function addProduct(to: Uint8Array, from: Uint8Array, factor: number): void {
  if (factor === 0) return;
  const words = from.length >> 2;
  const out = new Uint32Array(to.buffer, to.byteOffset, words);
  const data = new Uint32Array(from.buffer, from.byteOffset, words);
  if (factor === 1) {
    for (let i = 0; i < words; i++) out[i]! ^= data[i]!;
    return;
  }
  const row = ROWS[factor]!;
  for (let i = 0; i < words; i++) {
    const word = data[i]!;
    out[i]! ^=
      row[word & 255]! |
      (row[(word >>> 8) & 255]! << 8) |
      (row[(word >>> 16) & 255]! << 16) |
      (row[word >>> 24]! << 24);
  }
}
