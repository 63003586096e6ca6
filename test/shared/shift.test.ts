import { expect, test } from 'vitest';
import { Rng } from '../../src/main/path/rng.ts';
import { ratio, shift } from '../../src/shared/shift.ts';

const from = (n: number, first: number): number[] => Array.from({ length: n }, (_, i) => first + i);

test('the interval is from the ranks that tables of the Mann–Whitney test give', () => {
  // Of six and six the critical value at 5 % is 5 (Conover, table A7): the 6th smallest of 36 differences and the 6th largest.
  const [a, b] = [from(6, 100), from(6, 0)];
  const differences = a.flatMap((x) => b.map((y) => x - y)).sort((x, y) => x - y);
  expect(shift(a, b)).toEqual({ estimate: 100, low: differences[5], high: differences[30] });
});

test('too few of either tell nothing, and a ratio is of what is above 0', () => {
  expect(shift(from(5, 0), from(50, 0))).toBe(null);
  expect(ratio(from(6, 0), from(6, 1))).toBe(null);
  const tenfold = ratio(
    from(8, 1).map((x) => 10 * x),
    from(8, 1),
  )!;
  expect(tenfold.estimate).toBeCloseTo(10);
  expect(tenfold.low).toBeLessThan(10);
});

test('the interval holds the true shift as often as it says, of few values and of many', () => {
  const rng = Rng.fromSeed(1);
  for (const [n, m] of [
    [6, 9],
    [60, 45],
  ] as const) {
    let held = 0;
    for (let i = 0; i < 400; i++) {
      // Exponential: skewed, as delays are.
      const draw = (count: number, by: number): number[] =>
        Array.from({ length: count }, () => by - Math.log(1 - rng.float()));
      const { low, high } = shift(draw(n, 3), draw(m, 0))!;
      if (low <= 3 && high >= 3) held++;
    }
    expect(held / 400).toBeGreaterThan(0.92);
  }
});
