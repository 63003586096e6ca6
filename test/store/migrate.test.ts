import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { migrate } from '../../src/main/store/migrate.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';

const version = (db: Database.Database): unknown => db.pragma('user_version', { simple: true });

test('every migration is run once, in order', () => {
  const db = new Database(':memory:');
  const steps = ['CREATE TABLE a (x)', 'ALTER TABLE a ADD COLUMN y', 'INSERT INTO a VALUES (1, 2)'];
  migrate(db, steps.slice(0, 2));
  expect(version(db)).toBe(2);
  migrate(db, steps);
  migrate(db, steps);
  expect(version(db)).toBe(3);
  expect(db.prepare('SELECT * FROM a').all()).toEqual([{ x: 1, y: 2 }]);
});

test('a migration that fails leaves everything as the one before left it', () => {
  const db = new Database(':memory:');
  expect(() => migrate(db, ['CREATE TABLE a (x)', 'DROP TABLE a; CREATE TABLE b (x); BROKEN'])).toThrow();
  expect(version(db)).toBe(1);
  expect(db.prepare('SELECT count(*) AS n FROM a').get()).toEqual({ n: 0 });
});

test('the schema can be reached from every version before it, with what is stored kept', () => {
  for (let start = 1; start <= MIGRATIONS.length; start++) {
    const db = new Database(':memory:');
    migrate(db, MIGRATIONS.slice(0, start));
    db.exec(`INSERT INTO route (id, name, host, port, controller, ping_rate, transfer_bytes, insecure, tags, colour,
      demo, enabled, created_at_ms) VALUES ('r', 'r', 'h', 1, 'cubic', 1, 1, 0, '[]', 0, 0, 1, 0)`);
    migrate(db, MIGRATIONS);
    expect(version(db)).toBe(MIGRATIONS.length);
    expect(db.prepare('SELECT id FROM route').all()).toEqual([{ id: 'r' }]);
    expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  }
});

test('probe runs of before experiments each get one, with what was asked of them', () => {
  const db = new Database(':memory:');
  db.pragma('foreign_keys = ON');
  const before = MIGRATIONS.findIndex((sql) => sql.includes('experiment_run'));
  migrate(db, MIGRATIONS.slice(0, before));
  db.exec(`INSERT INTO experiment VALUES (3, 'm', 'monitor', 1, '{}');
    INSERT INTO run (id, experiment_id, route_id, state, started_at_ms) VALUES (1, 3, NULL, 'done', 5), (2, 3, NULL, 'done', 6);
    INSERT INTO probe_run (id, name, state, input, target, created_at_ms, emulated, insecure, removed_at_ms)
      VALUES (7, 'p', 'done', '{"mode":"ping"}', 'h:1', 2, 0, 0, NULL), (9, 'f', 'done', NULL, 'file', 3, 0, 0, 4)`);
  migrate(db, MIGRATIONS);
  expect(db.prepare('SELECT id, name, kind, removed_at_ms FROM experiment WHERE id > 3').all()).toEqual([
    { id: 10, name: 'p', kind: 'probe', removed_at_ms: null },
    { id: 12, name: 'f', kind: 'import', removed_at_ms: 4 },
  ]);
  expect(
    JSON.parse(db.prepare('SELECT manifest FROM experiment WHERE id = 10').pluck().get() as string),
  ).toMatchObject({
    manifest: 2,
    kind: 'probe',
    parameters: { mode: 'ping' },
  });
  expect(db.prepare('SELECT id, experiment_id, repetition, started_at_ms FROM experiment_run').all()).toEqual(
    [
      { id: 1, experiment_id: 3, repetition: 0, started_at_ms: 5 },
      { id: 2, experiment_id: 3, repetition: 1, started_at_ms: 6 },
      { id: 7, experiment_id: 10, repetition: 0, started_at_ms: null },
      { id: 9, experiment_id: 12, repetition: 0, started_at_ms: null },
    ],
  );
  expect(db.pragma('foreign_key_check')).toEqual([]);
});
