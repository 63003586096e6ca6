import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Pacer } from '../../src/main/recovery/pacer.ts';

const BYTES = 1250;
/** 10 Mbit/s: a packet of 1250 bytes a millisecond. */
const RATE = 10e6;

describe('the pacer', () => {
  it('holds nothing back while there is no rate', () => {
    const pacer = new Pacer();
    for (let i = 0; i < 100; i++) {
      expect(pacer.delayUntil(5, BYTES, null, 2 * BYTES)).toBe(0);
      pacer.onSent(5, BYTES, null, 2 * BYTES);
    }
  });

  it('releases one quantum at once, then packets evenly at the rate', () => {
    const pacer = new Pacer();
    const releases: number[] = [];
    let now = 1000;
    while (releases.length < 50) {
      const until = pacer.delayUntil(now, BYTES, RATE, 2 * BYTES);
      if (until > 0) {
        expect(until).toBeGreaterThan(now);
        now = until;
        continue;
      }
      releases.push(now);
      pacer.onSent(now, BYTES, RATE, 2 * BYTES);
    }
    expect(releases.slice(0, 2)).toEqual([1000, 1000]);
    for (let i = 2; i < releases.length; i++) expect(releases[i]! - releases[i - 1]!).toBeCloseTo(1000, 6);
  });

  it('catches up after a late timer, but by no more than one quantum', () => {
    const pacer = new Pacer();
    const burstAt = (now: number): number => {
      let sent = 0;
      for (; pacer.delayUntil(now, BYTES, RATE, 4 * BYTES) === 0; sent++)
        pacer.onSent(now, BYTES, RATE, 4 * BYTES);
      return sent;
    };
    expect(burstAt(0)).toBe(4);
    expect(burstAt(2500)).toBe(2);
    // Half a packet was left over: 2.5 ms + 0.5 ms give three.
    expect(burstAt(5000)).toBe(3);
    expect(burstAt(1_000_000)).toBe(4);
  });

  it('follows a new rate at once', () => {
    const pacer = new Pacer();
    pacer.onSent(0, BYTES, RATE, BYTES);
    expect(pacer.delayUntil(0, BYTES, RATE, BYTES)).toBe(1000);
    expect(pacer.delayUntil(0, BYTES, 10 * RATE, BYTES)).toBe(100);
  });

  it('sends packets larger than the quantum at the full rate', () => {
    const pacer = new Pacer();
    let now = 0;
    for (let i = 0; i < 10; i++) {
      now = Math.max(now, pacer.delayUntil(now, BYTES, RATE, BYTES / 2));
      pacer.onSent(now, BYTES, RATE, BYTES / 2);
    }
    expect(now).toBeCloseTo(9000, 6);
  });

  it('never lets more than rate × time + one quantum pass, and never says now at another moment than its deadline', () => {
    const step = fc.record({
      wait: fc.double({ min: 0, max: 5000, noNaN: true }),
      bytes: fc.integer({ min: 40, max: 1500 }),
    });
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 200 }),
        fc.double({ min: 1e4, max: 1e9, noNaN: true }),
        (steps, rate) => {
          const pacer = new Pacer();
          const quantum = 3000;
          let now = 0;
          let sent = 0;
          for (const { wait, bytes } of steps) {
            now += wait;
            const until = pacer.delayUntil(now, bytes, rate, quantum);
            if (until > 0) {
              now = until;
              expect(pacer.delayUntil(now, bytes, rate, quantum)).toBe(0);
            }
            pacer.onSent(now, bytes, rate, quantum);
            sent += bytes;
            expect(sent).toBeLessThanOrEqual((rate * now) / 8e6 + quantum + 1e-3);
          }
        },
      ),
    );
  });
});
