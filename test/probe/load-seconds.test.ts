import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { bytesBy, type FlowPoints } from '../../src/main/probe/fairness.ts';
import { LoadPings } from '../../src/main/probe/load-pings.ts';
import { LoadSeconds } from '../../src/main/probe/load-seconds.ts';
import { ReportedBytes } from '../../src/main/probe/reported-bytes.ts';
import { type PingSample, quantile, rttStats } from '../../src/shared/samples.ts';

const REPORT_MS = 250;
const PING_MS = 20;

/** Reports of one flow: each so much later and so much more than the one before it. */
const anyFlow = fc.array(fc.tuple(fc.integer({ min: 1, max: 900 }), fc.nat(50_000)), { maxLength: 30 });
/** When it was sent, and what became of it. */
const anyPings = fc.array(
  fc.record({ atMs: fc.integer({ min: 0, max: 6000 }), rttUs: fc.option(fc.nat(1e6)) }),
  { maxLength: 60 },
);

test('seconds are what all reports and pings together say, however often they are closed', () => {
  fc.assert(
    fc.property(
      fc.array(anyFlow, { minLength: 1, maxLength: 3 }),
      anyPings,
      fc.integer({ min: 1, max: 2000 }),
      (flows, pings, everyMs) => {
        const points = flows.map((steps): FlowPoints => {
          const all: [number, number][] = [[0, 0]];
          for (const [laterMs, more] of steps) all.push([all.at(-1)![0] + laterMs, all.at(-1)![1] + more]);
          return all;
        });
        const samples = pings.map((ping): PingSample => ({ ...ping, loaded: true }));
        const reported = points.map(() => new ReportedBytes(0));
        const load = new LoadPings(0);
        const seconds = new LoadSeconds(0, reported, load);
        for (let nowMs = 0; nowMs <= 8000; nowMs += everyMs) {
          const isNew = (atMs: number): boolean => atMs > nowMs - everyMs && atMs <= nowMs;
          points.forEach((all, i) => {
            for (const [atMs, bytes] of all.slice(1)) if (isNew(atMs)) reported[i]!.add(atMs, bytes);
          });
          for (const ping of samples) if (isNew(ping.atMs)) load.add(ping);
          load.settle(nowMs);
          seconds.close(Math.min(nowMs, 6000, ...reported.map(({ knownThroughMs }) => knownThroughMs)));
        }
        load.settle(Number.POSITIVE_INFINITY);
        seconds.close(6000);
        const arrivedBy = (all: FlowPoints, atMs: number): number =>
          bytesBy(all, atMs) ?? all.findLast(([pointMs]) => pointMs <= atMs && pointMs <= 8000)![1];
        const expected = Array.from({ length: 6 }, (_, second) => {
          const [fromMs, toMs] = [second * 1000, second * 1000 + 1000];
          const own = samples.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
          const rtts = own.flatMap(({ rttUs }) => rttUs ?? []).sort((a, b) => a - b);
          return {
            fromS: second,
            goodputBps: expect.closeTo(
              points.reduce((sum, all) => sum + arrivedBy(all, toMs) - arrivedBy(all, fromMs), 0) * 8,
              3,
            ),
            pings: own.length,
            lost: own.length - rtts.length,
            rttP50Us: rtts.length === 0 ? null : quantile(rtts, 0.5),
          };
        });
        expect(seconds.closed).toEqual(expected);
        const inOrder = samples.toSorted((a, b) => a.atMs - b.atMs).map(({ rttUs }) => rttUs);
        const { sent, received, lossRatio, rttUs, jitterUs } = rttStats(inOrder, 0, 0, 1);
        expect(load.figures()).toEqual({ sent, received, lossRatio, rttUs, jitterUs });
      },
    ),
  );
});

test('of a load of an hour each second costs what the first did, and nothing but RTTs is kept', () => {
  const flows = Array.from({ length: 8 }, () => new ReportedBytes(0));
  const pings = new LoadPings(0);
  const seconds = new LoadSeconds(0, flows, pings);
  const asked = vi.spyOn(ReportedBytes.prototype, 'by');
  let most = { points: 0, held: 0 };
  const workOf = (second: number): number => {
    asked.mockClear();
    for (let atMs = second * 1000; atMs < second * 1000 + 1000; atMs += PING_MS)
      pings.add({ atMs, rttUs: 20_000 + (atMs % 7), loaded: true });
    for (let atMs = second * 1000 + REPORT_MS; atMs <= second * 1000 + 1000; atMs += REPORT_MS)
      for (const flow of flows) flow.add(atMs, atMs * 15);
    pings.settle(second * 1000 + 1000);
    seconds.close(second * 1000 + 1000);
    most = {
      points: Math.max(most.points, ...flows.map(({ held }) => held)),
      held: Math.max(most.held, pings.held),
    };
    return asked.mock.calls.length;
  };
  const work = Array.from({ length: 3600 }, (_, second) => workOf(second));
  asked.mockRestore();
  expect(work[3599]).toBe(work[1]);
  expect(most.points).toBeLessThanOrEqual(5);
  // A minute of pings.
  expect(most.held).toBeLessThanOrEqual(60_000 / PING_MS + 1000 / PING_MS);
  expect(seconds.closed).toHaveLength(3600);
  expect(seconds.closed[3599]).toEqual({
    fromS: 3599,
    goodputBps: 8 * 15_000 * 8,
    pings: 50,
    lost: 0,
    rttP50Us: expect.any(Number),
  });
  expect(pings.lastMinute).toMatchObject({ sent: 60_000 / PING_MS, lossRatio: 0 });
  expect(pings.rttTotal.count).toBe(3600 * 50);
});
