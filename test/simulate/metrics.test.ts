import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { caseMetrics, meanMetrics } from '../../src/main/simulate/metrics.ts';
import { Simulation } from '../../src/main/simulate/simulation.ts';
import { CONTROLLERS } from '../../src/shared/domain.ts';
import { parseScenario, type Scenario } from '../../src/shared/scenario.ts';
import { scenario } from './scenarios.ts';

interface Case {
  id: string;
  kind: string;
  scenario?: { flows: { controller: string }[] };
}
const cases = JSON.parse(
  readFileSync(new URL('../../resources/congestion-cases.json', import.meta.url), 'utf8'),
) as Case[];

const metricsOf = (run: Scenario) => {
  const simulation = new Simulation(run, { trace: {} }).run();
  return caseMetrics(run, simulation.figures(), simulation.trace!);
};

it('every simulated case of congestion-cases.json is a scenario', () => {
  const known = cases.filter(
    ({ kind, scenario: raw }) =>
      kind === 'sim' && raw!.flows.every(({ controller }) => CONTROLLERS.some((name) => name === controller)),
  );
  expect(known.length).toBeGreaterThanOrEqual(9);
  for (const { id, scenario: raw } of known) expect(() => parseScenario(raw), id).not.toThrow();
});

describe('metrics of a run', () => {
  it('are fractions of what the link can carry, and its window in packets', () => {
    const metrics = metricsOf(scenario());
    expect(metrics.gp).toBeGreaterThan(0.98);
    expect(metrics.gp).toBeLessThanOrEqual(1);
    // 20 Mbit/s × 40 ms in packets of 1378 bytes.
    expect(metrics.pkts_per_rtt / ((20e6 * 0.04) / 8 / 1378)).toBeCloseTo(metrics.gp, 6);
    expect(metrics.rtt_ratio! * 40).toBeCloseTo(metrics.rtt_mean!, 9);
    expect([metrics.jain, metrics.share, metrics.t_up, metrics.rtt_peak_ms, metrics.t_down]).toEqual([
      1,
      0,
      null,
      null,
      null,
    ]);
  });

  it('tell when the link was full, the RTT highest and the queue drained', () => {
    const metrics = metricsOf(
      scenario({ warmup_s: 0, bottleneck: { rate_bps: 10e6, buffer_bytes: 200_000 } }),
    );
    expect(metrics.t90).toBeGreaterThan(0.1);
    expect(metrics.t90).toBeLessThan(1);
    // 40 ms, and 160 ms of buffer.
    expect(metrics.rtt_peak_ratio).toBeGreaterThan(4);
    expect(metrics.rtt_peak_ratio).toBeLessThan(5.1);
  });

  it('tell how long a change of the rate took to follow', () => {
    const metrics = metricsOf(
      scenario({
        duration_s: 30,
        warmup_s: 0,
        bottleneck: {
          rate_bps: 10e6,
          buffer_bytes: 50_000,
          rate_schedule: [
            [10, 20e6],
            [20, 10e6],
          ],
        },
      }),
    );
    expect(metrics.t_up).toBeGreaterThan(0.05);
    expect(metrics.t_up).toBeLessThan(5);
    expect(metrics.rtt_peak_ms).toBeGreaterThan(60);
    expect(metrics.rtt_peak_ms).toBeLessThan(85);
    expect(metrics.t_down).toBe(0);
  });

  it('are averaged over seeds, where all have them', () => {
    const metrics = metricsOf(scenario());
    const mean = meanMetrics([metrics, { ...metrics, gp: 0, t90: null }]);
    expect(mean.gp).toBe(metrics.gp / 2);
    expect(mean.t90).toBeNull();
    expect(mean.qdelay).toBe(metrics.qdelay);
  });
});
