/** What is in a data folder’s database, read beside a lab that may be using it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LabError } from '../../shared/errors.ts';
import { WriteHandle } from './handles.ts';
import { inspectDatabase } from './inspect.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { settingTable } from './settings.ts';
import { storeError } from './sqlite-error.ts';

export interface StoreReport {
  bytes: number;
  /** Of the write-ahead log. */
  logBytes: number;
  /** The part of the file that is empty pages, and whether they are given back to the file system. */
  freeBytes: number;
  givesBack: boolean;
  /** Of the pings there are; null without one. Unix milliseconds. */
  oldestMs: number | null;
  newestMs: number | null;
  /** The oldest roll-ups; null without one. */
  oldestMinuteMs: number | null;
  oldestHourMs: number | null;
  /** Minutes and hours whose roll-up is not up to date, and runs whose minutes are not even known. */
  due: number;
  unmarkedRuns: number;
  /** The settings that its lab keeps, by path. */
  settings: ReadonlyMap<string, unknown>;
}

/**
 * Null where there is no database yet. `isFull` reads every index entry too, which takes as long as the file is large; else the
 * pages of all tables are read. Throws RL_DB_CORRUPT, RL_DB_NEWER and RL_DATA_….
 */
export function reportStore(dataDir: string, isFull: boolean): StoreReport | null {
  const path = join(dataDir, 'lab.db');
  if (!existsSync(path) || statSync(path).size === 0) return null;
  inspectDatabase(path, MIGRATIONS.length);
  let db: Database.Database | undefined;
  try {
    const opened = new Database(path, { readonly: true });
    db = opened;
    const verdict = opened.pragma(isFull ? 'integrity_check(1)' : 'quick_check(1)', { simple: true });
    if (verdict !== 'ok') throw new LabError('RL_DB_CORRUPT', `${path} is damaged: ${verdict}`);
    const pragma = (name: string): number => opened.pragma(name, { simple: true }) as number;
    const one = (sql: string): number | null => opened.prepare(sql).pluck().get() as number | null;
    const ms = (us: number | null): number | null => (us === null ? null : us / 1000);
    // A database of an earlier version, whose lab has not been started since.
    const isCurrent = pragma('user_version') === MIGRATIONS.length;
    const rolled = (sql: string): number | null => (isCurrent ? one(sql) : null);
    const ofRuns = (which: 'min' | 'max', order: string): string =>
      `SELECT ${which}((SELECT at_us FROM ping WHERE run_id = run.id ORDER BY at_us ${order} LIMIT 1)) FROM run`;
    const oldest = (span: number): string => `SELECT min(at_us) FROM rollup WHERE span_s = ${span}`;
    return {
      bytes: statSync(path).size,
      logBytes: statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      freeBytes: pragma('freelist_count') * pragma('page_size'),
      givesBack: pragma('auto_vacuum') === 2,
      oldestMs: ms(one(ofRuns('min', 'ASC'))),
      newestMs: ms(one(ofRuns('max', 'DESC'))),
      oldestMinuteMs: ms(rolled(oldest(60))),
      oldestHourMs: ms(rolled(oldest(3600))),
      due: rolled('SELECT count(*) FROM rollup_due') ?? 0,
      unmarkedRuns: rolled('SELECT count(*) FROM rollup_backfill') ?? 0,
      settings: isCurrent ? settingTable(new WriteHandle(opened, () => {})).all() : new Map(),
    };
  } catch (thrown) {
    throw storeError(thrown);
  } finally {
    db?.close();
  }
}
