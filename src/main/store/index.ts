/** The lab’s store: one SQLite database, `lab.db` in the data folder, held by one process at a time. */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LabError } from '../../shared/errors.ts';
import type { SampleSummary } from '../../shared/experiments.ts';
import { type AlertTable, alertTable } from './alerts.ts';
import { type ArchivedTable, archiveExport, type RunResults } from './archive/export.ts';
import { type ArchiveImport, archiveImport } from './archive/import.ts';
import { sampleSummary } from './archive/summary.ts';
import { type CollectedTable, collectedTable } from './collected.ts';
import { makeDataDir } from './data-dir.ts';
import { type ExperimentTable, experimentTable } from './experiments.ts';
import { type SlowQuery, WriteHandle } from './handles.ts';
import { inspectDatabase } from './inspect.ts';
import { lockFolder } from './lock.ts';
import { type Measurements, measurements } from './measurements.ts';
import { migrate } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { interruptProbeRuns, type ProbeRunTable, probeRunTable } from './probe-runs.ts';
import { giveUpImports } from './purge.ts';
import { DEFAULT_MAX_RAW_PINGS, type History, history } from './rollups/history.ts';
import { type RouteTable, routeTable } from './routes.ts';
import { markInterrupted, type RunTable, runTable } from './runs.ts';
import { type SettingTable, settingTable } from './settings.ts';
import { storeError } from './sqlite-error.ts';
import { type SystemSampleTable, systemSampleTable } from './system-samples.ts';
import { interruptDeliveries, type WebhookTable, webhookTable } from './webhooks.ts';
import { type SampleWriter, type Schedule, sampleWriter, type WriteHealth } from './writer.ts';

export interface StoreOptions {
  dataDir: string;
  /** Beside the lab that holds the folder: all is read as it is at this moment, and nothing can be written. */
  readOnly?: boolean;
  /** A write of samples failed, failed again, or succeeded after that; or samples had to be given up. */
  onHealth?: (health: WriteHealth) => void;
  /** A statement or transaction took 100 ms or more. */
  onSlowQuery?: (query: SlowQuery) => void;
  /** Samples kept in memory while they cannot be stored. Default 200 000, about 20 MB. */
  maxWaiting?: number;
  /** A window with more pings is read from roll-ups. Default `DEFAULT_MAX_RAW_PINGS`. */
  maxRawPings?: number;
  nowMs?: () => number;
  schedule?: Schedule;
}

export interface Store extends Measurements, History {
  readonly dataDir: string;
  readonly routes: RouteTable;
  readonly experiments: ExperimentTable;
  readonly runs: RunTable;
  readonly probes: ProbeRunTable;
  /** How many raw samples an experiment has. */
  samplesOf(experimentId: number): SampleSummary[];
  /** All that is stored of an experiment, and what runs came to whose `results` are not stored. Throws RL_NOT_FOUND. */
  archived(experimentId: number, results?: RunResults): ArchivedTable[];
  /** Begins to take an archived experiment. */
  unarchive(): ArchiveImport;
  readonly alerts: AlertTable;
  readonly webhooks: WebhookTable;
  readonly system: SystemSampleTable;
  readonly settings: SettingTable;
  readonly collected: CollectedTable;
  readonly writer: SampleWriter;
  /** Stores what still waits and lets go of the folder. */
  close(): void;
}

const timer: Schedule = (run, delayMs) => {
  const timeout = setTimeout(run, delayMs);
  return () => clearTimeout(timeout);
};

/**
 * Opens the store, making folder and database when they are not there. Runs that a dead lab left `running` become
 * `interrupted`. Throws RL_DATA_UNWRITABLE, RL_DATA_IN_USE, RL_DB_NEWER, RL_DB_CORRUPT or RL_DISK_FULL; a file that
 * is not opened is not changed. `readOnly` expects a database, and changes nothing.
 */
export function openStore(options: StoreOptions): Store {
  const { dataDir, nowMs = Date.now } = options;
  const path = join(dataDir, 'lab.db');
  if (options.readOnly === true) return openBeside(path, options);
  makeDataDir(dataDir);
  const unlock = lockFolder(dataDir);
  let db: Database.Database | undefined;
  try {
    inspectDatabase(path, MIGRATIONS.length);
    db = new Database(path, { timeout: 1000 });
    // Of a new database only: one that has tables keeps its way.
    db.pragma('auto_vacuum = INCREMENTAL');
    // After a crash of the process nothing committed is lost; after one of the machine, at most the newest commits.
    if (db.pragma('journal_mode = WAL', { simple: true }) !== 'wal') {
      throw new LabError('RL_DATA_UNWRITABLE', `${dataDir} is on a file system without shared memory`);
    }
    db.pragma('synchronous = NORMAL');
    db.pragma('foreign_keys = ON');
    db.pragma('journal_size_limit = 67108864');
    // Upkeep copies the log into the database on its own thread; this is for when it does not.
    db.pragma('wal_autocheckpoint = 16384');
    migrate(db, MIGRATIONS);
    return assemble(db, options, nowMs, unlock);
  } catch (thrown) {
    db?.close();
    unlock();
    throw storeError(thrown);
  }
}

function openBeside(path: string, options: StoreOptions): Store {
  let db: Database.Database | undefined;
  try {
    inspectDatabase(path, MIGRATIONS.length);
    db = new Database(path, { readonly: true });
    // What the lab writes from here on is not seen.
    db.exec('BEGIN');
    const version = db.pragma('user_version', { simple: true });
    if (version !== MIGRATIONS.length)
      throw new LabError(
        'RL_DATA_IN_USE',
        `A lab of an earlier RouteLab uses the data folder ${options.dataDir}`,
      );
    return assemble(db, options, options.nowMs ?? Date.now, () => {});
  } catch (thrown) {
    db?.close();
    throw storeError(thrown);
  }
}

function assemble(
  db: Database.Database,
  options: StoreOptions,
  nowMs: () => number,
  unlock: () => void,
): Store {
  const handle = new WriteHandle(db, options.onSlowQuery ?? (() => {}));
  if (options.readOnly !== true) {
    markInterrupted(handle);
    interruptProbeRuns(handle);
    giveUpImports(handle);
    interruptDeliveries(handle, nowMs());
  }
  const probes = probeRunTable(handle, nowMs);
  const writer = sampleWriter(handle, {
    schedule: options.schedule ?? timer,
    onHealth: options.onHealth ?? (() => {}),
    maxWaiting: options.maxWaiting ?? 200_000,
  });
  // What is read includes what was handed over before, unless it cannot be stored just now.
  const flush = (): void => {
    if (writer.health.error === null) writer.flush();
  };
  const drain = (): void => {
    writer.flush();
    if (writer.health.error !== null) throw writer.health.error;
  };
  const stored = measurements(handle);
  const past = history(handle, stored, options.maxRawPings ?? DEFAULT_MAX_RAW_PINGS);
  const fresh =
    <A extends unknown[], R>(read: (...args: A) => R) =>
    (...args: A): R => {
      flush();
      return read(...args);
    };
  return {
    dataDir: options.dataDir,
    routes: routeTable(handle, nowMs),
    experiments: experimentTable(handle, nowMs),
    runs: runTable(handle, { nowMs, flush, drain, past }),
    probes,
    alerts: alertTable(handle, nowMs),
    webhooks: webhookTable(handle, nowMs),
    system: systemSampleTable(handle),
    settings: settingTable(handle),
    collected: collectedTable(handle),
    writer,
    archived: fresh(archiveExport(handle, probes)),
    unarchive: archiveImport(handle, probes),
    samplesOf: fresh(sampleSummary(handle)),
    pings: fresh(stored.pings),
    skips: fresh(stored.skips),
    hasMorePings: fresh(stored.hasMorePings),
    pingStats: fresh(stored.pingStats),
    series: fresh(stored.series),
    lastTransfers: fresh(stored.lastTransfers),
    transport: fresh(stored.transport),
    events: fresh(stored.events),
    stats: fresh(past.stats),
    chart: fresh(past.chart),
    isReady: fresh(past.isReady),
    isKept: past.isKept,
    close: () => {
      writer.close();
      db.close();
      unlock();
    },
  };
}
