import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { type SlowQuery, WriteHandle } from '../../src/main/store/handles.ts';

/** Counts to `n`: about a tenth of a microsecond a step at the very least. */
const COUNTING =
  'WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ?) SELECT max(i) FROM c';

test('a statement that holds the thread for long is reported with its SQL, a short one is not', () => {
  const slow: SlowQuery[] = [];
  const handle = new WriteHandle(new Database(':memory:'), (query) => slow.push(query));
  const count = handle.column<[number], number>(COUNTING);
  expect(count.get(10)).toBe(10);
  expect(slow).toEqual([]);
  expect(count.get(2_000_000)).toBe(2_000_000);
  expect(slow).toEqual([{ sql: COUNTING, ms: expect.any(Number) }]);
});

test('of a transaction the whole is reported, and it is undone when it throws', () => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t (x)');
  const slow: string[] = [];
  const handle = new WriteHandle(db, ({ sql }) => slow.push(sql));
  const insert = handle.command<[number]>(`INSERT INTO t ${COUNTING}`);
  expect(() =>
    handle.transaction(() => {
      insert.run(2_000_000);
      throw new Error('changed my mind');
    }),
  ).toThrow('changed my mind');
  expect(slow).toEqual(['COMMIT']);
  expect(db.prepare('SELECT count(*) FROM t').pluck().get()).toBe(0);
});

test('a writing statement cannot be had where one only reads', () => {
  const db = new Database(':memory:');
  db.exec('CREATE TABLE t (x)');
  const handle = new WriteHandle(db, () => {});
  for (const sql of ['INSERT INTO t VALUES (1)', 'INSERT INTO t VALUES (1) RETURNING x']) {
    expect(() => handle.query(sql)).toThrow('not a reading statement');
  }
});
