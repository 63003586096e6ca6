/**
 * How far two unpaired samples lie apart: Hodges and Lehmann's estimate with the distribution-free interval that goes with the
 * Mann–Whitney test (Conover, Practical Nonparametric Statistics, 3rd ed., §5.4). For runs that were not measured in pairs.
 */
import { quantile } from './samples.ts';
import { leastPairs } from './statistics.ts';

interface Interval {
  estimate: number;
  low: number;
  high: number;
}

/** Above so many of each the normal approximation of the rank sum is as good. */
const EXACT_UP_TO = 40;
const LEVEL = 0.95;

/** The median of all a − b, and from the k-th smallest to the k-th largest of them; null below `leastPairs` of either. */
export function shift(a: readonly number[], b: readonly number[]): Interval | null {
  const [n, m] = [a.length, b.length];
  if (Math.min(n, m) < leastPairs(LEVEL)) return null;
  const differences = new Float64Array(n * m);
  for (let i = 0; i < n; i++) for (let j = 0; j < m; j++) differences[i * m + j] = a[i]! - b[j]!;
  differences.sort();
  const k = lowerRank(n, m);
  return { estimate: quantile(differences, 0.5), low: differences[k - 1]!, high: differences[n * m - k]! };
}

/** The same of a / b, as a difference of logarithms; null as well where a value is not above 0. */
export function ratio(a: readonly number[], b: readonly number[]): Interval | null {
  if (![...a, ...b].every((value) => value > 0)) return null;
  const logs = shift(a.map(Math.log), b.map(Math.log));
  if (logs === null) return null;
  return { estimate: Math.exp(logs.estimate), low: Math.exp(logs.low), high: Math.exp(logs.high) };
}

/** Largest k with P(U < k) at most (1 − level) / 2, U the Mann–Whitney statistic of n and m values; at least 1. */
function lowerRank(n: number, m: number): number {
  const tail = (1 - LEVEL) / 2;
  if (Math.max(n, m) > EXACT_UP_TO) {
    const deviation = Math.sqrt((n * m * (n + m + 1)) / 12);
    return Math.max(1, Math.floor((n * m) / 2 - 1.959964 * deviation));
  }
  const ways = rankSums(n, m);
  const all = ways.reduce((sum, value) => sum + value, 0);
  let below = 0;
  let k = 0;
  while (k < ways.length && (below + ways[k]!) / all <= tail + 1e-12) below += ways[k++]!;
  return Math.max(1, k);
}

/** In how many ways U takes each value: the Gaussian binomial coefficient, as the product of (1 − q^(m+i)) / (1 − q^i). */
function rankSums(n: number, m: number): Float64Array {
  const ways = new Float64Array(n * m + 1);
  ways[0] = 1;
  for (let i = 1; i <= n; i++) {
    for (let u = n * m; u >= m + i; u--) ways[u]! -= ways[u - m - i]!;
    for (let u = i; u <= n * m; u++) ways[u]! += ways[u - i]!;
  }
  return ways;
}
