import Database from 'better-sqlite3';
import { LabError } from '../../shared/errors.ts';

/** SQLite’s failures that a user can do something about, as catalogue errors; anything else is returned as it is. */
export function storeError(thrown: unknown): unknown {
  if (!(thrown instanceof Database.SqliteError)) return thrown;
  const { code, message } = thrown;
  const as = (labCode: ConstructorParameters<typeof LabError>[0], what: string): LabError =>
    new LabError(labCode, `${what}: ${message} (${code})`, { cause: thrown });
  if (code.startsWith('SQLITE_FULL')) return as('RL_DISK_FULL', 'The disk of the data folder is full');
  if (code.startsWith('SQLITE_CORRUPT') || code.startsWith('SQLITE_NOTADB')) {
    return as('RL_DB_CORRUPT', 'The database is damaged');
  }
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return as('RL_DATA_IN_USE', 'Another program holds the database');
  }
  if (/^SQLITE_(READONLY|CANTOPEN|IOERR|PERM|NOLFS)/.test(code)) {
    return as('RL_DATA_UNWRITABLE', 'The data folder cannot be written to');
  }
  return thrown;
}
