import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesBy, type FlowPoints, fairnessOf, runFlow } from '../../src/main/probe/fairness.ts';
import { serveSession } from '../../src/main/probe/service.ts';
import { startLoopback } from './loopback.ts';

/** A flow of one rate from `fromMs` to `toMs`, told each 250 ms. */
const steady = (bps: number, fromMs: number, toMs: number): FlowPoints =>
  Array.from(
    { length: (toMs - fromMs) / 250 + 1 },
    (_, i) => [fromMs + 250 * i, (bps * 250 * i) / 8e3] as const,
  );

describe('shares of flows', () => {
  it('count the time in which all of them sent', () => {
    const flows = [
      { controller: 'cubic' as const, points: steady(8e6, 0, 10_000) },
      { controller: 'bbr3' as const, points: steady(4e6, 2000, 10_500) },
      { controller: 'cubic' as const, points: steady(4e6, 4000, 10_000) },
    ];
    const fairness = fairnessOf(flows, { warmupMs: 1000, endMs: 10_000 })!;
    expect(fairness).toMatchObject({ fromMs: 5000, toMs: 10_000 });
    expect(fairness.flows.map(({ goodputBps }) => Math.round(goodputBps))).toEqual([8e6, 4e6, 4e6]);
    expect(fairness.flows.map(({ share }) => share)).toEqual([0.5, 0.25, 0.25]);
    expect(fairness.jain).toBeCloseTo(16 ** 2 / (3 * (64 + 16 + 16)), 9);
    expect(fairness.controllers).toMatchObject([
      { controller: 'cubic', flows: 2, share: 0.75, fairShare: 2 / 3 },
      { controller: 'bbr3', flows: 1, share: 0.25, fairShare: 1 / 3 },
    ]);
    // One alone is compared with nobody; from the third second there are two, from the fifth three.
    expect(fairness.jainPerSecond.slice(0, 3)).toEqual([null, null, expect.closeTo(0.9, 9)]);
    expect(fairness.jainPerSecond).toHaveLength(10);
    expect(fairness.flows[2]!.perSecondBps.slice(0, 5)).toEqual([
      null,
      null,
      null,
      null,
      expect.closeTo(4e6, 3),
    ]);
  });

  it('are none where the flows have no time in common', () => {
    const flows = [
      { controller: 'cubic' as const, points: steady(1e6, 0, 1000) },
      { controller: 'cubic' as const, points: steady(1e6, 2000, 3000) },
    ];
    expect(fairnessOf(flows, { warmupMs: 0, endMs: 3000 })).toBeNull();
    expect(
      fairnessOf([flows[0]!, { controller: 'cubic', points: [] }], { warmupMs: 0, endMs: 3000 }),
    ).toBeNull();
  });

  it('lie between the points that were told', () => {
    const step = fc.tuple(fc.integer({ min: 1, max: 500 }), fc.nat(1e6));
    fc.assert(
      fc.property(fc.array(step, { minLength: 1, maxLength: 50 }), fc.nat(30_000), (steps, atMs) => {
        let [ms, bytes] = [0, 0];
        const points = steps.map(([dt, more]) => {
          ms += dt;
          bytes += more;
          return [ms, bytes] as const;
        });
        const by = bytesBy(points, atMs);
        if (atMs < points[0]![0] || atMs > points.at(-1)![0]) expect(by).toBeNull();
        else {
          expect(by).toBeGreaterThanOrEqual(points.findLast(([at]) => at <= atMs)![1]);
          expect(by).toBeLessThanOrEqual(points.find(([at]) => at >= atMs)![1]);
        }
      }),
    );
  });
});

describe('one flow', () => {
  const signal = new AbortController().signal;
  const options = { nowMs: () => performance.now(), signal };

  it('tells what had arrived, and how, in both directions', async () => {
    await using loopback = await startLoopback(undefined, (session, counters) =>
      serveSession(session, counters, { clientsChoose: true }),
    );
    for (const direction of ['up', 'down'] as const) {
      const plan = { controller: { name: 'bbr3' as const }, direction, durationMs: 700 };
      const { points, minRttUs, retransmitRatio } = await runFlow(loopback.options, plan, options);
      expect(points.length).toBeGreaterThan(2);
      expect(points[0]![1]).toBe(0);
      expect(points.at(-1)![1]).toBeGreaterThan(0);
      for (const [i, [atMs, bytes]] of points.entries()) {
        expect(atMs).toBeGreaterThanOrEqual(points[i - 1]?.[0] ?? 0);
        expect(bytes).toBeGreaterThanOrEqual(points[i - 1]?.[1] ?? 0);
      }
      expect(minRttUs).toBeGreaterThan(0);
      expect(retransmitRatio).toBeGreaterThanOrEqual(0);
    }
  });

  it('is refused by a server that keeps its own controller', async () => {
    await using loopback = await startLoopback();
    const plan = { controller: { name: 'bbr3' as const }, direction: 'down' as const, durationMs: 100 };
    await expect(runFlow(loopback.options, plan, options)).rejects.toMatchObject({
      code: 'RL_PEER_UNSUPPORTED',
    });
  });
});
