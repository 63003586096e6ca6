import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Rng } from '../../src/main/path/rng.ts';
import { Schedule } from '../../src/main/probe/schedule.ts';

it('a repetition is due k periods after the first, within half the jitter, however late those before were', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 2 ** 32 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 50 }),
      (seed, jitter, worksUs) => {
        const rng = Rng.fromSeed(seed);
        const schedule = new Schedule({ startUs: 5000, everyUs: 1000, jitter, random: () => rng.float() });
        let now = 5000;
        let before = Number.NEGATIVE_INFINITY;
        for (const [made, workUs] of worksUs.entries()) {
          const dueUs = schedule.next(now);
          const slot = made + schedule.skipped;
          expect(Math.abs(dueUs - (5000 + 1000 * slot))).toBeLessThanOrEqual(500 * jitter + 1e-6);
          expect(dueUs).toBeGreaterThanOrEqual(before);
          before = dueUs;
          now = Math.max(now, dueUs) + workUs;
        }
      },
    ),
  );
});

it('slots that passed while one repetition took too long are skipped and counted', () => {
  const schedule = new Schedule({ startUs: 0, everyUs: 100, jitter: 0, random: () => 0 });
  expect([schedule.next(0), schedule.next(250), schedule.next(300), schedule.next(301)]).toEqual([
    0, 300, 400, 500,
  ]);
  expect(schedule.skipped).toBe(2);
});

it('a seed repeats the jitter', () => {
  const times = (seed: number): number[] => {
    const rng = Rng.fromSeed(seed);
    const schedule = new Schedule({ startUs: 0, everyUs: 1000, jitter: 0.5, random: () => rng.float() });
    return Array.from({ length: 5 }, () => schedule.next(0));
  };
  expect(times(7)).toEqual(times(7));
  expect(times(7)).not.toEqual(times(8));
});
