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
