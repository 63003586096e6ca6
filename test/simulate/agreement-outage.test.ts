/** When a path is cut, full stack and simulator have their senders give up, and go on, at the same time. */
import { describe, expect, it } from 'vitest';
import { parseScenario } from '../../src/shared/scenario.ts';
import { jitter_ms, type Observed, throughQuic, throughSimulator } from './quic-agreement.ts';

/** All packets are lost from 5 s for so long. */
const cut = (outageS: number): object => ({
  bottleneck: {
    buffer_bdp: 1,
    trace: { kind: 'series', steps: [[0, 2e6, null, 0], [5, 2e6, null, 1], [5 + outageS, 2e6, null, 0]], periodS: 200 }, // biome-ignore format: rows
  },
  jitter_ms,
});

describe.each(['newreno', 'cubic', 'bbr3'] as const)(
  'with %s, when nothing arrives for a while',
  (controller) => {
    const both = (outageS: number, duration_s: number): [Observed, Observed] => {
      const flows = [{ controller, rtt_ms: 40, ack_every: 'asked' }];
      const scenario = parseScenario({ duration_s, warmup_s: 2, ...cut(outageS), flows });
      return [throughQuic(scenario), throughSimulator(scenario)];
    };

    it.each([3, 20, 27])('the full stack and the simulator are back after %i s', (outageS) => {
      for (const { timedOutS, goodputBps } of both(outageS, 60)) {
        expect(timedOutS).toBeNull();
        // At the latest the last probe before the idle timeout, at 35 s, finds the path again.
        expect(goodputBps).toBeGreaterThan(0.75 * 2e6 * (25 / 58));
      }
    });

    it('the full stack and the simulator give up after 30 s', () => {
      const [quic, simulator] = both(60, 40);
      expect(simulator.timedOutS).toBeGreaterThan(35);
      expect(simulator.timedOutS).toBeLessThan(35.5);
      expect(Math.abs(quic.timedOutS! - simulator.timedOutS!)).toBeLessThan(0.3);
    });
  },
);
