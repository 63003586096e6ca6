import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PingWindow, WINDOW_MS } from '../../src/main/lab/ping-window.ts';
import { type PingSample, pingStats } from '../../src/shared/samples.ts';

const ping = (atMs: number, rttUs: number | null = 1000): PingSample => ({ atMs, rttUs, loaded: false });

test('the window is half open: its first moment counts, its last does not', () => {
  const window = new PingWindow([ping(0), ping(1), ping(WINDOW_MS), ping(WINDOW_MS + 1)]);
  expect(window.stats(WINDOW_MS + 1)).toMatchObject({ fromMs: 1, toMs: WINDOW_MS + 1, sent: 2 });
});

test('a window in which nothing was sent has no loss ratio, not zero', () => {
  expect(new PingWindow().stats(5)).toMatchObject({ sent: 0, lossRatio: null, rttUs: null, jitterUs: null });
});

const arrivals = fc
  .array(
    fc.record({
      gapMs: fc.double({ min: 0.001, max: 5000, noNaN: true }),
      lost: fc.boolean(),
      lateBy: fc.nat(5),
    }),
  )
  .map((pings) => {
    let atMs = 1_000_000;
    return pings.map(({ gapMs, lost, lateBy }, i) => {
      atMs += gapMs;
      return { ping: ping(atMs, lost ? null : 1000 + ((i * 7919) % 4000)), arrival: i + (lost ? lateBy : 0) };
    });
  });

test('whatever order losses become known in, the numbers equal those of all samples in sending order', () => {
  fc.assert(
    fc.property(arrivals, fc.nat(20), (sent, batch) => {
      const window = new PingWindow();
      const arriving = sent.toSorted((a, b) => a.arrival - b.arrival).map((entry) => entry.ping);
      const inOrder = sent.map((entry) => entry.ping);
      for (let i = 0; i < arriving.length; i += batch + 1) {
        window.add(arriving.slice(i, i + batch + 1));
        const known = new Set(arriving.slice(0, i + batch + 1));
        const unresolved = inOrder.find((sample) => !known.has(sample));
        const through = unresolved?.atMs ?? (inOrder.at(-1)?.atMs ?? 0) + 1;
        const resolved = inOrder.filter((sample) => known.has(sample));
        expect(window.stats(through)).toEqual(pingStats(resolved, [], through - WINDOW_MS, through));
      }
    }),
  );
});

test('skipped slots are counted as long as they are in the window', () => {
  const window = new PingWindow([], [{ atMs: 5, count: 2 }]);
  window.addSkips([{ atMs: 10, count: 3 }]);
  expect(window.stats(11)).toMatchObject({ sent: 0, skipped: 5, lossRatio: null });
  expect(window.stats(WINDOW_MS + 6).skipped).toBe(3);
  expect(window.stats(WINDOW_MS + 11).skipped).toBe(0);
});

test('a route is silent from the first of three or more pings lost in a row, until one is answered', () => {
  const window = new PingWindow([ping(0), ping(1, null), ping(2, null)]);
  expect(window.silentSinceMs(10)).toBeNull();
  window.add([ping(3, null)]);
  expect(window.silentSinceMs(3)).toBeNull();
  expect(window.silentSinceMs(10)).toBe(1);
  window.add([ping(4)]);
  expect(window.silentSinceMs(10)).toBeNull();
});
