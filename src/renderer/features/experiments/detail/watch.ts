import { useEffect } from 'react';
import type { Experiment } from '../../../../shared/experiments.ts';
import { client, useConnection } from '../../../lab/connection.ts';
import { orpc, queryClient } from '../../../lab/queries.ts';
import { noteExperiment } from '../actions.ts';
import { isUnderWay, totalOf } from '../words.ts';

/** Keeps an experiment and its runs as new as the lab tells, for as long as something of it is under way. */
export function useWatched(experiment: Experiment): void {
  const { id } = experiment;
  const online = useConnection((s) => s.phase === 'online');
  const generation = useConnection((s) => s.generation);
  // Another stream once something new was asked of one that was over.
  const begun = `${isUnderWay(experiment)} ${totalOf(experiment.runs)}`;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new carrier needs a new stream, and so does what is begun.
  useEffect(() => {
    if (!online) return;
    const abort = new AbortController();
    const watch = async (): Promise<void> => {
      for await (const each of await client.experiments.watch({ id }, { signal: abort.signal })) {
        noteExperiment(each);
        queryClient.invalidateQueries({ queryKey: orpc.experiments.runs.key({ input: { id } }) });
      }
    };
    // Without the stream the page asks every few seconds, and shows what becomes of that.
    watch().catch(() => {});
    return () => abort.abort();
  }, [id, online, generation, begun]);
}
