import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { LabError } from '../../src/shared/errors.ts';
import { NOTHING, routeNamed, startedRoute, tempDir, tempStore } from './temp.ts';

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

function refusal(dataDir: string): LabError {
  try {
    openStore({ dataDir }).close();
  } catch (thrown) {
    if (thrown instanceof LabError) return thrown;
    throw thrown;
  }
  throw new Error('it opened');
}

test('a new folder is made for this user only, with its database in WAL mode', () => {
  const dataDir = join(tempDir(), 'deep', 'data');
  openStore({ dataDir }).close();
  expect(statSync(dataDir).mode & 0o777).toBe(0o700);
  const db = new Database(join(dataDir, 'lab.db'), { readonly: true });
  expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(db.pragma('integrity_check', { simple: true })).toBe('ok');
  db.close();
});

test('what was stored is there when it is opened again', () => {
  const dataDir = tempDir();
  const first = openStore({ dataDir });
  const { routeId, runId } = startedRoute(first);
  first.writer.add(runId, { ...NOTHING, pings: [{ atMs: 1000, rttUs: 250, loaded: true }] });
  first.close();
  const second = openStore({ dataDir });
  expect(second.routes.get(routeId).name).toBe('lan');
  expect(second.pings(routeId, 0, 2000)).toEqual([{ atMs: 1000, rttUs: 250, loaded: true }]);
  second.close();
});

test('a second lab on the same folder is refused and told whose it is', () => {
  const store = tempStore();
  const error = refusal(store.dataDir);
  expect(error.code).toBe('RL_DATA_IN_USE');
  expect(error.message).toContain(`process ${process.pid}`);
});

test('a closed store leaves the folder to the next', () => {
  const dataDir = tempDir();
  openStore({ dataDir }).close();
  openStore({ dataDir }).close();
});

test('a folder that cannot be made is refused', () => {
  const file = join(tempDir(), 'file');
  writeFileSync(file, '');
  expect(refusal(join(file, 'data')).code).toBe('RL_DATA_UNWRITABLE');
});

test('a folder on a read-only file system is refused', () => {
  const error = refusal('/proc/self');
  expect(error.code).toBe('RL_DATA_UNWRITABLE');
});

test('a database from a newer version is refused and not touched', () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'lab.db');
  openStore({ dataDir }).close();
  const db = new Database(path);
  db.pragma('user_version = 9999');
  db.close();
  const before = sha256(path);
  expect(refusal(dataDir).code).toBe('RL_DB_NEWER');
  expect(sha256(path)).toBe(before);
});

test('a file that is not a database is refused and not touched', () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'lab.db');
  writeFileSync(path, 'holiday photographs '.repeat(1000));
  const before = sha256(path);
  expect(refusal(dataDir).code).toBe('RL_DB_CORRUPT');
  expect(sha256(path)).toBe(before);
});

test('a database of another program is refused and not touched', () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'lab.db');
  const db = new Database(path);
  db.exec('CREATE TABLE photograph (id INTEGER PRIMARY KEY)');
  db.close();
  const before = sha256(path);
  expect(refusal(dataDir).message).toContain('not a RouteLab database');
  expect(sha256(path)).toBe(before);
});

test('a damaged database is refused and not touched', () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'lab.db');
  const store = openStore({ dataDir });
  const { runId } = startedRoute(store);
  const pings = Array.from({ length: 5000 }, (_, i) => ({ atMs: i, rttUs: i, loaded: false }));
  store.writer.add(runId, { ...NOTHING, pings });
  store.close();
  const bytes = readFileSync(path);
  bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 8192);
  writeFileSync(path, bytes);
  const before = sha256(path);
  expect(refusal(dataDir).code).toBe('RL_DB_CORRUPT');
  expect(sha256(path)).toBe(before);
});

test('a refused folder is not left locked', () => {
  const dataDir = tempDir();
  writeFileSync(join(dataDir, 'lab.db'), 'x'.repeat(4096));
  expect(refusal(dataDir).code).toBe('RL_DB_CORRUPT');
  expect(refusal(dataDir).code).toBe('RL_DB_CORRUPT');
  expect(existsSync(join(dataDir, 'lab.lock'))).toBe(true);
});

test('an empty file in the place of the database becomes one', () => {
  const dataDir = tempDir();
  writeFileSync(join(dataDir, 'lab.db'), '');
  const store = openStore({ dataDir });
  expect(store.routes.list()).toEqual([]);
  store.close();
});

test('runs that a dead lab left running are interrupted at their newest ping', () => {
  const dataDir = tempDir();
  const first = openStore({ dataDir, nowMs: () => 1_000_000 });
  const { runId } = startedRoute(first);
  first.writer.add(runId, { ...NOTHING, pings: [{ atMs: 1_004_000.5, rttUs: null, loaded: false }] });
  const other = startedRoute(first, 'other');
  first.runs.end(other.runId, 'done');
  first.close();
  const second = openStore({ dataDir });
  expect(second.runs.get(runId)).toMatchObject({ state: 'interrupted', endedAtMs: 1_004_000.5, samples: 1 });
  expect(second.runs.get(other.runId)).toMatchObject({ state: 'done', endedAtMs: 1_000_000 });
  second.close();
});

test('tables keep their types: routes come back as they were given', () => {
  const store = tempStore({ nowMs: () => 5 });
  const given = { ...routeNamed('sat'), tags: ['a', 'b'], serverName: 'lab.example', transferEveryS: null };
  const route = store.routes.create(given, { demo: true, enabled: false });
  expect(route).toEqual({
    ...given,
    id: 'sat',
    colour: 0,
    demo: true,
    declared: false,
    enabled: false,
    createdAtMs: 5,
  });
  expect(store.routes.get('sat')).toEqual(route);
});
