/**
 * The two codes, both systematic: source symbols are sent as they are. Repair symbol j of a group of k is Σ cⱼᵢ × source i.
 *
 * `rs`: Reed–Solomon with the Cauchy matrix 1 / (xⱼ + yᵢ), xⱼ = j, yᵢ = 255 − i, each column divided by its first entry, so that the
 * first repair symbol is the XOR of all. Every square part of such a matrix can be inverted (MDS, as that of RFC 5510, which is
 * Vandermonde's): any k of the k + r symbols give the group, and a coefficient depends on neither k nor r.
 *
 * `xor`: repair symbol j is the XOR of the sources i ≡ j (mod r), as the parity of RFC 8627 over every r-th packet.
 */
import type { FecScheme } from '../../../shared/fec.ts';
import { addProduct, divide, multiply, symbolOf } from './gf256.ts';

export type Scheme = FecScheme;

/** Of one group: what bounds the memory and the time a peer can take. k + r stays below the 256 that the field allows. */
export const MOST_SOURCE = 64;
export const MOST_REPAIR = 32;

export function coefficient(scheme: Scheme, r: number, j: number, i: number): number {
  if (scheme === 'xor') return i % r === j ? 1 : 0;
  return divide(255 - i, (255 - i) ^ j);
}

/** Symbols of one group by index; null is missing. Each is as long as `symbolOf` makes it, and not above `bytes` rounded so. */
export interface Symbols {
  source: (Uint8Array | null)[];
  repair: (Uint8Array | null)[];
}

/**
 * Source symbols that the others give, of `bytes` each, by index: all that are missing of `rs`, or none; of `xor` those that are the only
 * one missing of their parity.
 */
export function recover(scheme: Scheme, { source, repair }: Symbols, bytes: number): Map<number, Uint8Array> {
  const r = repair.length;
  if (scheme === 'rs') {
    const missing = missingOf(source);
    const rows = repair.flatMap((symbol, j) => (symbol === null ? [] : [j])).slice(0, missing.length);
    return rows.length < missing.length ? new Map() : solve({ source, repair }, missing, rows, bytes);
  }
  const found = new Map<number, Uint8Array>();
  for (const [j, parity] of repair.entries()) {
    if (parity === null) continue;
    const [only, ...others] = missingOf(source).filter((i) => i % r === j);
    if (only === undefined || others.length > 0) continue;
    const symbol = copyOf(parity, bytes);
    for (let i = j; i < source.length; i += r) if (i !== only) addProduct(symbol, source[i]!, 1);
    found.set(only, symbol);
  }
  return found;
}

const missingOf = (source: Symbols['source']): number[] =>
  source.flatMap((symbol, i) => (symbol === null ? [i] : []));

function copyOf(symbol: Uint8Array, bytes: number): Uint8Array {
  const copy = symbolOf(bytes);
  copy.set(symbol.subarray(0, copy.length));
  return copy;
}

/** Gauss and Jordan, on as many rows as there are unknowns. */
function solve(
  { source, repair }: Symbols,
  missing: readonly number[],
  rows: readonly number[],
  bytes: number,
): Map<number, Uint8Array> {
  const r = repair.length;
  const matrix = rows.map((j) => missing.map((i) => coefficient('rs', r, j, i)));
  const right = rows.map((j) => {
    const symbol = copyOf(repair[j]!, bytes);
    for (const [i, known] of source.entries())
      if (known !== null) addProduct(symbol, known, coefficient('rs', r, j, i));
    return symbol;
  });
  for (let column = 0; column < missing.length; column++) {
    // No pivot is 0: every square part of the matrix can be inverted, the leading ones too.
    const pivot = matrix[column]![column]!;
    right[column] = scaled(right[column]!, divide(1, pivot), bytes);
    matrix[column] = matrix[column]!.map((value) => divide(value, pivot));
    for (let row = 0; row < missing.length; row++) {
      const factor = matrix[row]![column]!;
      if (row === column || factor === 0) continue;
      matrix[row] = matrix[row]!.map((value, at) => value ^ multiply(factor, matrix[column]![at]!));
      addProduct(right[row]!, right[column]!, factor);
    }
  }
  return new Map(missing.map((i, at) => [i, right[at]!]));
}

function scaled(symbol: Uint8Array, factor: number, bytes: number): Uint8Array {
  const out = symbolOf(bytes);
  addProduct(out, symbol, factor);
  return out;
}
