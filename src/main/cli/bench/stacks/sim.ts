/** The simulator in a process of its own. */
import type { Scenario } from '../../../../shared/scenario.ts';
import { Simulation } from '../../../simulate/simulation.ts';

export interface SimulatedOnce {
  wallS: number;
  /** Of the first flow. */
  goodputBps: number;
  rttMeanMs: number;
  /** The most memory that the process ever had. */
  maxRssBytes: number;
}

export interface SimMethods {
  simulate(options: { scenario: Scenario }): SimulatedOnce;
}

export const sim = (): SimMethods => ({
  simulate: ({ scenario }) => {
    const began = performance.now();
    const { flows } = new Simulation(scenario).run().figures();
    return {
      wallS: (performance.now() - began) / 1e3,
      goodputBps: flows[0]!.goodput_bps,
      rttMeanMs: flows[0]!.rtt_ms.mean!,
      maxRssBytes: process.resourceUsage().maxRSS * 1024,
    };
  },
});
