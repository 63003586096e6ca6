/** Runs of one scenario with several seeds: here, a slice at a time, or on threads. */
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { LabError } from '../../shared/errors.ts';
import type { Scenario } from '../../shared/scenario.ts';
import type { SimulationTrace } from '../simulate/recorder.ts';
import { type Figures, meanFigures } from '../simulate/result.ts';
import { Simulation } from '../simulate/simulation.ts';
import { SimulationPool } from '../workers/simulation-pool.ts';

export interface RunOptions {
  /** The scenario’s seed and those after it. */
  seeds: number;
  /** Threads; null: as many as there are processors, none for a single run. */
  workers: number | null;
  /** Whether the first run keeps a trace. */
  trace: boolean;
  signal: AbortSignal;
  /** 0 to 1. */
  onProgress: (done: number) => void;
}

/** Some tens of milliseconds. */
const EVENTS_PER_STEP = 100_000;
const PROGRESS_MS = 100;

/** Rejects with RL_CANCELLED once `signal` says so. */
export async function runSeeds(
  scenario: Scenario,
  options: RunOptions,
): Promise<{ figures: Figures; trace: SimulationTrace | null; wallS: number }> {
  const { seeds } = options;
  const began = performance.now();
  const scenarios = Array.from({ length: seeds }, (_, i) => ({ ...scenario, seed: scenario.seed + i }));
  const workers = options.workers ?? (seeds === 1 ? 0 : Math.min(seeds, availableParallelism()));
  const runs =
    workers === 0 ? await runHere(scenarios, options) : await runPooled(scenarios, workers, options);
  return {
    figures: meanFigures(runs.map(({ figures }) => figures)),
    trace: runs[0]!.trace,
    wallS: (performance.now() - began) / 1e3,
  };
}

interface Run {
  figures: Figures;
  trace: SimulationTrace | null;
}

async function runHere(
  scenarios: readonly Scenario[],
  { trace, signal, onProgress }: RunOptions,
): Promise<Run[]> {
  const runs: Run[] = [];
  for (const scenario of scenarios) {
    const simulation = new Simulation(scenario, trace && runs.length === 0 ? { trace: {} } : {});
    while (!simulation.step(EVENTS_PER_STEP)) {
      onProgress((runs.length + simulation.progress) / scenarios.length);
      await setImmediate();
      if (signal.aborted) throw new LabError('RL_CANCELLED', 'The simulation was cancelled.');
    }
    runs.push({ figures: simulation.figures(), trace: simulation.trace });
  }
  return runs;
}

async function runPooled(
  scenarios: readonly Scenario[],
  workers: number,
  { trace, signal, onProgress }: RunOptions,
): Promise<Run[]> {
  const pool = new SimulationPool(workers);
  let done = 0;
  const timer = setInterval(() => onProgress((done + pool.underWay) / scenarios.length), PROGRESS_MS);
  try {
    return await Promise.all(
      scenarios.map(async (scenario, i) => {
        const run = await pool.run(scenario, { trace: trace && i === 0, signal });
        done++;
        return run;
      }),
    );
  } finally {
    clearInterval(timer);
    await pool.close();
  }
}
