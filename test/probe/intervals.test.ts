import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Intervals } from '../../src/main/probe/intervals.ts';

const totals = fc
  .array(fc.tuple(fc.integer({ min: 1, max: 50_000 }), fc.integer({ min: 0, max: 2_500_000 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    let bytes = 0;
    let durationUs = 0;
    return steps.map(([more, later], index) => {
      bytes += more;
      durationUs += index === 0 ? 0 : later;
      return { bytes, durationUs };
    });
  });

it('intervals follow one another without a gap and hold every byte, the warm-up and the rest make the whole', () => {
  fc.assert(
    fc.property(totals, fc.boolean(), fc.integer({ min: 0, max: 5000 }), (given, isExact, warmUpMs) => {
      const intervals = new Intervals({ warmUpMs, isExact });
      for (const total of given) intervals.add(total);
      const last = given.at(-1)!;
      const counted = intervals.counted()!;
      let atUs = 0;
      for (const { fromUs, toUs, bytes, goodputBps } of counted.intervals) {
        expect(fromUs).toBe(atUs);
        expect(toUs).toBeGreaterThan(fromUs);
        expect(goodputBps).toBe(Math.round((bytes * 8e6) / (toUs - fromUs)));
        if (isExact && toUs !== last.durationUs) expect(toUs % 1e6).toBe(0);
        atUs = toUs;
      }
      expect(atUs).toBe(last.durationUs);
      // What came on the last instant of all closes no interval of its own.
      const inIntervals = counted.intervals.reduce((sum, { bytes }) => sum + bytes, 0);
      expect(inIntervals).toBeLessThanOrEqual(last.bytes);
      expect(counted.warmUpUs + counted.durationUs).toBe(last.durationUs);
      if (counted.durationUs > 0) expect(counted.warmUpUs).toBeGreaterThanOrEqual(warmUpMs * 1000);
    }),
  );
});

it('a second without a byte is an interval of nothing', () => {
  const intervals = new Intervals({ warmUpMs: 0, isExact: true });
  for (const total of [
    { bytes: 100, durationUs: 0 },
    { bytes: 200, durationUs: 500_000 },
    { bytes: 300, durationUs: 2_500_000 },
  ])
    intervals.add(total);
  expect(intervals.counted()!.intervals.map(({ bytes }) => bytes)).toEqual([200, 0, 100]);
});

it('nothing that arrived is null, not zero', () => {
  expect(new Intervals({ warmUpMs: 0, isExact: true }).counted()).toBeNull();
});
