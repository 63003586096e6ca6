/** Handlers of the system and its health. */
import { type Implementation, type RouterParts, requireRange, requireWindow } from './parts.ts';

const DEFAULT_BUCKETS = 300;
const MAX_BUCKETS = 5000;

export function monitoringHandlers({ os, stream }: Implementation, { store, system }: RouterParts) {
  return {
    now: os.monitoring.now.handler(() => system.now()),
    watch: os.monitoring.watch.handler(({ signal, path }) =>
      stream(path, signal, (ending) => system.watch(ending)),
    ),
    series: os.monitoring.series.handler(({ input: { fromMs, toMs, buckets = DEFAULT_BUCKETS } }) => {
      requireWindow(fromMs, toMs);
      requireRange('buckets', buckets, 1, MAX_BUCKETS);
      return store.system.series(fromMs, toMs, Math.ceil((toMs - fromMs) / Math.floor(buckets)));
    }),
  };
}
