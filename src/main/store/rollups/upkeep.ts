/**
 * What a store needs done now and then: roll-ups, retention, giving space back, checkpoints. Done through a connection of its
 * own, on a thread that serves nobody, in slices: while one runs, whoever writes waits for it.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { alertTidier } from '../alert-tidier.ts';
import { WriteHandle } from '../handles.ts';
import { measurements } from '../measurements.ts';
import { purger } from '../purge.ts';
import { resultStorer } from '../run-metrics.ts';
import { storeError } from '../sqlite-error.ts';
import { DEFAULT_MAX_RAW_PINGS, history } from './history.ts';
import { DEFAULT_RETENTION, type Retention, requireRetention, sweeper } from './retention.ts';
import { roller } from './roller.ts';

export interface UpkeepOptions {
  dataDir: string;
  retention?: Retention;
  /** How long samples of the system are kept, seconds. Default a day. */
  systemS?: number;
}

export interface Upkeep {
  /** A slice of roll-ups, of one route or of all; false when none is due. */
  roll(routeId?: string): boolean;
  /**
   * A slice of roll-ups, of results of runs, of deleting what is too old at `nowMs` (null: not by its time) or gone, or of giving
   * space back; false when done.
   */
  step(nowMs: number | null): boolean;
  /** Copies the write-ahead log into the database, for which nobody waits, and cuts it short when it has grown long. */
  checkpoint(): void;
  close(): void;
}

/** A transaction ends after the unit of work during which this has passed. */
const SLICE_MS = 10;
/** Empty pages are given back to the file system beyond this many, and this part of all. */
const FREE = { pages: 4096, part: 0.2 } as const;
const PAGES_A_STEP = 128;
const SYSTEM_S = 86_400;
const LONG_LOG_BYTES = 64 * 2 ** 20;

/** For a folder whose store is open. Throws RL_INPUT_INVALID, RL_DB_… and RL_DATA_…; so do its methods, and RL_DISK_FULL. */
export function openUpkeep(options: UpkeepOptions): Upkeep {
  const { dataDir, retention = DEFAULT_RETENTION, systemS = SYSTEM_S } = options;
  requireRetention(retention);
  const path = join(dataDir, 'lab.db');
  const translated = <T>(work: () => T): T => {
    try {
      return work();
    } catch (thrown) {
      throw storeError(thrown);
    }
  };
  const db = translated(() => {
    const opened = new Database(path, { timeout: 5000, fileMustExist: true });
    opened.pragma('synchronous = NORMAL');
    opened.pragma('foreign_keys = ON');
    // A commit that also copies the log would be a long one.
    opened.pragma('wal_autocheckpoint = 0');
    return opened;
  });
  const handle = new WriteHandle(db, () => {});
  const roll = roller(handle);
  const sweep = sweeper(handle, retention, roll);
  const purge = purger(handle, { rawDays: retention.rawDays, systemS });
  const tidyAlerts = alertTidier(handle);
  const results = resultStorer(handle, history(handle, measurements(handle), DEFAULT_MAX_RAW_PINGS));
  const slice = (): (() => boolean) => {
    const endMs = performance.now() + SLICE_MS;
    return () => performance.now() >= endMs;
  };
  const number = (pragma: string): number => db.pragma(pragma, { simple: true }) as number;

  const giveBack = (): boolean =>
    translated(() => {
      // Incremental; a database of before there was retention keeps its empty pages for what comes.
      if (number('auto_vacuum') !== 2) return false;
      const free = number('freelist_count');
      if (free <= Math.max(FREE.pages, FREE.part * number('page_count'))) return false;
      db.pragma(`incremental_vacuum(${PAGES_A_STEP})`);
      return true;
    });

  return {
    roll: (routeId) => roll.step(slice(), routeId),
    step: (nowMs) =>
      roll.step(slice()) ||
      // Before what they are made of is deleted.
      results.step(slice()) ||
      (nowMs !== null && (sweep.step(nowMs, slice()) || tidyAlerts(nowMs))) ||
      purge.step(nowMs, slice()) ||
      giveBack(),
    checkpoint: () =>
      translated(() => {
        db.pragma('wal_checkpoint(PASSIVE)');
        const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
        if (log !== undefined && log.size > LONG_LOG_BYTES) db.pragma('wal_checkpoint(TRUNCATE)');
      }),
    close: () => {
      db.close();
    },
  };
}
