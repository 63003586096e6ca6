import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  appendSeries,
  CONGESTION_COLUMNS,
  decimateSeries,
  emptySeries,
} from '../../src/shared/congestion-series.ts';
import { anySeries } from './series-arbitrary.ts';

const known = (values: readonly (number | null)[]): number[] => values.filter((value) => value !== null);
const extremes = (values: readonly (number | null)[]): [number, number] => [
  Math.min(...known(values)),
  Math.max(...known(values)),
];

test('decimated, a series has no more points than asked for and keeps every column’s peaks', () => {
  fc.assert(
    fc.property(anySeries, fc.integer({ min: 2, max: 60 }), (given, points) => {
      const out = decimateSeries(given, { points });
      expect(out.tUs.length).toBeLessThanOrEqual(points);
      expect(out.phases.length).toBeLessThanOrEqual(points);
      for (const name of CONGESTION_COLUMNS) {
        expect(out[name].length).toBe(out.tUs.length);
        expect(extremes(out[name])).toEqual(extremes(given[name]));
        expect(given[name]).toEqual(expect.arrayContaining(out[name].filter((value) => value !== null)));
      }
      expect(out.tUs).toEqual(out.tUs.toSorted((a, b) => a - b));
      expect(given.tUs).toEqual(expect.arrayContaining(out.tUs));
      expect(out.phases.at(-1)).toEqual(given.phases.at(-1));
    }),
  );
});

test('a series that has few enough points comes as it is', () => {
  fc.assert(
    fc.property(anySeries, (given) => {
      expect(decimateSeries(given, { points: 200 })).toEqual(given);
    }),
  );
});

test('a window holds its rows, and the state it falls into', () => {
  const given = emptySeries();
  for (const tUs of [0, 10, 20, 30, 40]) {
    given.tUs.push(tUs);
    for (const name of CONGESTION_COLUMNS) given[name].push(tUs);
  }
  given.phases.push(
    { fromUs: 0, state: 'startup' },
    { fromUs: 5, state: 'drain' },
    { fromUs: 35, state: 'up' },
  );
  const out = decimateSeries(given, { fromUs: 10, toUs: 40, points: 100 });
  expect(out.tUs).toEqual([10, 20, 30]);
  expect(out.phases).toEqual([
    { fromUs: 5, state: 'drain' },
    { fromUs: 35, state: 'up' },
  ]);
  expect(decimateSeries(given, { fromUs: 50, toUs: 40, points: 100 }).tUs).toEqual([]);
});

test('parts appended are the whole', () => {
  fc.assert(
    fc.property(anySeries, fc.nat(200), (given, at) => {
      const cut = given.tUs[at] ?? Number.POSITIVE_INFINITY;
      const whole = decimateSeries(given, { toUs: cut, points: 200 });
      const rest = decimateSeries(given, { fromUs: cut, points: 200 });
      rest.phases = given.phases.filter(({ fromUs }) => fromUs >= cut);
      appendSeries(whole, rest);
      expect(whole).toEqual(given);
    }),
  );
});
