import { Simulation } from '../../src/main/simulate/simulation.ts';
import { LabError } from '../../src/shared/errors.ts';
import { parseScenario } from '../../src/shared/scenario.ts';
import type { FuzzTarget } from './target.ts';

/** Events after which a scenario that was accepted is left. */
const EVENTS = 2000;

/** Reads JSON as a scenario; what is accepted must parse to itself and run, time never going back. */
function run(data: Buffer): void {
  let value: unknown;
  try {
    value = JSON.parse(data.toString());
  } catch {
    return;
  }
  try {
    const scenario = parseScenario(value);
    if (JSON.stringify(parseScenario(scenario)) !== JSON.stringify(scenario)) throw new Error('changed');
    const simulation = new Simulation(scenario, { trace: {} });
    const before = simulation.progress;
    if (simulation.step(EVENTS)) simulation.figures();
    if (!(simulation.progress >= before)) throw new Error('time went back');
  } catch (error) {
    if (!(error instanceof LabError)) throw error;
  }
}

const path = { rate_bps: 1e6, buffer_bytes: 5000, aqm: 'droptail' };
const seedOf = (scenario: object): Buffer => Buffer.from(JSON.stringify(scenario));

export const scenario: FuzzTarget = {
  name: 'scenario',
  seeds: [
    seedOf({
      seed: 1,
      duration_s: 5,
      warmup_s: 1,
      bottleneck: path,
      flows: [{ controller: 'cubic', rtt_ms: 40 }],
    }),
    seedOf({
      duration_s: 1,
      datagram_bytes: 1200,
      bottleneck: { ...path, rate_schedule: [[0.2, 2e6]] },
      loss: { model: 'gilbert', p: 0.01, r: 0.3, h: 0.1, k: 0.99 },
      jitter_ms: 2,
      reorder_rate: 0.01,
      flows: [
        {
          controller: 'newreno',
          params: { PacingGain: 1.5 },
          rtt_ms: 10,
          start_s: 0.1,
          stop_s: 0.9,
          bytes: 30000,
        },
        {
          controller: 'cubic',
          rtt_ms: 20,
          on_off: { on_s: 0.1, off_s: 0.2 },
          rate_limit_bps: 1e5,
          ack_every: 4,
        },
      ],
    }),
  ],
  run,
};
