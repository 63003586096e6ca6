/**
 * The lab: the one room that joins the store, the workers and the contract. Hosts open it, serve its router over
 * their carriers and close it; they know nothing else of it.
 */
import { createRouterClient } from '@orpc/server';
import type { Settings } from '../../shared/config/settings.ts';
import type { Emulation } from '../../shared/domain.ts';
import type { Health } from '../../shared/monitoring.ts';
import { createAuthority } from '../quic/tls/authority.ts';
import { openStore } from '../store/index.ts';
import type { Retention } from '../store/rollups/retention.ts';
import { loadOrCreateAuthority } from '../store/secrets.ts';
import { thresholdsOf } from '../telemetry/alerts/defaults.ts';
import { createExporter, type ExporterOptions } from '../telemetry/exporter.ts';
import type { MeasureWorkerMethods, RelayWorkerMethods } from '../workers/protocol.ts';
import { Alerts } from './alerts.ts';
import { appInfo } from './app-info.ts';
import { Configuration } from './configuration.ts';
import { DataSources } from './data-sources.ts';
import { declareRoutes } from './declared-routes.ts';
import { CapacityOfEmulator } from './emulator-capacity.ts';
import { Ends } from './ends.ts';
import { probeExecutor } from './executors.ts';
import { Exports } from './export-folder.ts';
import { fecMetrics } from './fec-metrics.ts';
import { FileImports } from './file-imports.ts';
import { health } from './health.ts';
import type { Lab, LabOptions } from './lab.ts';
import { Live } from './live.ts';
import { measureFairness } from './matrix/fairness.ts';
import { compareKind, fairnessKind, matrixKind, scenarioKind } from './matrix/kinds.ts';
import { Matrices } from './matrix/matrices.ts';
import { cellThreads } from './matrix/threads.ts';
import { OwnServers } from './own-servers.ts';
import { probeThreads } from './probe-threads.ts';
import { QlogImports } from './qlog-imports.ts';
import { Reproductions } from './reproductions.ts';
import { runsOf } from './results.ts';
import { routeThreads } from './route-threads.ts';
import { createRouter } from './router/index.ts';
import { StatusBoard } from './status-board.ts';
import { type MonitoringPeriods, SystemMonitor } from './system.ts';
import { upkeepThreads } from './upkeep-threads.ts';
import { LabWorker } from './worker.ts';

// All that hosts know of the lab beside itself.
export { Configuration } from './configuration.ts';
export { errorBody, toCarriedError } from './errors.ts';
export { DOWNLOADS_FOLDER } from './export-folder.ts';
export { experimentOutcome, type OutcomeCell, reportText, writeExport } from './exports.ts';
export { importFile } from './file-imports.ts';
export type { Lab, LabOptions } from './lab.ts';
export type { Log } from './log.ts';
export type { LabClient, LabRouter } from './router/index.ts';

/** How long closing waits for monitors to say goodbye, and then for each worker, before it ends their threads. */
const PATIENCE_MS = 1000;

/**
 * Opens the lab in a data folder; enabled routes are probed again from now on. Throws what opening the store throws
 * (RL_DATA_…, RL_DB_…), and RL_FILE_UNREADABLE when the lab's authority is damaged.
 */
export async function createLab(options: LabOptions): Promise<Lab> {
  const { dataDir, host, workerUrl, log, configuration = new Configuration() } = options;
  const openedAtMs = Date.now();
  const store = openStore({
    dataDir,
    onHealth: ({ error, waiting, dropped }) =>
      error === null
        ? log.info({ waiting, dropped }, 'samples are stored again')
        : log.error(
            { code: error.code, reason: error.message, waiting, dropped },
            'samples cannot be stored',
          ),
    onSlowQuery: (query) => log.warn(query, 'a slow query'),
  });
  try {
    const [app, authority] = await Promise.all([
      appInfo(),
      loadOrCreateAuthority(dataDir, () => createAuthority(Date.now())),
    ]);
    return assemble();

    function assemble(): Lab {
      const board = new StatusBoard(openedAtMs);
      configuration.start(log, store.settings.all());
      const exporter = createExporter(metricsOf(configuration.values));
      const closing = new AbortController();

      const servers = new OwnServers(exporter.totals('server'));
      const fec = fecMetrics(exporter.totals('client'));
      // One source: neither has labels that would tell it from the other.
      exporter.add({ labels: {}, read: () => ({ ...servers.read(), ...fec.read() }) });
      const capacity = new CapacityOfEmulator(
        () => new LabWorker<RelayWorkerMethods>({ name: 'capacity', url: workerUrl('relay'), log }),
      );
      const requireEmulable = (emulation: Emulation): Promise<void> => capacity.require(emulation);
      const cells = cellThreads({
        workerUrl,
        log,
        authority,
        requireEmulable,
        onServer: (event) => servers.receive('cells', event),
      });
      const ends = new Ends(store, log);
      const {
        demo,
        monitored,
        monitors,
        routes,
        workers: watching,
      } = routeThreads({
        store,
        board,
        log,
        workerUrl,
        app,
        authority,
        requireEmulable,
        ends,
        onServer: (event) => servers.receive('demo', event),
        onSamples: (route, runId, batch) => exporter.count(route, runId, batch),
        onRemove: (id) => exporter.forget(id),
      });
      const { probes, workers: probing } = probeThreads({
        store,
        log,
        workerUrl,
        app,
        authority,
        requireEmulable,
        ends,
        routes,
        demoAddress: () => demo.address(),
        onServer: (event) => servers.receive('runs', event),
        onResult: fec.tell,
      });
      // Reading a file keeps its thread busy for moments that pings would have to wait.
      const reader = new LabWorker<MeasureWorkerMethods>({ name: 'import', url: workerUrl('measure'), log });
      const { collect, check, keep } = configuration.values.monitoring;
      const periods: MonitoringPeriods = {
        collectS: collect / 1000,
        checkS: check / 1000,
        keepS: keep / 1000,
        ...options.monitoring,
      };
      const { upkeep, worker: storekeeper } = upkeepThreads({
        store,
        log,
        workerUrl,
        dataDir,
        retention: retentionOf(configuration.values),
        systemS: periods.keepS,
      });
      const workers = {
        ...watching,
        ...probing,
        ...cells.workers,
        reader,
        upkeep: storekeeper,
      };

      const imports = new QlogImports(store, reader);
      const files = new FileImports(store, imports);
      const reproductions = new Reproductions(store);
      reproductions.register('probe', probeExecutor(store, probes));
      for (const kind of ['monitor', 'demo'] as const)
        reproductions.register(kind, monitored.executor(routes, log));
      const matrices = new Matrices({ store, app, ends, log });
      reproductions.register('matrix', matrices.executor(matrixKind(cells.loads)));
      reproductions.register('scenario', matrices.executor(scenarioKind(cells.loads)));
      const fairness = fairnessKind((settings, context) => measureFairness(settings, context, workerUrl));
      reproductions.register('fairness', matrices.executor(fairness));
      if (options.measurers !== undefined)
        reproductions.register('compare', matrices.executor(compareKind(options.measurers)));
      const dataSources = new DataSources({ store, log });
      const live = new Live(store, board, upkeep);
      const runs = runsOf(store, upkeep);
      const exports = new Exports({ store, runs, log, downloads: host === 'headless' });
      let renderFailure: string | null = null;
      const healthNow = (): Health =>
        health(
          store,
          workers,
          {
            data_sources: dataSources.failure?.message ?? null,
            exporter: renderFailure,
            monitoring: system.failure,
            ...alerts.failures,
          },
          { ends: ends.health, upkeep: upkeep.failure, droppedLately: system.droppedLately },
        );
      const system = new SystemMonitor({ store, statuses: board, workers, log, periods, health: healthNow });
      const alerts = new Alerts({
        store,
        statuses: board,
        sample: () => system.sample(),
        log,
        checkMs: periods.checkS * 1000,
        onChecked: () => system.changes.bump(),
        ...(options.notify && { notify: options.notify }),
      });
      const router = createRouter({
        store,
        routes,
        probes,
        capacity,
        imports,
        reproductions,
        matrices,
        ends,
        app,
        exports,
        runs,
        files,
        live,
        upkeep,
        alerts,
        system,
        configuration,
        dataSources,
        log,
        closing: closing.signal,
        info: () => ({
          version: app.version,
          commit: app.commit,
          host,
          platform: `${app.os.type} ${app.os.release} ${app.os.arch}`,
          node: app.node,
          dataDir,
          startedAtMs: openedAtMs,
          demo: demo.running,
          metricsUrl: lab.metricsUrl,
        }),
      });

      const lab: Lab = {
        router,
        client: createRouterClient(router),
        configuration,
        metricsUrl: null,
        renderMetrics: async (accept) => {
          try {
            const statuses = new Map(live.statuses().map((status) => [status.routeId, status]));
            for (const route of store.routes.list()) exporter.observe(route, statuses.get(route.id)!);
            const rendered = await exporter.render(accept);
            renderFailure = null;
            return rendered;
          } catch (thrown) {
            renderFailure = (thrown as Error).message;
            throw thrown;
          }
        },
        health: healthNow,
        close: async () => {
          closing.abort();
          matrices.abandon();
          configuration.close();
          dataSources.close();
          alerts.close();
          system.close();
          reproductions.abandon();
          await atMost(PATIENCE_MS, monitors.stopAll());
          monitors.abandon();
          probes.abandon();
          imports.abandon();
          files.abandon();
          ends.close();
          exports.close();
          await atMost(PATIENCE_MS, upkeep.close());
          await Promise.all([
            capacity.close(),
            ...Object.values(workers).map((worker) => worker.close(PATIENCE_MS)),
          ]);
          store.close();
        },
      };
      if (options.resume ?? true) {
        const declare = (): void => declareRoutes({ routes, configuration, log });
        declare();
        dataSources.use(configuration.values.data_sources);
        alerts.configure(thresholdsOf(configuration.values));
        configuration.onChange((now, before) => {
          declare();
          dataSources.use(now.data_sources);
          alerts.configure(thresholdsOf(now));
          if (JSON.stringify(now.store) !== JSON.stringify(before.store))
            upkeep.setRetention(retentionOf(now));
        });
        routes.resume(options.resumeDemo ?? true);
        void system.start();
        alerts.start();
      }
      return lab;
    }
  } catch (error) {
    store.close();
    throw error;
  }
}

const retentionOf = ({ store: { raw_days, rollup_days } }: Settings): Retention => ({
  rawDays: raw_days,
  rollupDays: rollup_days,
});

const metricsOf = ({ metrics: { labels, histogram_buckets } }: Settings): ExporterOptions => ({
  labels,
  histogramBuckets: histogram_buckets ?? undefined,
});

/** Resolves with `work`, or after `ms` without it. */
async function atMost(ms: number, work: Promise<void>): Promise<void> {
  const timer = Promise.withResolvers<void>();
  const timeout = setTimeout(timer.resolve, ms);
  await Promise.race([work, timer.promise]);
  clearTimeout(timeout);
}
