/**
 * One lab per data folder. The lock is a write transaction that stays open on a database of its own: the operating
 * system drops it with the process, however that ends, so no stale lock can remain.
 */
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { LabError } from '../../shared/errors.ts';
import { storeError } from './sqlite-error.ts';

/** Takes the folder; returns how to release it. Throws RL_DATA_IN_USE, or RL_DATA_UNWRITABLE. */
export function lockFolder(dataDir: string): () => void {
  let db: Database.Database | undefined;
  try {
    db = new Database(join(dataDir, 'lab.lock'), { timeout: 0 });
    // Written before the lock is held for good: a reader sees whose it is.
    db.transaction(() => db?.pragma(`user_version = ${process.pid}`)).immediate();
    db.exec('BEGIN IMMEDIATE');
    return () => db?.close();
  } catch (thrown) {
    const error = storeError(thrown);
    const isHeld = error instanceof LabError && error.code === 'RL_DATA_IN_USE';
    const holder = isHeld ? ` (process ${db?.pragma('user_version', { simple: true })})` : '';
    db?.close();
    if (!isHeld) throw error;
    throw new LabError('RL_DATA_IN_USE', `Another lab${holder} uses the data folder ${dataDir}`, {
      cause: thrown,
    });
  }
}
