/** Handlers of the routes, their live measurements and their history. */
import { type Implementation, outOfRange, type RouterParts, requireRange, requireWindow } from './parts.ts';

const DEFAULT_BUCKETS = 300;
const MAX_BUCKETS = 5000;
/** Reading so many takes about 0.3 s of the thread that serves everybody (docs/measurements.md): a day at 10 pings/s. */
const MAX_PINGS = 1_000_000;

export function routeHandlers({ os, stream }: Implementation, { store, routes, live }: RouterParts) {
  /** Refuses what would hold up the lab for longer than a user would wait. */
  const requireReadable = (routeId: string, fromMs: number, toMs: number, field: string): void => {
    if (!store.hasMorePings(routeId, fromMs, toMs, MAX_PINGS)) return;
    throw outOfRange(field, `the window holds more than ${MAX_PINGS} pings; choose a shorter one`);
  };
  return {
    list: os.routes.list.handler(() => routes.list()),
    create: os.routes.create.handler(({ input }) => routes.create(input)),
    update: os.routes.update.handler(({ input: { id, ...patch } }) => routes.update(id, patch)),
    remove: os.routes.remove.handler(async ({ input }) => {
      await routes.remove(input.id);
      return { removed: true as const };
    }),
    restore: os.routes.restore.handler(({ input }) => routes.restore(input.id)),
    start: os.routes.start.handler(({ input }) => routes.start(input.id)),
    stop: os.routes.stop.handler(({ input }) => routes.stop(input.id)),
    status: os.routes.status.handler(() => live.statuses()),
    watch: os.routes.watch.handler(({ signal, path }) =>
      stream(path, signal, (ending) => live.watchStatuses(ending)),
    ),
    stats: os.routes.stats.handler(({ input: { id, fromMs, toMs } }) => {
      requireWindow(fromMs, toMs);
      requireReadable(routes.get(id).id, fromMs, toMs, 'fromMs');
      return store.pingStats(id, fromMs, toMs);
    }),
    series: os.routes.series.handler(({ input: { id, fromMs, toMs, buckets = DEFAULT_BUCKETS } }) => {
      requireWindow(fromMs, toMs);
      requireRange('buckets', buckets, 1, MAX_BUCKETS);
      requireReadable(routes.get(id).id, fromMs, toMs, 'fromMs');
      return store.series(id, fromMs, toMs, Math.ceil((toMs - fromMs) / buckets));
    }),
    watchSeries: os.routes.watchSeries.handler(({ input: { id, windowMs, bucketMs }, signal, path }) => {
      const route = routes.get(id);
      requireRange('bucketMs', bucketMs, 100, 3_600_000);
      if (!Number.isInteger(bucketMs)) throw outOfRange('bucketMs', 'not a whole number of milliseconds');
      requireRange('windowMs', windowMs, 0, bucketMs * MAX_BUCKETS);
      requireReadable(id, Date.now() - windowMs, Date.now(), 'windowMs');
      return stream(path, signal, (ending) => live.watchSeries(route, windowMs, bucketMs, ending));
    }),
  };
}
