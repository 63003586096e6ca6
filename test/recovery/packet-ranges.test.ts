import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketRanges } from '../../src/main/recovery/packet-ranges.ts';

/** The ranges of a set, the slow way. */
function rangesOf(numbers: Iterable<number>): { first: number; last: number }[] {
  const ranges: { first: number; last: number }[] = [];
  for (const number of [...new Set(numbers)].sort((a, b) => a - b)) {
    const top = ranges.at(-1);
    if (top && top.last === number - 1) top.last = number;
    else ranges.push({ first: number, last: number });
  }
  return ranges.reverse();
}

describe('packet ranges', () => {
  it('hold what was added, as disjoint and non-adjacent ranges, largest first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(200), { maxLength: 300 }), (added) => {
        const ranges = new PacketRanges(1000);
        for (const number of added) ranges.add(number);
        expect(ranges.list).toEqual(rangesOf(added));
        for (let number = 0; number <= 200; number++) expect(ranges.has(number)).toBe(added.includes(number));
      }),
    );
  });

  it('with a limit, keep the highest ranges and call everything below them known', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(200), { maxLength: 300 }),
        fc.integer({ min: 1, max: 8 }),
        (added, limit) => {
          const ranges = new PacketRanges(limit);
          let highestForgotten = -1;
          const kept = new Set<number>();
          for (const number of added) {
            if (number > highestForgotten) kept.add(number);
            ranges.add(number);
            for (const range of rangesOf(kept).slice(limit)) {
              highestForgotten = Math.max(highestForgotten, range.last);
              for (let n = range.first; n <= range.last; n++) kept.delete(n);
            }
          }
          expect(ranges.list).toEqual(rangesOf(kept));
          for (let number = 0; number <= 200; number++) {
            expect(ranges.has(number)).toBe(number <= highestForgotten || kept.has(number));
          }
        },
      ),
    );
  });
});
