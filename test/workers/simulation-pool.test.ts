import { afterAll, describe, expect, it } from 'vitest';
import { Simulation } from '../../src/main/simulate/simulation.ts';
import { SimulationPool } from '../../src/main/workers/simulation-pool.ts';
import { scenario } from '../simulate/scenarios.ts';

const pool = new SimulationPool(2);
afterAll(() => pool.close());

describe('a pool of simulations', () => {
  it('gives what a simulation here gives', async () => {
    const scenarios = [1, 2, 3, 4, 5].map((seed) => scenario({ seed, loss: { model: 'iid', rate: 0.01 } }));
    const runs = await Promise.all(scenarios.map((each, i) => pool.run(each, { trace: i === 0 })));
    runs.forEach(({ figures, trace, wallS }, i) => {
      const here = new Simulation(scenarios[i]!, { trace: {} }).run();
      expect(figures).toEqual(here.figures());
      expect(trace).toEqual(i === 0 ? here.trace : null);
      expect(wallS).toBeGreaterThan(0);
    });
    expect(pool.underWay).toBe(0);
  });

  it('hands errors of a scenario over as they are', async () => {
    const wrong = scenario({ flows: [{ controller: 'cubic', rtt_ms: 40, params: { C: 99 } }] });
    await expect(pool.run(wrong)).rejects.toMatchObject({
      code: 'RL_INPUT_INVALID',
      field: 'flows.0.params.C',
    });
  });

  it('ends what is cancelled while it runs, and goes on with the rest', async () => {
    const abort = new AbortController();
    const endless = scenario({ duration_s: 86_400, bottleneck: { rate_bps: 1e9 } });
    const cancelled = Promise.all([endless, endless].map((each) => pool.run(each, { signal: abort.signal })));
    const outcome = expect(cancelled).rejects.toMatchObject({ code: 'RL_CANCELLED' });
    while (pool.underWay === 0) await new Promise(setImmediate);
    abort.abort();
    await outcome;
    const { figures } = await pool.run(scenario());
    expect(figures.flows[0]!.goodput_bps).toBeGreaterThan(0);
  });
});
