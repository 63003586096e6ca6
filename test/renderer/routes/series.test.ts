import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketAt,
  endOf,
  mergeSeries,
  pointsOf,
  sparsePointsOf,
} from '../../../src/renderer/features/routes/chart/series.ts';
import { seriesOf } from './fixtures.ts';

describe('merging series', () => {
  it('puts new buckets behind the old ones', () => {
    expect(mergeSeries(seriesOf([0, 1000]), seriesOf([2000]), 60_000).tMs).toEqual([0, 1000, 2000]);
  });

  it('takes the newer of a bucket that comes twice', () => {
    const merged = mergeSeries(seriesOf([0, 1000], { p50: 1 }), seriesOf([1000, 2000], { p50: 2 }), 60_000);
    expect(merged.tMs).toEqual([0, 1000, 2000]);
    expect(merged.rttP50).toEqual([1, 2, 2]);
  });

  it('lets go of what is older than the window', () => {
    expect(mergeSeries(seriesOf([0, 1000, 2000]), seriesOf([3000]), 2000).tMs).toEqual([2000, 3000]);
  });

  it('replaces everything by a backlog of other buckets', () => {
    expect(mergeSeries(seriesOf([0, 1000]), seriesOf([0, 2000], { bucketMs: 2000 }), 60_000).tMs).toEqual([
      0, 2000,
    ]);
  });

  it('keeps what it has when an empty chunk comes', () => {
    expect(mergeSeries(seriesOf([0, 1000]), seriesOf([]), 60_000).tMs).toEqual([0, 1000]);
  });

  it('keeps all columns as long as the time, ascending and within the window, whatever comes', () => {
    const times = fc
      .uniqueArray(fc.integer({ min: 0, max: 50 }), { maxLength: 20 })
      .map((ks) => ks.sort((a, b) => a - b).map((k) => k * 1000));
    fc.assert(
      fc.property(fc.array(times, { maxLength: 6 }), (chunks) => {
        let held = seriesOf([]);
        for (const chunk of chunks) held = mergeSeries(held, seriesOf(chunk), 20_000);
        const { tMs } = held;
        expect(tMs).toEqual([...new Set(tMs)].sort((a, b) => a - b));
        for (const column of [held.sent, held.lost, held.rttP50, held.goodputUp])
          expect(column).toHaveLength(tMs.length);
        if (tMs.length > 0) expect(tMs.at(-1)! - tMs[0]!).toBeLessThan(20_000);
      }),
    );
  });
});

describe('the points of a series', () => {
  it('stand in the middle of their buckets', () => {
    expect(pointsOf(seriesOf([1000, 2000], { p50: 5 }), 'rttP50')).toEqual([
      { x: 1500, y: 5 },
      { x: 2500, y: 5 },
    ]);
  });

  it('break where buckets are missing', () => {
    const points = pointsOf(seriesOf([0, 1000, 5000, 6000], { p50: 5 }), 'rttP50');
    expect(points.map(({ y }) => y)).toEqual([5, 5, null, 5, 5]);
    expect(points[2]!.x).toBe(2500);
  });

  it('mark a point that a line would not show', () => {
    const points = pointsOf(seriesOf([0, 1000, 5000], { p50: 5 }), 'rttP50');
    expect(points.map(({ lone }) => lone ?? false)).toEqual([false, false, false, true]);
  });

  it('of a sparse column are only those measured', () => {
    const series = { ...seriesOf([0, 1000, 2000]), goodputDown: [null, 7, null] };
    expect(sparsePointsOf(series, 'goodputDown')).toEqual([{ x: 1500, y: 7 }]);
  });
});

describe('finding buckets', () => {
  it('takes the bucket that holds the moment', () => {
    const series = seriesOf([0, 1000, 5000]);
    expect([0, 999, 1000, 1999, 2000, 4999, 5500, 6000, -1].map((at) => bucketAt(series, at))).toEqual([
      0, 0, 1, 1, -1, -1, 2, -1, -1,
    ]);
  });

  it('ends with the newest bucket of all series', () => {
    expect(endOf([seriesOf([0, 1000]), seriesOf([]), seriesOf([3000])])).toBe(4000);
    expect(endOf([seriesOf([])])).toBeNull();
  });
});
