/** Handlers of the experiments. */
import { LabError } from '../../../shared/errors.ts';
import type { Experiment } from '../../../shared/experiments.ts';
import { pause } from '../changes.ts';
import { compareExperiments } from '../comparison.ts';
import { type Implementation, type RouterParts, requireRange } from './parts.ts';

const WATCH_EVERY_MS = 500;
const PAGE = { default: 50, max: 500 } as const;
const RUNS_PAGE = { default: 200, max: 5000 } as const;

function pageOf(
  { limit, offset = 0 }: { limit?: number | undefined; offset?: number | undefined },
  bounds: { default: number; max: number },
): { limit: number; offset: number } {
  const page = { limit: limit ?? bounds.default, offset };
  requireRange('limit', page.limit, 1, bounds.max);
  requireRange('offset', page.offset, 0, Number.MAX_SAFE_INTEGER);
  return { limit: Math.floor(page.limit), offset: Math.floor(page.offset) };
}

export function experimentHandlers({ os, stream }: Implementation, parts: RouterParts) {
  const { store, reproductions, exports, files, probes, ends, runs: runsOf } = parts;
  const { experiments } = store;
  /** Ends what can be ended of it: not monitors of routes that are on the list. */
  const cancel = async (id: number): Promise<void> => {
    await reproductions.cancel(id);
    const waiting = store.runs
      .ofExperiment(id)
      .filter(({ source, state }) => source === 'probe' && (state === 'queued' || state === 'running'));
    await Promise.all(waiting.map((run) => probes.cancel(run.id)));
  };
  async function* watch(id: number, signal: AbortSignal): AsyncGenerator<Experiment> {
    for (let told = ''; !signal.aborted; await pause(WATCH_EVERY_MS, signal)) {
      const isUnderWay = reproductions.isUnderWay(id);
      const experiment = experiments.get(id);
      const now = JSON.stringify(experiment);
      if (now !== told) yield experiment;
      told = now;
      const waiting = ends.waitingOf(id);
      if (isUnderWay || experiment.runs.queued + experiment.runs.running > waiting) continue;
      // It is over, and the store does not know.
      if (waiting > 0) {
        ends.settle(id);
        yield experiments.get(id);
      }
      return;
    }
  }
  return {
    list: os.experiments.list.handler(({ input }) => experiments.list({ ...input, ...pageOf(input, PAGE) })),
    get: os.experiments.get.handler(({ input }) => experiments.get(input.id)),
    runs: os.experiments.runs.handler(async ({ input }) => {
      const { id, runs } = experiments.get(input.id);
      const total = Object.values(runs).reduce((sum, n) => sum + n, 0);
      return { runs: await runsOf(id, pageOf(input, RUNS_PAGE)), total };
    }),
    samples: os.experiments.samples.handler(({ input }) => store.samplesOf(experiments.get(input.id).id)),
    update: os.experiments.update.handler(({ input: { id, ...patch } }) => experiments.update(id, patch)),
    pin: os.experiments.pin.handler(({ input }) => experiments.pin(input.id, input.pinned)),
    remove: os.experiments.remove.handler(async ({ input: { id } }) => {
      await cancel(id);
      ends.settle(id);
      const { running, queued } = experiments.get(id).runs;
      if (running + queued > 0)
        throw new LabError('RL_CONFLICT', `Experiment ${id} is under way`, {
          field: 'id',
          hint: 'Stop its routes first.',
        });
      experiments.remove(id);
      return { removed: true as const };
    }),
    restore: os.experiments.restore.handler(({ input }) => experiments.restore(input.id)),
    compare: os.experiments.compare.handler(({ input }) => compareExperiments(store, runsOf, input)),
    run: os.experiments.run.handler(({ input: { manifest, ...asked } }) =>
      reproductions.run(manifest, asked),
    ),
    again: os.experiments.again.handler(({ input: { id, ...asked } }) => reproductions.again(id, asked)),
    watch: os.experiments.watch.handler(({ input, signal, path }) => {
      const { id } = experiments.get(input.id);
      return stream(path, signal, (ending) => watch(id, ending));
    }),
    cancel: os.experiments.cancel.handler(async ({ input: { id } }) => {
      await cancel(id);
      return experiments.get(id);
    }),
    export: os.experiments.export.handler(({ input }) => exports.make(input)),
    importFile: os.experiments.importFile.handler(({ input }) => files.take(input)),
  };
}
