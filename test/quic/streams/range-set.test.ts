import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RangeSet } from '../../../src/main/quic/streams/range-set.ts';

const SIZE = 60;
const operation = fc.record({
  add: fc.boolean(),
  start: fc.integer({ min: 0, max: SIZE - 1 }),
  length: fc.integer({ min: 0, max: 15 }),
});

const missing = (set: RangeSet, start: number, end: number): number[] => {
  const offsets: number[] = [];
  set.forEachMissing(start, end, (from, to) => {
    expect(from).toBeLessThan(to);
    for (let at = from; at < to; at++) offsets.push(at);
  });
  return offsets;
};

it('holds what a plain set of offsets would, in as few ranges as can be', () => {
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 40 }), (operations) => {
      const set = new RangeSet();
      const model = new Set<number>();
      for (const { add, start, length } of operations) {
        if (add) set.add(start, start + length);
        else set.remove(start, start + length);
        for (let at = start; at < start + length; at++) {
          if (add) model.add(at);
          else model.delete(at);
        }
        const offsets = [...model].sort((a, b) => a - b);
        const starts = offsets.filter((at) => !model.has(at - 1));
        expect(set.size).toBe(starts.length);
        expect(set.isEmpty).toBe(offsets.length === 0);
        expect(set.firstStart).toBe(starts[0] ?? Number.POSITIVE_INFINITY);
        expect(set.firstEnd).toBe(
          offsets.find((at) => !model.has(at + 1)) === undefined
            ? Number.POSITIVE_INFINITY
            : offsets.find((at) => !model.has(at + 1))! + 1,
        );
        const everything = Array.from({ length: SIZE + 20 }, (_, at) => at);
        expect(missing(set, 0, SIZE + 20)).toEqual(everything.filter((at) => !model.has(at)));
        expect(missing(set, start, start + length)).toEqual(
          everything.filter((at) => at >= start && at < start + length && !model.has(at)),
        );
      }
    }),
    { numRuns: 200 },
  );
});

it('is empty after clear', () => {
  const set = new RangeSet();
  set.add(1, 5);
  set.clear();
  expect(set.isEmpty).toBe(true);
  expect(missing(set, 0, 3)).toEqual([0, 1, 2]);
});
