import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WallAnchor } from '../../../src/main/quic/udp/wall-anchor.ts';

const ORIGIN = 1_800_000_000_000;
const HOUR = 3_600_000;

/** Both clocks, read at one moment. */
const at = (anchor: WallAnchor, wallMs: number, monotonicMs: number): number => {
  anchor.look(wallMs, monotonicMs, monotonicMs);
  return anchor.originMs + monotonicMs;
};

test('clocks that agree to a second leave moments as they are told, to the microsecond', () => {
  const anchor = new WallAnchor(ORIGIN);
  for (const offMs of [0, 0.4, -3, 999, -999, 1000, -1000]) {
    expect(at(anchor, ORIGIN + 5000 + offMs, 5000)).toBe(ORIGIN + 5000);
  }
});

test.each([
  ['a clock set forward, or a night slept through', 8 * HOUR],
  ['a clock set back', -HOUR],
  ['a step of little more than a second', 1001],
])('%s is followed at once, and is where later steps are counted from', (_, stepMs) => {
  const anchor = new WallAnchor(ORIGIN);
  expect(at(anchor, ORIGIN + 1000 + stepMs, 1000)).toBe(ORIGIN + 1000 + stepMs);
  expect(at(anchor, ORIGIN + 2000 + stepMs - 700, 2000)).toBe(ORIGIN + 2000 + stepMs);
  expect(at(anchor, ORIGIN + 3000, 3000)).toBe(ORIGIN + 3000);
});

test('slow drift is followed once it has become a second', () => {
  const anchor = new WallAnchor(ORIGIN);
  const told = Array.from({ length: 21 }, (_, i) => {
    const monotonicMs = i * HOUR;
    return at(anchor, ORIGIN + monotonicMs + i * 180, monotonicMs) - ORIGIN - monotonicMs;
  });
  expect(told).toEqual([0, 0, 0, 0, 0, 0, ...Array(6).fill(1080), ...Array(6).fill(2160), 3240, 3240, 3240]);
});

test('a thread that was held up between its readings takes nothing for a step', () => {
  const anchor = new WallAnchor(ORIGIN);
  anchor.look(ORIGIN + 1000, 1000, 61_000);
  anchor.look(ORIGIN + 61_000, 1000, 61_000);
  expect(anchor.originMs).toBe(ORIGIN);
  anchor.look(ORIGIN + 1000 + HOUR, 1000, 61_000);
  expect(anchor.originMs).toBeGreaterThanOrEqual(ORIGIN + HOUR - 60_000);
});

test('whatever the clocks did, what is told is at most a second from the wall clock, and rises while that runs evenly', () => {
  const steps = fc.array(fc.record({ stepMs: fc.integer({ min: -HOUR, max: HOUR }), times: fc.nat(5) }));
  fc.assert(
    fc.property(steps, (moves) => {
      const anchor = new WallAnchor(ORIGIN);
      let [wallMs, monotonicMs] = [ORIGIN, 0];
      for (const { stepMs, times } of moves) {
        wallMs += stepMs;
        let before = Number.NEGATIVE_INFINITY;
        for (let i = 0; i <= times; i++) {
          wallMs += 100;
          monotonicMs += 100;
          const told = at(anchor, wallMs, monotonicMs);
          expect(Math.abs(told - wallMs)).toBeLessThanOrEqual(1000);
          expect(told).toBeGreaterThan(before);
          before = told;
        }
      }
    }),
  );
});
