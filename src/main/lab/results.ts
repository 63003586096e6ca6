/** Runs with what they came to, also those of monitors whose end nobody stored. */
import type { Run } from '../../shared/experiments.ts';
import type { Store } from '../store/index.ts';

export const runsWithResults = (
  store: Pick<Store, 'runs'>,
  experimentId: number,
  page?: { limit: number; offset: number },
): Run[] =>
  store.runs
    .ofExperiment(experimentId, page)
    .map((run) =>
      run.source === 'run' && run.result === null && run.routeId !== null
        ? { ...run, result: store.runs.metrics(run.id) }
        : run,
    );
