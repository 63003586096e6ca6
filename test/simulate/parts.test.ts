import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkSet } from '../../src/main/simulate/chunk-set.ts';
import { Deadlines } from '../../src/main/simulate/deadlines.ts';
import { Histogram } from '../../src/main/simulate/histogram.ts';
import { Source } from '../../src/main/simulate/source.ts';
import { quantile } from '../../src/shared/samples.ts';

describe('a histogram', () => {
  it('gives quantiles to 0.4 %, and minimum, maximum and mean exactly', () => {
    const value = fc.double({ min: 1, max: 1e9, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 50, maxLength: 300 }), (values) => {
        const histogram = new Histogram();
        for (const each of values) histogram.add(each);
        const sorted = values.toSorted((a, b) => a - b);
        expect([histogram.min, histogram.max]).toEqual([sorted[0], sorted.at(-1)]);
        expect(histogram.mean).toBeCloseTo(values.reduce((a, b) => a + b) / values.length, 3);
        for (const q of [0.1, 0.5, 0.95]) {
          // Between the neighbours in rank, give or take a bin.
          const rank = q * values.length;
          expect(histogram.quantile(q)).toBeGreaterThanOrEqual(
            sorted[Math.max(0, Math.ceil(rank) - 1)]! * 0.996,
          );
          expect(histogram.quantile(q)).toBeLessThanOrEqual(
            sorted[Math.min(values.length - 1, Math.ceil(rank))]! * 1.004,
          );
        }
      }),
    );
  });

  it('takes zero and what lies outside its range', () => {
    const histogram = new Histogram();
    for (const value of [0, 0, 0, 1e15]) histogram.add(value);
    expect(histogram.quantile(0.5)).toBeLessThan(0.01);
    expect(histogram.max).toBe(1e15);
    histogram.clear();
    expect(histogram.quantile(0.5)).toBeNaN();
    expect(quantile([0, 0, 0, 1e15], 0.5)).toBe(0);
  });
});

it('deadlines name the party that is next, the lowest of equals', () => {
  const time = fc.oneof(fc.integer({ min: 0, max: 5 }), fc.constant(Number.POSITIVE_INFINITY));
  fc.assert(
    fc.property(
      fc
        .integer({ min: 1, max: 9 })
        .chain((count) =>
          fc.tuple(fc.constant(count), fc.array(fc.tuple(fc.nat(count - 1), time), { maxLength: 40 })),
        ),
      ([count, changes]) => {
        const deadlines = new Deadlines(count);
        const model = new Array<number>(count).fill(Number.POSITIVE_INFINITY);
        for (const [party, atUs] of changes) {
          deadlines.set(party, atUs);
          model[party] = atUs;
          expect(deadlines.firstAtUs).toBe(Math.min(...model));
          expect(deadlines.first).toBe(model.indexOf(Math.min(...model)));
        }
      },
    ),
  );
});

it('a chunk set is a set', () => {
  const near = fc.array(fc.nat(600), { maxLength: 400 });
  fc.assert(
    fc.property(near, fc.boolean(), (steps, inOrder) => {
      const chunks = new ChunkSet();
      const model = new Set<number>();
      for (const [i, step] of steps.entries()) {
        const chunk = inOrder ? Math.max(0, i - (step % 5)) : step;
        expect(chunks.has(chunk)).toBe(model.has(chunk));
        expect(chunks.add(chunk)).toBe(!model.has(chunk));
        model.add(chunk);
        let frontier = 0;
        while (model.has(frontier)) frontier++;
        expect(chunks.frontier).toBe(frontier);
      }
    }),
  );
});

it('a source brings data at its rate while it is on', () => {
  const source = new Source({
    startUs: 1e6,
    chunkBytes: 1000,
    bytes: 4500,
    onOff: { onUs: 2000, offUs: 10_000 },
    rateLimitBps: 8e6,
  });
  const times: number[] = [];
  for (let i = 0; i < 5; i++) {
    times.push(source.availableAtUs(1e6) - 1e6);
    source.take();
  }
  expect(times).toEqual([0, 1000, 12_000, 13_000, 24_000]);
  expect(source.availableAtUs(2e6)).toBe(Number.POSITIVE_INFINITY);
  expect([0, 3, 4].map((chunk) => source.bytesOf(chunk))).toEqual([1000, 1000, 500]);
});
