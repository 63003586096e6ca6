/** Whatever the path does and whatever the parameters: BBR goes on sending, within its bounds. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bbr2 } from '../../../src/main/congestion/bbr/bbr2.ts';
import { bbr3 } from '../../../src/main/congestion/bbr/bbr3.ts';
import type { ParameterSpec } from '../../../src/main/congestion/controller.ts';
import { Rng } from '../../../src/main/path/rng.ts';
import { PACKET, runFlow } from './flow.ts';

const anyValue = ({ unit, min, max }: ParameterSpec): fc.Arbitrary<number> =>
  unit === 'count' || unit === 'rounds' ? fc.integer({ min, max }) : fc.double({ min, max, noNaN: true });

describe.each([bbr2, bbr3])('$name', ({ name, parameters }) => {
  const paths = fc.record({
    rateBps: fc.double({ min: 500e3, max: 50e6, noNaN: true }),
    rttMs: fc.double({ min: 0.2, max: 800, noNaN: true }),
    bufferMs: fc.integer({ min: 10, max: 1000 }),
    lossRatio: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.4, noNaN: true })),
    lateRatio: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 0.2, noNaN: true })),
    appBps: fc.oneof(fc.constant(Number.POSITIVE_INFINITY), fc.double({ min: 1e4, max: 1e8, noNaN: true })),
    ackGridUs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 300_000 })),
    seed: fc.nat(),
    parameters: fc.record(Object.fromEntries(parameters.map((each) => [each.name, anyValue(each)])), {
      requiredKeys: [],
    }),
  });

  it('goes on sending, at rates that are numbers and windows of the minimum or more', () => {
    fc.assert(
      fc.property(paths, (path) => {
        const rng = Rng.fromSeed(path.seed);
        const minPipeCwnd = Math.floor((path.parameters['MinPipeCwnd'] ?? 4) * PACKET);
        let lastSentAtUs = 0;
        const flow = runFlow({
          controller: name,
          durationS: 6,
          parameters: path.parameters as Record<string, number>,
          rateBps: path.rateBps,
          rttMs: path.rttMs,
          bufferBytes: (path.bufferMs * path.rateBps) / 8e3,
          conditions: { appBps: path.appBps, ackGridUs: path.ackGridUs },
          drop: () => rng.float() < path.lossRatio,
          late: () => (rng.float() < path.lateRatio ? rng.float() * 2000 * path.rttMs : 0),
          observeSent: (_controller, nowUs) => {
            lastSentAtUs = nowUs;
          },
          after: ({ cwnd, pacingBps, model }) => {
            expect(cwnd).toBeGreaterThanOrEqual(minPipeCwnd);
            expect(Number.isFinite(pacingBps) && pacingBps > 0).toBe(true);
            expect(Number.isFinite(model.maxInflightBytes)).toBe(true);
            expect(model.maxBwBps >= 0 && model.extraAckedBytes >= 0 && model.minRttUs! > 0).toBe(true);
            expect(model.inflightLongtermBytes ?? 1).toBeGreaterThan(0);
          },
        });
        // To drain a queue of a second in ProbeRTT takes as long; nothing takes three, unless probes are lost, too.
        if (path.lossRatio === 0) expect(lastSentAtUs).toBeGreaterThan(3e6);
        expect(flow.recovery.stats.packetsSent).toBeGreaterThan(3);
      }),
      { numRuns: 25 },
    );
  }, 60_000);
});
