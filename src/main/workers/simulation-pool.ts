/** Simulations on threads of their own. One that is cancelled ends its thread; another takes the thread's place. */
import { Piscina } from 'piscina';
import { LabError, toLabError } from '../../shared/errors.ts';
import type { Scenario } from '../../shared/scenario.ts';
import type { SimulationAnswer, SimulationRun, SimulationTask } from './simulate.ts';

/** A simulation allocates next to nothing: more room for what is young would only cost memory. */
const YOUNG_MB = 16;

export interface PooledOptions {
  trace?: boolean;
  signal?: AbortSignal;
}

export class SimulationPool {
  readonly #pool: Piscina<SimulationTask, SimulationAnswer>;
  readonly #progress = new Set<Float64Array>();

  /** `entry` is where `simulate.ts` lies, for hosts that bundle it. */
  constructor(workers: number, entry: URL = new URL('./simulate.ts', import.meta.url)) {
    this.#pool = new Piscina<SimulationTask, SimulationAnswer>({
      filename: entry.href,
      minThreads: workers,
      maxThreads: workers,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB },
    });
  }

  /** How much of the simulations under way is done, each counting from 0 to 1. */
  get underWay(): number {
    return [...this.#progress].reduce((sum, [done]) => sum + done!, 0);
  }

  /** Rejects with RL_CANCELLED once `signal` says so, and with the scenario's own LabError. */
  async run(scenario: Scenario, { trace = false, signal }: PooledOptions = {}): Promise<SimulationRun> {
    const shared = new SharedArrayBuffer(Float64Array.BYTES_PER_ELEMENT);
    const progress = new Float64Array(shared);
    this.#progress.add(progress);
    try {
      const answer = await this.#pool.run({ scenario, trace, progress: shared }, signal ? { signal } : {});
      if ('error' in answer) throw LabError.fromBody(answer.error);
      return answer;
    } catch (error) {
      if (signal?.aborted) throw new LabError('RL_CANCELLED', 'The simulation was cancelled.');
      throw toLabError(error);
    } finally {
      this.#progress.delete(progress);
    }
  }

  /** Ends the threads; what is under way is rejected. */
  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}
