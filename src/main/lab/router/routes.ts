/** Handlers of the routes, their live measurements and their history. */
import { type Implementation, outOfRange, type RouterParts, requireRange, requireWindow } from './parts.ts';

const DEFAULT_BUCKETS = 300;
const MAX_BUCKETS = 5000;
const DEFAULT_EVENTS = 1000;
const MAX_EVENTS = 10_000;

export function routeHandlers({ os, stream }: Implementation, { store, routes, live, upkeep }: RouterParts) {
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
    stats: os.routes.stats.handler(async ({ input: { id, fromMs, toMs } }) => {
      requireWindow(fromMs, toMs);
      await upkeep.ready(routes.get(id).id, fromMs, toMs);
      return store.stats(id, fromMs, toMs);
    }),
    series: os.routes.series.handler(async ({ input: { id, fromMs, toMs, buckets = DEFAULT_BUCKETS } }) => {
      requireWindow(fromMs, toMs);
      requireRange('buckets', buckets, 1, MAX_BUCKETS);
      await upkeep.ready(routes.get(id).id, fromMs, toMs);
      return store.chart(id, fromMs, toMs, Math.ceil((toMs - fromMs) / buckets));
    }),
    transport: os.routes.transport.handler(({ input: { id, fromMs, toMs, buckets = DEFAULT_BUCKETS } }) => {
      requireWindow(fromMs, toMs);
      requireRange('buckets', buckets, 1, MAX_BUCKETS);
      return store.transport(routes.get(id).id, fromMs, toMs, Math.ceil((toMs - fromMs) / buckets));
    }),
    events: os.routes.events.handler(({ input: { id, fromMs, toMs, limit = DEFAULT_EVENTS } }) => {
      requireWindow(fromMs, toMs);
      requireRange('limit', limit, 1, MAX_EVENTS);
      return store.events(routes.get(id).id, fromMs, toMs, Math.floor(limit));
    }),
    watchSeries: os.routes.watchSeries.handler(({ input: { id, windowMs, bucketMs }, signal, path }) => {
      const route = routes.get(id);
      requireRange('bucketMs', bucketMs, 100, 3_600_000);
      if (!Number.isInteger(bucketMs)) throw outOfRange('bucketMs', 'not a whole number of milliseconds');
      requireRange('windowMs', windowMs, 0, bucketMs * MAX_BUCKETS);
      return stream(path, signal, (ending) => live.watchSeries(route, windowMs, bucketMs, ending));
    }),
  };
}
