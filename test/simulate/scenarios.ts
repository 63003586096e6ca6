/** Scenarios that tests share: the benchmark's path, shorter. */
import { Simulation } from '../../src/main/simulate/simulation.ts';
import { parseScenario, type Scenario } from '../../src/shared/scenario.ts';

/** One flow over 20 Mbit/s and 40 ms with 1 BDP of buffer, for 10 s; `fields` replace whole fields. */
export const scenario = (fields: Record<string, unknown> = {}): Scenario =>
  parseScenario({
    seed: 1,
    duration_s: 10,
    warmup_s: 2,
    bottleneck: { rate_bps: 20e6, buffer_bytes: 100_000 },
    flows: [{ controller: 'cubic', rtt_ms: 40 }],
    ...fields,
  });

export const figures = (fields: Record<string, unknown> = {}) =>
  new Simulation(scenario(fields)).run().figures();
