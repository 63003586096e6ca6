/**
 * What a store needs done now and then: roll-ups, retention, giving space back, checkpoints. Done through a connection of its
 * own, on a thread that serves nobody, in slices: while one runs, whoever writes waits for it.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LabError } from '../../../shared/errors.ts';
import { alertTidier } from '../alert-tidier.ts';
import { WriteHandle } from '../handles.ts';
import { INSPECTED_BYTES } from '../inspect.ts';
import { storeError } from '../sqlite-error.ts';
import { DEFAULT_RETENTION, type Retention, requireRetention, sweeper } from './retention.ts';
import { roller } from './roller.ts';

export interface UpkeepOptions {
  dataDir: string;
  retention?: Retention;
}

export interface Upkeep {
  /** A slice of roll-ups, of one route or of all; false when none is due. */
  roll(routeId?: string): boolean;
  /** A slice of roll-ups, of deleting what is too old at `nowMs` (null: not now), or of giving space back; false when done. */
  step(nowMs: number | null): boolean;
  /** Copies the write-ahead log into the database, for which nobody waits, and cuts it short when it has grown long. */
  checkpoint(): void;
  /** Reads the whole database, where that was not done before it was opened. Throws RL_DB_CORRUPT. */
  check(): void;
  close(): void;
}

/** A transaction ends after the unit of work during which this has passed. */
const SLICE_MS = 10;
/** Empty pages are given back to the file system beyond this many, and this part of all. */
const FREE = { pages: 4096, part: 0.2 } as const;
const PAGES_A_STEP = 128;
const LONG_LOG_BYTES = 64 * 2 ** 20;

/** For a folder whose store is open. Throws RL_INPUT_INVALID, RL_DB_… and RL_DATA_…; so do its methods, and RL_DISK_FULL. */
export function openUpkeep({ dataDir, retention = DEFAULT_RETENTION }: UpkeepOptions): Upkeep {
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
  const tidyAlerts = alertTidier(handle);
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
      (nowMs !== null && (sweep.step(nowMs, slice()) || tidyAlerts(nowMs))) ||
      giveBack(),
    checkpoint: () =>
      translated(() => {
        db.pragma('wal_checkpoint(PASSIVE)');
        const log = statSync(`${path}-wal`, { throwIfNoEntry: false });
        if (log !== undefined && log.size > LONG_LOG_BYTES) db.pragma('wal_checkpoint(TRUNCATE)');
      }),
    check: () => {
      if (statSync(path).size <= INSPECTED_BYTES) return;
      const verdict = translated(() => db.pragma('quick_check(1)', { simple: true }));
      if (verdict === 'ok') return;
      const hint = 'Stop the lab, and restore the file from a copy or choose another folder with --data.';
      throw new LabError('RL_DB_CORRUPT', `${path} is damaged: ${verdict}`, { hint });
    },
    close: () => {
      db.close();
    },
  };
}
