/**
 * How far repeated measurements can be trusted: intervals of what was measured, and words for what they allow to say. Pure:
 * random numbers are an argument, so that a seed reproduces an interval to the last digit.
 *
 * Repetitions are the unit. What is measured within one (packets, pings, seconds) depends on each other and must be summed up
 * first, or intervals come out too narrow (Kalibera and Jones, "Rigorous Benchmarking in Reasonable Time", ISMM 2013, §6).
 */
import { quantile } from './samples.ts';

interface Interval {
  estimate: number;
  low: number;
  high: number;
}

/**
 * What an interval of a − b says of a: the whole of it on the better side of 0, on the worse side, or neither. `too_few`: fewer
 * pairs than `leastPairs` says, and no interval is told.
 */
type PairedVerdict = 'better' | 'worse' | 'inconclusive' | 'too_few';

export interface PairedComparison {
  /** Pairs. */
  n: number;
  /** Mean of a − b; null where there are too few pairs. */
  difference: Interval | null;
  /** Mean of a over mean of b; null as well where any b is not above 0. */
  ratio: Interval | null;
  verdict: PairedVerdict;
}

export interface BootstrapOptions {
  /** Uniform on [0, 1). */
  random: () => number;
  /** Default 10 000. */
  resamples?: number;
  /** Part of such intervals that hold the true value, 0 to 1; default 0.95. */
  level?: number;
  /** Pairs next to each other that are drawn together, where neighbours resemble each other; default 1. */
  blockLength?: number;
  /** Default `higher`. */
  better?: 'higher' | 'lower';
}

const DEFAULT_LEVEL = 0.95;
const DEFAULT_RESAMPLES = 10_000;

/**
 * Fewest repetitions that an interval of `level` is told of: with fewer, not even differences that all have the same sign would
 * be beyond chance (sign test: 2^(1 − n)). Six for 95 %.
 */
export const leastPairs = (level: number = DEFAULT_LEVEL): number =>
  Math.ceil(1 - Math.log2(1 - level) - 1e-9);

/**
 * Compares a with b, of which a[i] and b[i] were measured under the same conditions: pairs are drawn again together, so that what
 * befell both cancels out.
 *
 * Intervals are BCa (Efron and Tibshirani, An Introduction to the Bootstrap, 1993, §14.3), which follow the skew of the data, at
 * levels widened as Hesterberg advises for few pairs ("What Teachers Should Know About the Bootstrap", The American Statistician
 * 69:4, 2015, §4.1: without it an interval of eight pairs that says 95 % holds the true mean in 88 % of the cases). Blocks are
 * circular (Politis and Romano 1992), every pair as likely as any other. The ratio is of means, as of goodputs of equal time.
 */
export function pairedBootstrap(
  a: readonly number[],
  b: readonly number[],
  options: BootstrapOptions,
): PairedComparison {
  const n = a.length;
  const { random, resamples = DEFAULT_RESAMPLES, level = DEFAULT_LEVEL, blockLength = 1 } = options;
  if (b.length !== n) throw new RangeError(`${n} values are paired with ${b.length}`);
  if (![...a, ...b].every(Number.isFinite)) throw new RangeError('a value is not a finite number');
  if (!(level > 0 && level < 1)) throw new RangeError(`level ${level} is not between 0 and 1`);
  if (!Number.isInteger(blockLength) || blockLength < 1)
    throw new RangeError(`${blockLength} is no block length`);
  const blocks = Math.floor(n / blockLength);
  if (blocks < leastPairs(level)) return { n, difference: null, ratio: null, verdict: 'too_few' };

  const hasRatio = b.every((value) => value > 0);
  const sums = (pick: (i: number) => number, count: number): [number, number] => {
    let [sumA, sumB] = [0, 0];
    for (let i = 0; i < count; i++) {
      const at = pick(i);
      sumA += a[at]!;
      sumB += b[at]!;
    }
    return [sumA, sumB];
  };
  const differences = new Float64Array(resamples);
  const ratios = new Float64Array(hasRatio ? resamples : 0);
  let start = 0;
  const draw = (i: number): number => {
    if (i % blockLength === 0) start = Math.floor(random() * n);
    return (start + (i % blockLength)) % n;
  };
  for (let i = 0; i < resamples; i++) {
    const [sumA, sumB] = sums(draw, n);
    differences[i] = (sumA - sumB) / n;
    if (hasRatio) ratios[i] = sumA / sumB;
  }

  const [allA, allB] = sums((i) => i, n);
  // One block at a time left out; what remains of the last is left out with it.
  const without = Array.from({ length: blocks }, (_, block) => {
    const from = block * blockLength;
    const to = block === blocks - 1 ? n : from + blockLength;
    const [sumA, sumB] = sums((i) => from + i, to - from);
    return { kept: n - (to - from), sumA: allA - sumA, sumB: allB - sumB };
  });
  const levels = { level, blocks };
  const difference = bca(
    (allA - allB) / n,
    differences.sort(),
    without.map(({ kept, sumA, sumB }) => (sumA - sumB) / kept),
    levels,
  );
  const ratio = hasRatio
    ? bca(
        allA / allB,
        ratios.sort(),
        without.map(({ sumA, sumB }) => sumA / sumB),
        levels,
      )
    : null;
  return { n, difference, ratio, verdict: verdictOf(difference, options.better ?? 'higher') };
}

function verdictOf({ low, high }: Interval, better: 'higher' | 'lower'): PairedVerdict {
  if (low <= 0 && high >= 0) return 'inconclusive';
  return low > 0 === (better === 'higher') ? 'better' : 'worse';
}

/** §14.3: (14.9) to (14.15). `replicates` rise; `jackknife` is the estimate without each block. */
function bca(
  estimate: number,
  replicates: Float64Array,
  jackknife: readonly number[],
  { level, blocks }: { level: number; blocks: number },
): Interval {
  const [least, most] = [replicates[0]!, replicates.at(-1)!];
  if (least === most) return { estimate, low: least, high: most };
  let below = 0;
  for (const value of replicates) below += value < estimate ? 1 : value === estimate ? 0.5 : 0;
  // Of an estimate outside all replicates the correction would be infinite.
  const part = Math.min(Math.max(below, 0.5), replicates.length - 0.5) / replicates.length;
  const bias = normalQuantile(part);
  const mean = jackknife.reduce((sum, value) => sum + value, 0) / jackknife.length;
  const squares = jackknife.reduce((sum, value) => sum + (mean - value) ** 2, 0);
  const cubes = jackknife.reduce((sum, value) => sum + (mean - value) ** 3, 0);
  const acceleration = squares === 0 ? 0 : cubes / (6 * squares ** 1.5);
  // Hesterberg's widening: where the percentiles of normal data end as Student's t would.
  const wide = Math.sqrt(blocks / (blocks - 1)) * studentQuantile((1 + level) / 2, blocks - 1);
  const at = (z: number): number => {
    const scale = 1 - acceleration * (bias + z);
    // Beyond the pole the correction has no meaning: the outermost replicate is what there is.
    if (scale <= 0) return z < 0 ? least : most;
    return quantile(replicates, normalCdf(bias + (bias + z) / scale));
  };
  return { estimate, low: at(-wide), high: at(wide) };
}

/**
 * The median, and the interval of `level` that order statistics give for any continuous distribution: from the k-th smallest to
 * the k-th largest, k as large as the binomial distribution allows (Conover, Practical Nonparametric Statistics, 3rd ed., §3.2).
 * It holds the true median at least as often as it says, and takes no random numbers. Null bounds below `leastPairs`, and a null
 * median of nothing.
 */
export function medianInterval(
  values: readonly number[],
  { level = DEFAULT_LEVEL }: { level?: number } = {},
): { n: number; median: number | null; low: number | null; high: number | null } {
  const n = values.length;
  if (n === 0) return { n, median: null, low: null, high: null };
  const sorted = Float64Array.from(values).sort();
  const median = quantile(sorted, 0.5);
  if (n < leastPairs(level)) return { n, median, low: null, high: null };
  // P(fewer than k + 1 of n values are below the median), kept as a logarithm: 0.5^n vanishes for large n.
  let logTerm = -n * Math.LN2;
  let tail = Math.exp(logTerm);
  let k = 0;
  while (tail <= (1 - level) / 2 + 1e-12) {
    logTerm += Math.log((n - k) / (k + 1));
    tail += Math.exp(logTerm);
    k++;
  }
  return { n, median, low: sorted[k - 1]!, high: sorted[n - k]! };
}

/**
 * Jain's fairness index (Jain, Chiu and Hawe, DEC TR-301, 1984) of at least one share: 1 when all are equal, 1/n when one has
 * all; 1 where nobody has anything.
 */
export function jain(values: readonly number[]): number {
  const sum = values.reduce((total, value) => total + value, 0);
  const squares = values.reduce((total, value) => total + value * value, 0);
  return squares === 0 ? 1 : (sum * sum) / (values.length * squares);
}

/** Φ, to 1.5e-7: Abramowitz and Stegun 7.1.26. */
function normalCdf(z: number): number {
  const x = Math.abs(z) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * x);
  const series =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const upper = (series * Math.exp(-x * x)) / 2;
  return z < 0 ? upper : 1 - upper;
}

/** The inverse of `normalCdf`, for 0 < p < 1, by bisection: of the same Φ, so that the two undo each other. */
function normalQuantile(p: number): number {
  let [low, high] = [-40, 40];
  while (high - low > 1e-10) {
    const middle = (low + high) / 2;
    if (normalCdf(middle) < p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Student's t, `freedom` of five or more, to the third decimal: Abramowitz and Stegun 26.7.5. */
function studentQuantile(p: number, freedom: number): number {
  const x = normalQuantile(p);
  const [x3, x5, x7, x9] = [x ** 3, x ** 5, x ** 7, x ** 9];
  return (
    x +
    (x3 + x) / 4 / freedom +
    (5 * x5 + 16 * x3 + 3 * x) / 96 / freedom ** 2 +
    (3 * x7 + 19 * x5 + 17 * x3 - 15 * x) / 384 / freedom ** 3 +
    (79 * x9 + 776 * x7 + 1482 * x5 - 1920 * x3 - 945 * x) / 92_160 / freedom ** 4
  );
}
