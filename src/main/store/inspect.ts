/** What kind of file a database is, found out without changing a byte of it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LabError } from '../../shared/errors.ts';
import { storeError } from './sqlite-error.ts';

/** SQLite’s application_id of our databases: "RLab". */
export const APPLICATION_ID = 0x524c6162;

/** A larger database is not read as a whole before it is opened: that is done beside the lab. */
const INSPECTED_BYTES = 64 * 2 ** 20;
/** Tables that grow with time. */
const LARGE = ['ping', 'ping_skip', 'transfer', 'handshake', 'transport', 'rollup', 'probe_series'];

/**
 * Passes when there is no file yet, or a sound database that this version can open; of a large one everything but its samples is
 * read. Throws RL_DB_NEWER, or RL_DB_CORRUPT for damaged files and for what is not a lab’s database.
 */
export function inspectDatabase(path: string, knownVersion: number): void {
  if (!existsSync(path) || statSync(path).size === 0) return;
  let db: Database.Database | undefined;
  try {
    // A read-only connection never checkpoints, so a write-ahead log beside the file stays as it is too.
    db = new Database(path, { readonly: true });
    const applicationId = db.pragma('application_id', { simple: true });
    const version = db.pragma('user_version', { simple: true }) as number;
    if (applicationId !== APPLICATION_ID) {
      throw new LabError('RL_DB_CORRUPT', `${path} is not a RouteLab database`);
    }
    if (version > knownVersion) {
      throw new LabError(
        'RL_DB_NEWER',
        `${path} has version ${version}; this RouteLab knows versions up to ${knownVersion}`,
      );
    }
    const checks = statSync(path).size <= INSPECTED_BYTES ? ['1'] : smallTables(db);
    for (const check of checks) {
      const verdict = db.pragma(`quick_check(${check})`, { simple: true });
      if (verdict !== 'ok') throw new LabError('RL_DB_CORRUPT', `${path} is damaged: ${verdict}`);
    }
  } catch (thrown) {
    const error = storeError(thrown);
    if (error instanceof LabError && error.code === 'RL_DB_CORRUPT' && error !== thrown) {
      throw new LabError('RL_DB_CORRUPT', `${path} is damaged: ${(thrown as Error).message}`, {
        cause: thrown,
      });
    }
    throw error;
  } finally {
    db?.close();
  }
}

/** Whether `inspectDatabase` reads all of it. */
export const isInspectedWhole = (dataDir: string): boolean =>
  statSync(join(dataDir, 'lab.db')).size <= INSPECTED_BYTES;

/** Reads every page of a database in use, which takes as long as it is large. Throws RL_DB_CORRUPT and RL_DATA_…. */
export function inspectWhole(dataDir: string): void {
  const path = join(dataDir, 'lab.db');
  let db: Database.Database | undefined;
  try {
    db = new Database(path, { readonly: true });
    const verdict = db.pragma('quick_check(1)', { simple: true });
    if (verdict === 'ok') return;
    const hint = 'Stop the lab, and restore the file from a copy or choose another folder with --data.';
    throw new LabError('RL_DB_CORRUPT', `${path} is damaged: ${verdict}`, { hint });
  } catch (thrown) {
    throw storeError(thrown);
  } finally {
    db?.close();
  }
}

function smallTables(db: Database.Database): string[] {
  const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
  return tables.filter((name) => !LARGE.includes(name) && !name.startsWith('sqlite_'));
}
