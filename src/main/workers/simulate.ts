/** Worker entry of a `SimulationPool`: one scenario at a time, to its end. */
import { performance } from 'node:perf_hooks';
import { type ErrorBody, toLabError } from '../../shared/errors.ts';
import type { Scenario } from '../../shared/scenario.ts';
import type { SimulationTrace } from '../simulate/recorder.ts';
import type { Figures } from '../simulate/result.ts';
import { Simulation } from '../simulate/simulation.ts';

export interface SimulationTask {
  scenario: Scenario;
  trace: boolean;
  /** One double in shared memory: how far it has come, 0 to 1. */
  progress: SharedArrayBuffer;
}

/** What a worker answers: errors of the catalogue cross as their bodies. */
export type SimulationAnswer = SimulationRun | { error: ErrorBody };

export interface SimulationRun {
  figures: Figures;
  trace: SimulationTrace | null;
  wallS: number;
}

/** A few milliseconds. */
const EVENTS_PER_STEP = 50_000;

export default function simulate(task: SimulationTask): SimulationAnswer {
  try {
    return run(task);
  } catch (error) {
    return { error: toLabError(error).toBody() };
  }
}

function run({ scenario, trace, progress }: SimulationTask): SimulationRun {
  const began = performance.now();
  const done = new Float64Array(progress);
  const simulation = new Simulation(scenario, trace ? { trace: {} } : {});
  while (!simulation.step(EVENTS_PER_STEP)) done[0] = simulation.progress;
  done[0] = 1;
  return {
    figures: simulation.figures(),
    trace: simulation.trace,
    wallS: (performance.now() - began) / 1e3,
  };
}
