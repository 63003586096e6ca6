import type { Database } from 'better-sqlite3';
import { APPLICATION_ID } from './inspect.ts';

/** SQL that takes a database from the version before to this one. A released migration is never changed. */
export type Migration = string;

/** Runs what the database has not seen yet, each migration in a transaction of its own. */
export function migrate(db: Database, migrations: readonly Migration[]): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  for (const [index, sql] of migrations.entries()) {
    if (index < version) continue;
    db.transaction(() => {
      db.exec(sql);
      db.pragma(`application_id = ${APPLICATION_ID}`);
      db.pragma(`user_version = ${index + 1}`);
    }).immediate();
  }
}
