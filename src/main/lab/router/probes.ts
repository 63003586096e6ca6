/** Handlers of the probe runs. */
import { type Implementation, outOfRange, type RouterParts, requireRange } from './parts.ts';

const DEFAULT_RUNS = 100;
const MAX_RUNS = 1000;

/** Of a congestion series. */
const DEFAULT_POINTS = 2000;
const MAX_POINTS = 50_000;

function requireWhole(field: string, value: number, min: number, max: number): void {
  requireRange(field, value, min, max);
  if (!Number.isInteger(value)) throw outOfRange(field, 'not a whole number');
}

export function probeHandlers({ os, stream }: Implementation, { probes, imports }: RouterParts) {
  return {
    start: os.probes.start.handler(({ input }) => probes.start(input)),
    list: os.probes.list.handler(
      ({ input: { limit = DEFAULT_RUNS, before = Number.MAX_SAFE_INTEGER } = {} }) => {
        requireWhole('limit', limit, 1, MAX_RUNS);
        requireWhole('before', before, 0, Number.MAX_SAFE_INTEGER);
        return probes.list({ limit, before });
      },
    ),
    get: os.probes.get.handler(({ input }) => probes.get(input.id)),
    watch: os.probes.watch.handler(({ input, signal, path }) => {
      const { id } = probes.get(input.id);
      return stream(path, signal, (ending) => probes.watch(id, ending));
    }),
    cancel: os.probes.cancel.handler(({ input }) => {
      imports.cancel(input.id);
      return probes.cancel(input.id);
    }),
    series: os.probes.series.handler(({ input: { id, vantage, fromUs, toUs, points = DEFAULT_POINTS } }) => {
      requireRange('points', points, 2, MAX_POINTS);
      return probes.series(id, vantage, { fromUs, toUs, points });
    }),
    remove: os.probes.remove.handler(async ({ input }) => {
      imports.cancel(input.id);
      await probes.remove(input.id);
      return { removed: true as const };
    }),
    restore: os.probes.restore.handler(({ input }) => probes.restore(input.id)),
    importQlog: os.probes.importQlog.handler(({ input }) => imports.take(input)),
  };
}
