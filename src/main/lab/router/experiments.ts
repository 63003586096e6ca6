/** Handlers of the experiments. */
import type { Implementation, RouterParts } from './parts.ts';

export function experimentHandlers({ os }: Implementation, { store }: RouterParts) {
  return {
    list: os.experiments.list.handler(() => store.experiments.list()),
    runs: os.experiments.runs.handler(({ input }) =>
      store.runs.ofExperiment(store.experiments.get(input.id).id),
    ),
  };
}
