import type { Experiment } from '../../../../shared/experiments.ts';
import { client } from '../../../lab/connection.ts';
import { orpc, queryClient } from '../../../lab/queries.ts';
import { useFollow } from '../../../lab/use-follow.ts';
import { noteExperiment } from '../actions.ts';
import { isUnderWay, totalOf } from '../words.ts';

/** Keeps an experiment and its runs as new as the lab tells, for as long as something of it is under way. */
export const useWatched = ({ id, runs }: Experiment): void =>
  useFollow(
    (signal) => client.experiments.watch({ id }, { signal }),
    (each) => {
      noteExperiment(each);
      queryClient.invalidateQueries({ queryKey: orpc.experiments.runs.key({ input: { id } }) });
    },
    // Another stream once something new was asked of one that was over.
    { of: `${id} ${isUnderWay({ runs })} ${totalOf(runs)}`, hasEnd: true },
  );
