import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decimate, lossMarks } from '../../../src/renderer/features/probe/congestion/decimate.ts';

const of = (...values: (number | null)[]) => Float64Array.from(values.map((value) => value ?? Number.NaN));
const pairs = ({ xy, length }: { xy: Float64Array; length: number }): [number, number][] =>
  Array.from({ length: length / 2 }, (_, i) => [xy[2 * i]!, xy[2 * i + 1]!]);

describe('decimating a line', () => {
  it('keeps every sample where each has a pixel of its own', () => {
    expect(pairs(decimate(of(0, 10, 20), of(1, 5, 3), { fromUs: 0, toUs: 30 }, 30))).toEqual([
      [0, 1],
      [10, 5],
      [20, 3],
    ]);
  });

  it('keeps first, least, greatest and last of a column, in the order of time', () => {
    const tUs = of(0, 1, 2, 3, 4, 5);
    const points = decimate(tUs, of(4, 9, 5, 1, 6, 5), { fromUs: 0, toUs: 10 }, 1);
    expect(pairs(points)).toEqual([
      [0, 4],
      [1, 9],
      [3, 1],
      [5, 5],
    ]);
    expect(points.max).toBe(9);
  });

  it('leaves the window at both edges towards the nearest samples beyond', () => {
    const points = decimate(of(0, 10, 20, 30, 40), of(0, 1, 2, 3, 4), { fromUs: 15, toUs: 25 }, 10);
    expect(pairs(points).map(([t]) => t)).toEqual([10, 20, 30]);
  });

  it('breaks where a value is not known', () => {
    expect(pairs(decimate(of(0, 10, 20), of(1, null, 3), { fromUs: 0, toUs: 30 }, 30))).toEqual([
      [0, 1],
      [20, Number.NaN],
      [20, 3],
    ]);
  });

  it('holds every extreme in the window in four points a column, whatever comes', () => {
    const samples = fc.array(
      fc.tuple(fc.nat({ max: 50 }), fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 8 })),
      { minLength: 1, maxLength: 400 },
    );
    fc.assert(
      fc.property(samples, fc.integer({ min: 1, max: 60 }), (steps, columns) => {
        let us = 0;
        const tUs = Float64Array.from(steps, ([step]) => {
          us += step;
          return us;
        });
        const values = Float64Array.from(steps, ([, value]) => value ?? Number.NaN);
        const window = { fromUs: 0, toUs: us + 1 };
        const points = pairs(decimate(tUs, values, window, columns));
        const known = [...values].filter((value) => !Number.isNaN(value));
        const kept = points.map(([, value]) => value).filter((value) => !Number.isNaN(value));
        if (known.length > 0) {
          expect(Math.max(...kept)).toBe(Math.max(...known));
          expect(Math.min(...kept)).toBe(Math.min(...known));
        }
        expect(kept.length).toBeLessThanOrEqual(4 * (columns + 1));
        const times = points.map(([t]) => t);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
    );
  });

  it('takes the memory of a former result', () => {
    const window = { fromUs: 0, toUs: 30 };
    const before = decimate(of(0, 10, 20), of(1, 5, 3), window, 30);
    expect(decimate(of(0, 10), of(7, 8), window, 30, before).xy).toBe(before.xy);
  });
});

describe('marks of losses', () => {
  it('stand where the count grows, by how much', () => {
    const tUs = of(0, 10, 20, 30, 40);
    expect(lossMarks(tUs, of(0, 2, 2, 3, 7), { fromUs: 0, toUs: 50 }, 5)).toEqual([
      { column: 1, packets: 2 },
      { column: 3, packets: 1 },
      { column: 4, packets: 4 },
    ]);
  });

  it('do not count again what was lost before the window', () => {
    expect(lossMarks(of(0, 10, 20), of(5, 5, 6), { fromUs: 10, toUs: 30 }, 20)).toEqual([
      { column: 10, packets: 1 },
    ]);
  });

  it('pass over what is not known and over losses that were none', () => {
    expect(lossMarks(of(0, 10, 20, 30), of(3, null, 1, 2), { fromUs: 5, toUs: 35 }, 30)).toEqual([
      { column: 25, packets: 1 },
    ]);
  });
});
