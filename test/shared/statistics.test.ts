import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Rng } from '../../src/main/path/rng.ts';
import { jain, leastPairs, medianInterval, pairedBootstrap } from '../../src/shared/statistics.ts';

const randomOf = (seed: number): (() => number) => {
  const rng = Rng.fromSeed(seed);
  return () => rng.float();
};

/** Box and Muller. */
const normal = (random: () => number): number =>
  Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

/** Part of many seeded trials whose interval holds the truth. */
function coverage(
  truth: number,
  trial: (random: () => number) => { low: number; high: number } | null,
): number {
  const trials = 1000;
  let held = 0;
  for (let seed = 1; seed <= trials; seed++) {
    const interval = trial(randomOf(seed))!;
    if (interval.low <= truth && truth <= interval.high) held++;
  }
  return held / trials;
}

describe('a paired bootstrap', () => {
  it('holds the true difference as often as it says, with eight pairs and with forty', () => {
    for (const n of [8, 40]) {
      const covered = coverage(1, (random) => {
        const common = times(n, () => 20 * normal(random));
        const a = common.map((value) => value + 1 + normal(random));
        const b = common.map((value) => value + normal(random));
        return pairedBootstrap(a, b, { random, resamples: 1000 }).difference;
      });
      expect(covered).toBeGreaterThan(0.93);
      expect(covered).toBeLessThan(0.975);
    }
  });

  it('holds the true ratio of means of skewed figures', () => {
    const covered = coverage(2, (random) => {
      const b = times(30, () => 5 - Math.log(1 - random()));
      const a = b.map((value) => 2 * value - Math.log(1 - random()) - 1);
      return pairedBootstrap(a, b, { random, resamples: 1000 }).ratio;
    });
    expect(covered).toBeGreaterThan(0.925);
    expect(covered).toBeLessThan(0.975);
  });

  it('needs blocks where neighbours resemble each other', () => {
    const covered = (blockLength: number): number =>
      coverage(0, (random) => {
        let state = 0;
        const a = times(120, () => {
          state = 0.7 * state + normal(random);
          return state;
        });
        const b = times(120, () => 0);
        return pairedBootstrap(a, b, { random, resamples: 400, blockLength }).difference;
      });
    expect(covered(1)).toBeLessThan(0.7);
    expect(covered(10)).toBeGreaterThan(0.85);
  });

  it('takes what befell both of a pair for neither’s', () => {
    const common = [1, 50, 3, 200, 7, 90, 11, 400];
    const b = common.map((value, i) => value + (i % 2) / 10);
    const a = common.map((value, i) => value + 1 + (i % 3) / 10);
    const { difference, verdict } = pairedBootstrap(a, b, { random: randomOf(1) });
    expect(difference!.high - difference!.low).toBeLessThan(0.3);
    expect(verdict).toBe('better');
  });

  it('gives the one value that all pairs have', () => {
    const b = [1, 2, 4, 8, 16, 32];
    const { difference, ratio } = pairedBootstrap(
      b.map((value) => 3 * value),
      b,
      { random: randomOf(1) },
    );
    expect(ratio).toEqual({ estimate: 3, low: 3, high: 3 });
    expect(difference!.estimate).toBe(21);
  });

  it('says which way is better', () => {
    const [more, less] = [times(6, (i) => 10 + i / 10), times(6, (i) => 9 - i / 10)];
    const verdict = (a: number[], b: number[], better?: 'lower'): string =>
      pairedBootstrap(a, b, { random: randomOf(3), ...(better && { better }) }).verdict;
    expect(verdict(more, less)).toBe('better');
    expect(verdict(less, more)).toBe('worse');
    expect(verdict(more, less, 'lower')).toBe('worse');
    expect(verdict(less, more, 'lower')).toBe('better');
    expect(verdict([1, 2, 3, 4, 5, 6], [6, 5, 4, 3, 2, 1])).toBe('inconclusive');
    expect(verdict(more, more)).toBe('inconclusive');
  });

  it('refuses to say anything of fewer pairs, or blocks, than could', () => {
    expect([0.5, 0.9, 0.95, 0.99].map((level) => leastPairs(level))).toEqual([2, 5, 6, 8]);
    const nothing = { difference: null, ratio: null, verdict: 'too_few' };
    const of = (n: number, blockLength?: number) =>
      pairedBootstrap(
        times(n, () => 2),
        times(n, () => 1),
        { random: randomOf(1), ...(blockLength && { blockLength }) },
      );
    expect(of(0)).toEqual({ n: 0, ...nothing });
    expect(of(5)).toEqual({ n: 5, ...nothing });
    expect(of(6).verdict).toBe('better');
    expect(of(17, 3)).toEqual({ n: 17, ...nothing });
    expect(of(18, 3).verdict).toBe('better');
  });

  it('has no ratio to what is not above 0', () => {
    expect(pairedBootstrap([1, 2, 3, 4, 5, 6], [1, 1, 0, 1, 1, 1], { random: randomOf(1) }).ratio).toBeNull();
  });

  it('refuses what is no pairs', () => {
    const random = randomOf(1);
    expect(() => pairedBootstrap([1], [], { random })).toThrow(RangeError);
    expect(() => pairedBootstrap([Number.NaN], [1], { random })).toThrow(RangeError);
    expect(() => pairedBootstrap([1], [1], { random, level: 1 })).toThrow(RangeError);
    expect(() => pairedBootstrap([1], [1], { random, blockLength: 0 })).toThrow(RangeError);
  });

  it('is the same for the same seed, lies within what was measured, and turns with its sides', () => {
    const value = fc.double({ min: 0.1, max: 1e6, noNaN: true });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(value, value), { minLength: 6, maxLength: 30 }),
        fc.nat(),
        (pairs, seed) => {
          const [a, b] = [pairs.map(([x]) => x), pairs.map(([, y]) => y)];
          const compare = (x: number[], y: number[]) =>
            pairedBootstrap(x, y, { random: randomOf(seed), resamples: 200 });
          const result = compare(a, b);
          expect(compare(a, b)).toEqual(result);
          const { low, high } = result.difference!;
          const differences = pairs.map(([x, y]) => x - y);
          const slack = 1e-6;
          expect(low).toBeLessThanOrEqual(high);
          expect(low).toBeGreaterThanOrEqual(Math.min(...differences) - slack);
          expect(high).toBeLessThanOrEqual(Math.max(...differences) + slack);
          const ratios = pairs.map(([x, y]) => x / y);
          expect(result.ratio!.low).toBeGreaterThanOrEqual(Math.min(...ratios) * (1 - slack));
          expect(result.ratio!.high).toBeLessThanOrEqual(Math.max(...ratios) * (1 + slack));
          expect(compare(b, a).difference!.estimate).toBeCloseTo(-result.difference!.estimate, 6);
        },
      ),
      { numRuns: 50 },
    );
  });
});

describe('the interval of a median', () => {
  it('is between the order statistics of the tables', () => {
    const interval = (n: number) => medianInterval(times(n, (i) => n - i));
    expect(interval(6)).toEqual({ n: 6, median: 3.5, low: 1, high: 6 });
    expect(interval(8)).toEqual({ n: 8, median: 4.5, low: 1, high: 8 });
    expect(interval(9)).toEqual({ n: 9, median: 5, low: 2, high: 8 });
    expect(interval(20)).toEqual({ n: 20, median: 10.5, low: 6, high: 15 });
    expect(interval(100)).toEqual({ n: 100, median: 50.5, low: 40, high: 61 });
    expect(medianInterval([1, 2], { level: 0.5 })).toEqual({ n: 2, median: 1.5, low: 1, high: 2 });
  });

  it('is told of enough values only', () => {
    expect(medianInterval([])).toEqual({ n: 0, median: null, low: null, high: null });
    expect(medianInterval([3, 1, 2, 5, 4])).toEqual({ n: 5, median: 3, low: null, high: null });
  });

  it('holds the true median at least as often as it says', () => {
    const covered = coverage(Math.LN2, (random) => {
      const { low, high } = medianInterval(times(25, () => -Math.log(1 - random())));
      return { low: low!, high: high! };
    });
    expect(covered).toBeGreaterThan(0.945);
  });

  it('does not vanish for many values', () => {
    const { low, high } = medianInterval(times(5000, (i) => i));
    expect(high! - low!).toBeGreaterThan(100);
    expect(high! - low!).toBeLessThan(160);
  });
});

it('Jain’s index is 1 for equals and 1/n for one alone', () => {
  expect(jain([3, 3, 3])).toBeCloseTo(1, 12);
  expect(jain([5, 0, 0, 0])).toBe(0.25);
  expect(jain([0, 0])).toBe(1);
});
