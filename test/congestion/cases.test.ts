/**
 * The published and computed results of `resources/congestion-cases.json` that are about NewReno, CUBIC and BBRv1, each in its
 * band. `routelab bench congestion` has all of them, with all their seeds.
 */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CaseMetrics, caseMetrics, meanMetrics } from '../../src/main/simulate/metrics.ts';
import { Simulation } from '../../src/main/simulate/simulation.ts';
import { parseScenario } from '../../src/shared/scenario.ts';

interface Case {
  id: string;
  source: string;
  kind: string;
  scenario: { seed: number; flows: { controller: string }[] };
  seeds: number;
  metric: string;
  tolerance: { min: number | null; max: number | null; per_field?: Record<string, [number, number]> };
}

/** Bands wide enough for one seed, of runs that take long. */
const ONE_SEED = ['S01', 'S02', 'S12', 'S15', 'S17', 'S18', 'S19'];

/** Names in the cases of what `caseMetrics` calls otherwise. */
const METRIC: Readonly<Record<string, keyof CaseMetrics>> = {
  'median RTT': 'rtt_p50',
  'Jain index': 'jain',
  'BBR share': 'share',
};

/** What of a case’s metrics has to lie where. */
function bands({ metric, tolerance: { min, max, per_field } }: Case): [keyof CaseMetrics, number, number][] {
  if (per_field) {
    return Object.entries(per_field).map(([name, [least, most]]) => [name as keyof CaseMetrics, least, most]);
  }
  const name = Object.keys(METRIC).find((text) => metric.startsWith(text));
  const found: [keyof CaseMetrics, number, number][] = [
    [name ? METRIC[name]! : (/^\w+/.exec(metric)![0] as keyof CaseMetrics), min!, max!],
  ];
  const goodput = /also gp >= (\.\d+)/.exec(metric);
  if (goodput) found.push(['gp', Number(goodput[1]), 1]);
  return found;
}

const cases = (
  JSON.parse(
    readFileSync(new URL('../../resources/congestion-cases.json', import.meta.url), 'utf8'),
  ) as Case[]
).filter(
  ({ kind, scenario }) =>
    kind === 'sim' &&
    scenario.flows.every(({ controller }) => ['newreno', 'cubic', 'bbr1'].includes(controller)),
);

describe('the congestion cases', () => {
  it('are nineteen', () => {
    expect(cases.length).toBe(19);
  });

  it.each(cases)('$id, $source', (each) => {
    const seeds = ONE_SEED.includes(each.id) ? 1 : each.seeds;
    const runs: CaseMetrics[] = [];
    for (let seed = 1; seed <= seeds; seed++) {
      const scenario = parseScenario({ ...each.scenario, seed });
      const simulation = new Simulation(scenario, { trace: {} }).run();
      runs.push(caseMetrics(scenario, simulation.figures(), simulation.trace!));
    }
    const metrics = meanMetrics(runs);
    for (const [name, least, most] of bands(each)) {
      expect(metrics[name], name).toBeGreaterThanOrEqual(least);
      expect(metrics[name], name).toBeLessThanOrEqual(most);
    }
  });
});
