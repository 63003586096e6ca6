/**
 * The only two views of the database the tables get: one can read, the other can also write. Both translate
 * SQLite's failures into catalogue errors and report statements that took long. SQL is prepared once, by the
 * function that owns it.
 */
import type { Database } from 'better-sqlite3';
import { storeError } from './sqlite-error.ts';

type Value = string | number | null | Uint8Array;
/** Positional values, or one object for named ones (`@name`). */
type Params = Value[] | [Readonly<Record<string, Value>>];

/** A statement, or `COMMIT` for a whole transaction, that held the thread for `ms` milliseconds. */
export interface SlowQuery {
  sql: string;
  ms: number;
}

export interface Query<P extends Params, R> {
  get(...params: P): R | undefined;
  all(...params: P): R[];
}

export interface Command<P extends Params> {
  run(...params: P): { changes: number; id: number };
}

const SLOW_MS = 100;

export class ReadHandle {
  protected readonly db: Database;
  readonly #onSlow: (query: SlowQuery) => void;

  constructor(db: Database, onSlow: (query: SlowQuery) => void) {
    this.db = db;
    this.#onSlow = onSlow;
  }

  /** A statement that only reads; a row is an object. */
  query<P extends Params, R>(sql: string): Query<P, R> {
    return this.#reader<P, R>(sql, false);
  }

  /** A statement that only reads one column; a row is its value. */
  column<P extends Params, V extends Value>(sql: string): Query<P, V> {
    return this.#reader<P, V>(sql, true);
  }

  #reader<P extends Params, R>(sql: string, plucked: boolean): Query<P, R> {
    const statement = this.db.prepare<unknown[], R>(sql);
    if (!statement.readonly) throw new Error(`not a reading statement: ${sql}`);
    statement.pluck(plucked);
    return {
      get: (...params) => this.timed(sql, () => statement.get(...params)),
      all: (...params) => this.timed(sql, () => statement.all(...params)),
    };
  }

  protected timed<T>(sql: string, work: () => T): T {
    const startedMs = performance.now();
    try {
      return work();
    } catch (thrown) {
      throw storeError(thrown);
    } finally {
      const ms = performance.now() - startedMs;
      if (ms >= SLOW_MS) this.#onSlow({ sql, ms });
    }
  }
}

export class WriteHandle extends ReadHandle {
  command<P extends Params>(sql: string): Command<P> {
    const statement = this.db.prepare<unknown[]>(sql);
    const canWrite = !this.db.readonly;
    const run = (params: P): { changes: number; id: number } => {
      const { changes, lastInsertRowid } = statement.run(...params);
      return { changes, id: Number(lastInsertRowid) };
    };
    return {
      // Within a transaction it is the transaction that is timed: clocks would cost more than small inserts.
      run: (...params) =>
        this.db.inTransaction && canWrite ? run(params) : this.timed(sql, () => run(params)),
    };
  }

  /** All of `work`’s writes, or none when it throws. */
  transaction<T>(work: () => T): T {
    return this.timed('COMMIT', () => this.db.transaction(work).immediate());
  }
}
