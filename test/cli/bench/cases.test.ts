/** The agreement table reads every case, and judges a run by the bands that the case gives. */
import { afterAll, describe, expect, it } from 'vitest';
import {
  bandsOf,
  congestionCases,
  simulateCase,
  startupBandwidth,
} from '../../../src/main/cli/bench/cases.ts';
import { SimulationPool } from '../../../src/main/workers/simulation-pool.ts';
import { parseScenario } from '../../../src/shared/scenario.ts';

const simulated = congestionCases().filter((each) => each.kind === 'sim');

describe('the congestion cases', () => {
  const pool = new SimulationPool(1);
  afterAll(() => pool.close());

  it('are all there', () => {
    expect(congestionCases().map(({ id }) => id)).toEqual(
      Array.from({ length: 24 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`),
    );
  });

  it.each(simulated)('$id has a scenario that can be run, and a band for each of its figures', (each) => {
    expect(() => parseScenario(each.scenario)).not.toThrow();
    const bands = bandsOf(each);
    const fields = typeof each.expected === 'number' ? 1 : Object.keys(each.expected).length;
    expect(bands.length).toBeGreaterThanOrEqual(fields);
    for (const { reach, expected } of bands) {
      if (expected === null) continue;
      expect(reach).toMatchObject({ min: expect.any(Number), max: expect.any(Number) });
    }
  });

  it('asks of S08 and S09 goodput besides the RTT', () => {
    const also = simulated.filter(({ id }) => id === 'S08' || id === 'S09').map((each) => bandsOf(each)[1]);
    expect(also).toEqual([
      { name: 'gp', reach: { min: 0.95 }, expected: null },
      { name: 'gp', reach: { min: 0.97 }, expected: null },
    ]);
  });

  it('are missed where the figure lies outside of the band', async () => {
    const reno = simulated.find(({ id }) => id === 'S13')!;
    const tolerance = { min: null, per_field: { rtt_ratio: [1, 1.1] as [number, number] } };
    const [row] = await simulateCase({ ...reno, tolerance }, 1, pool);
    expect(row).toMatchObject({ name: 'S13 newreno, 20 Mbit/s, 40 ms: rtt_ratio', ok: false });
    expect((await simulateCase(reno, 1, pool)).map(({ ok }) => ok)).toEqual([true, true]);
  });

  it('find that Startup of BBRv3 learns the rate of the link', async () => {
    expect(await startupBandwidth(pool)).toMatchObject({ ok: true });
  });
});
