/** Runs with what they came to. Those of monitors are added up from their samples, in pieces between which others have their turn. */
import { setImmediate as breath } from 'node:timers/promises';
import type { Run } from '../../shared/experiments.ts';
import type { Store } from '../store/index.ts';
import type { StoreUpkeep } from './upkeep.ts';

/** In order of creation; all of the experiment unless a page is asked for. */
export type RunsOf = (experimentId: number, page?: { limit: number; offset: number }) => Promise<Run[]>;

/** `upkeep` rolls up first what takes long to read otherwise. */
export const runsOf =
  (store: Pick<Store, 'runs'>, upkeep?: Pick<StoreUpkeep, 'ready'>): RunsOf =>
  async (experimentId, page) => {
    const runs = store.runs.ofExperiment(experimentId, page);
    for (const run of runs) {
      if (run.source !== 'run' || run.result !== null || !run.samples) continue;
      const { routeId, startedAtMs, createdAtMs, endedAtMs } = run;
      if (routeId !== null) {
        const ready = upkeep?.ready(routeId, startedAtMs ?? createdAtMs, endedAtMs ?? Date.now());
        // Where upkeep has to wait, so has the result.
        if (
          (await ready?.then(
            () => true,
            () => false,
          )) === false
        )
          continue;
      }
      const work = store.runs.addUp(run.id);
      let step = work.next();
      for (; !step.done; step = work.next()) await breath();
      run.result = step.value;
    }
    return runs;
  };
