/** The contract, implemented: input is parsed before a handler runs, failures leave as the error catalogue's. */
import { implement, type RouterClient } from '@orpc/server';
import { contract } from '../../shared/contract/index.ts';
import type { LabInfo } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { controllerInfos } from '../congestion/index.ts';
import { PROFILES } from '../path/profiles.ts';
import type { Store } from '../store/index.ts';
import { toCarriedError } from './errors.ts';
import type { Live } from './live.ts';
import type { Log } from './log.ts';
import type { Probes } from './probes.ts';
import type { QlogImports } from './qlog-imports.ts';
import type { Routes } from './routes.ts';

export interface RouterParts {
  store: Store;
  routes: Routes;
  probes: Probes;
  imports: QlogImports;
  live: Live;
  info: () => LabInfo;
  log: Log;
  /** Aborts when the lab closes: no stream outlives it. */
  closing: AbortSignal;
}

export type LabRouter = ReturnType<typeof createRouter>;
/** The contract as calls within the process. */
export type LabClient = RouterClient<LabRouter>;

const DEFAULT_BUCKETS = 300;
const MAX_BUCKETS = 5000;
/** Of a congestion series. */
const DEFAULT_POINTS = 2000;
const MAX_POINTS = 50_000;
/** Reading so many takes about 0.3 s of the thread that serves everybody (docs/measurements.md): a day at 10 pings/s. */
const MAX_PINGS = 1_000_000;

export function createRouter({ store, routes, probes, imports, live, info, log, closing }: RouterParts) {
  const carried = (path: readonly string[], thrown: unknown) => {
    const error = toCarriedError(thrown);
    if (error.code === 'RL_INTERNAL')
      log.error({ operation: path.join('.'), err: thrown }, 'an operation failed');
    return error;
  };
  const os = implement(contract).use(async ({ next, path }) => {
    try {
      return await next();
    } catch (thrown) {
      throw carried(path, thrown);
    }
  });

  /** A stream’s failures are the catalogue’s too, and it ends with its caller or with the lab. */
  async function* stream<T>(
    path: readonly string[],
    signal: AbortSignal | undefined,
    open: (signal: AbortSignal) => AsyncGenerator<T>,
  ): AsyncGenerator<T> {
    try {
      yield* open(signal === undefined ? closing : AbortSignal.any([signal, closing]));
    } catch (thrown) {
      throw carried(path, thrown);
    }
  }

  /** Refuses what would hold up the lab for longer than a user would wait. */
  const requireReadable = (routeId: string, fromMs: number, toMs: number, field: string): void => {
    if (!store.hasMorePings(routeId, fromMs, toMs, MAX_PINGS)) return;
    throw outOfRange(field, `the window holds more than ${MAX_PINGS} pings; choose a shorter one`);
  };

  return os.router({
    lab: { info: os.lab.info.handler(info) },
    routes: {
      list: os.routes.list.handler(() => routes.list()),
      create: os.routes.create.handler(({ input }) => routes.create(input)),
      update: os.routes.update.handler(({ input: { id, ...patch } }) => routes.update(id, patch)),
      remove: os.routes.remove.handler(async ({ input }) => {
        await routes.remove(input.id);
        return { removed: true };
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
    },
    probes: {
      start: os.probes.start.handler(({ input }) => probes.start(input)),
      list: os.probes.list.handler(() => probes.list()),
      get: os.probes.get.handler(({ input }) => probes.get(input.id)),
      watch: os.probes.watch.handler(({ input, signal, path }) => {
        const { id } = probes.get(input.id);
        return stream(path, signal, (ending) => probes.watch(id, ending));
      }),
      cancel: os.probes.cancel.handler(({ input }) => {
        imports.cancel(input.id);
        return probes.cancel(input.id);
      }),
      series: os.probes.series.handler(
        ({ input: { id, vantage, fromUs, toUs, points = DEFAULT_POINTS } }) => {
          requireRange('points', points, 2, MAX_POINTS);
          return probes.series(id, vantage, { fromUs, toUs, points });
        },
      ),
      remove: os.probes.remove.handler(async ({ input }) => {
        imports.cancel(input.id);
        await probes.remove(input.id);
        return { removed: true };
      }),
      restore: os.probes.restore.handler(({ input }) => probes.restore(input.id)),
      importQlog: os.probes.importQlog.handler(({ input }) => imports.take(input)),
    },
    controllers: { list: os.controllers.list.handler(() => controllerInfos()) },
    profiles: {
      list: os.profiles.list.handler(() => [...PROFILES]),
    },
    demo: {
      start: os.demo.start.handler(() => routes.startDemo()),
      stop: os.demo.stop.handler(async () => {
        await routes.stopDemo();
        return { stopped: true };
      }),
    },
    experiments: {
      list: os.experiments.list.handler(() => store.experiments.list()),
      runs: os.experiments.runs.handler(({ input }) =>
        store.runs.ofExperiment(store.experiments.get(input.id).id),
      ),
    },
  });
}

const outOfRange = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field}: ${message}`, { field });

function requireRange(field: string, value: number, min: number, max: number): void {
  if (!(value >= min && value <= max)) throw outOfRange(field, `not from ${min} to ${max}`);
}

function requireWindow(fromMs: number, toMs: number): void {
  requireRange('fromMs', fromMs, 0, Number.MAX_SAFE_INTEGER / 1000);
  requireRange('toMs', toMs, 0, Number.MAX_SAFE_INTEGER / 1000);
  if (toMs <= fromMs) throw outOfRange('toMs', 'not after fromMs');
}
