import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LastSecond } from '../../src/main/probe/last-second.ts';

const at = (rate: LastSecond, s: number, down: number, up = 0) => rate.look(s * 1e6, { down, up });

test('before a second was looked at nothing is known, then what arrived in it is, and a second later nothing more', () => {
  const rate = new LastSecond();
  expect([at(rate, 10, 500), at(rate, 10.5, 500)]).toEqual([null, null]);
  expect(at(rate, 11, 500)).toEqual({ down: 0, up: 0 });
  expect(at(rate, 11.25, 1500, 40)).toEqual({ down: (8 * 1000) / 1.25, up: (8 * 40) / 1.25 });
  expect(at(rate, 11.5, 2500, 40)).toEqual({ down: 16_000, up: 320 });
  expect(at(rate, 12, 2500, 40)).toEqual({ down: 16_000, up: 320 });
  expect(at(rate, 12.5, 2500, 40)).toEqual({ down: 0, up: 0 });
});

test('looks that come late are rates over the time since', () => {
  const rate = new LastSecond();
  at(rate, 0, 0);
  expect(at(rate, 4, 4000)).toEqual({ down: 8000, up: 0 });
});

test('of a steady stream it is the stream’s rate, however it is looked at', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ min: 0.01, max: 3, noNaN: true }), { minLength: 2 }), (pauses) => {
      const rate = new LastSecond();
      let s = 0;
      for (const pause of pauses) {
        const bps = at(rate, s, s * 1000);
        if (bps !== null) expect(bps.down).toBeCloseTo(8000, 3);
        s += pause;
      }
    }),
  );
});
