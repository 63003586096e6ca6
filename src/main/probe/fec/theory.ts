/**
 * What a code leaves of a loss that hits each packet independently with probability p, source and repair packets alike: the
 * probability that a source packet is lost and not recovered.
 *
 * `rs`: it is lost, and r or more of the other k + r − 1 are: p × P(Bin(k + r − 1, p) ≥ r).
 * `xor`: it is lost, and any other of its parity's: p × (1 − (1 − p)^s), s the sources of its parity, weighted by s.
 */
import type { Scheme } from './code.ts';

export function residualLoss(scheme: Scheme, { k, r }: { k: number; r: number }, p: number): number {
  if (p <= 0 || r === 0) return Math.max(0, p);
  if (p >= 1) return 1;
  if (scheme === 'rs') return p * (1 - atMost(r - 1, k + r - 1, p));
  let sum = 0;
  for (let j = 0; j < Math.min(r, k); j++) {
    const sources = Math.floor((k - 1 - j) / r) + 1;
    sum += sources * p * (1 - (1 - p) ** sources);
  }
  return sum / k;
}

/** P(Bin(n, p) ≤ most), term by term. */
function atMost(most: number, n: number, p: number): number {
  let term = (1 - p) ** n;
  let sum = term;
  for (let hits = 1; hits <= most; hits++) {
    term *= ((n - hits + 1) / hits) * (p / (1 - p));
    sum += term;
  }
  return Math.min(1, sum);
}
