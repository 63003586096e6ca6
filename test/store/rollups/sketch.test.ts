import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RELATIVE_ERROR, Sketch } from '../../../src/main/store/rollups/sketch.ts';
import { quantile } from '../../../src/shared/samples.ts';

const value = fc.oneof(
  fc.nat({ max: 300 }),
  fc.nat({ max: 10_000_000 }),
  fc.nat({ max: Number.MAX_SAFE_INTEGER }),
);
const values = fc.array(value, { minLength: 1, maxLength: 300 });

const sketchOf = (of: readonly number[]): Sketch => {
  const sketch = new Sketch();
  for (const one of of) sketch.add(one);
  return sketch;
};
const sum = (...parts: Uint8Array[]): Uint8Array => {
  const sketch = new Sketch();
  for (const part of parts) sketch.addEncoded(part);
  return sketch.encode();
};

test('a quantile is within its stated part of the exact one', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0, max: 1, noNaN: true }), (given, q) => {
      const exact = quantile(
        given.toSorted((a, b) => a - b),
        q,
      );
      // The last digit of a logarithm may put a value that lies on a bound beyond it.
      expect(Math.abs(sketchOf(given).quantile(q) - exact)).toBeLessThanOrEqual(
        exact * (RELATIVE_ERROR + 1e-9),
      );
    }),
    { numRuns: 1000 },
  );
});

test('sketches add up to the sketch of all values, in whatever order', () => {
  fc.assert(
    fc.property(values, values, values, (a, b, c) => {
      const [x, y, z] = [sketchOf(a).encode(), sketchOf(b).encode(), sketchOf(c).encode()];
      const whole = sketchOf([...c, ...a, ...b]).encode();
      expect(sum(x, y, z)).toEqual(whole);
      expect(sum(x, sum(y, z))).toEqual(whole);
      expect(sum(sum(z, x), y)).toEqual(whole);
    }),
  );
});

test('a sketch that was cleared is as new', () => {
  fc.assert(
    fc.property(values, values, (before, after) => {
      const sketch = sketchOf(before);
      sketch.clear();
      for (const one of after) sketch.add(one);
      expect(sketch.encode()).toEqual(sketchOf(after).encode());
      expect(sketch.total).toBe(after.length);
    }),
  );
});

test('bytes are a sketch, which they are the bytes of, or refused as damage', () => {
  const damage = expect.objectContaining({ code: 'RL_DB_CORRUPT' });
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
      let encoded: Uint8Array;
      try {
        encoded = sum(bytes);
      } catch (thrown) {
        expect(thrown).toEqual(damage);
        return;
      }
      expect(sum(encoded)).toEqual(encoded);
    }),
    { numRuns: 2000 },
  );
  for (const bytes of [[5], [5, 0], [5, 128], [255, 255, 1, 1], [1, 1, 0, 1]]) {
    expect(() => sum(Uint8Array.from(bytes))).toThrow(damage);
  }
});

test('a minute of pings takes little', () => {
  const rtts = Array.from({ length: 600 }, (_, i) => 20_000 + ((i * 7919) % 6000));
  expect(sketchOf(rtts).encode().length).toBeLessThan(80);
});
