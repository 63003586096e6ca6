import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { WriteHandle } from '../../src/main/store/handles.ts';
import { migrate } from '../../src/main/store/migrate.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { sampleWriter, type WriteHealth } from '../../src/main/store/writer.ts';
import type { TransportSnapshot } from '../../src/shared/domain.ts';
import type { PingSample } from '../../src/shared/samples.ts';
import { NOTHING, tempDir } from './temp.ts';

/** A writer on a real database with one run, a timer that the test fires, and everything it reported. */
function setUp({ maxWaiting = 1000 } = {}) {
  const path = join(tempDir(), 'lab.db');
  const db = new Database(path, { timeout: 0 });
  onTestFinished(() => {
    db.close();
  });
  db.pragma('journal_mode = WAL');
  migrate(db, MIGRATIONS);
  db.exec(`INSERT INTO route VALUES ('r', 'r', 'h', 1, NULL, 'cubic', 1, 1, 1, 0, '[]', NULL, 0, 0, 1, 0, NULL, '{}', 0);
    INSERT INTO experiment (id, name, kind, created_at_ms, manifest) VALUES (1, 'e', 'monitor', 0, '{}');
    INSERT INTO run (id, experiment_id, route_id, state, created_at_ms) VALUES (1, 1, 'r', 'running', 0)`);
  const timers: { run: () => void; delayMs: number; off: boolean }[] = [];
  const reports: WriteHealth[] = [];
  const writer = sampleWriter(new WriteHandle(db, () => {}), {
    maxWaiting,
    onHealth: (health) => reports.push(health),
    schedule: (run, delayMs) => {
      const timer = { run, delayMs, off: false };
      timers.push(timer);
      return () => {
        timer.off = true;
      };
    },
  });
  const armed = () => timers.filter(({ off }) => !off);
  const fire = () => {
    const due = armed();
    for (const timer of due) {
      timer.off = true;
      timer.run();
    }
  };
  const stored = (table = 'ping') => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get() as number;
  return { path, db, writer, reports, armed, fire, stored };
}

const pings = (count: number, startMs = 0): PingSample[] =>
  Array.from({ length: count }, (_, i) => ({ atMs: startMs + i, rttUs: 1000, loaded: false }));

test('samples wait for one timer of 250 ms and go in one transaction', () => {
  const { writer, armed, fire, stored } = setUp();
  writer.add(1, { ...NOTHING, pings: pings(2) });
  writer.add(1, { ...NOTHING, pings: pings(3, 100) });
  expect(armed().map(({ delayMs }) => delayMs)).toEqual([250]);
  expect(stored()).toBe(0);
  fire();
  expect(stored()).toBe(5);
  expect(armed()).toEqual([]);
  expect(writer.health).toEqual({ error: null, waiting: 0, dropped: 0 });
});

test('flush stores at once and calls the timer off', () => {
  const { writer, armed, stored } = setUp();
  writer.add(1, { ...NOTHING, pings: pings(1) });
  writer.flush();
  expect(stored()).toBe(1);
  expect(armed()).toEqual([]);
});

test('a batch without samples arms nothing', () => {
  const { writer, armed } = setUp();
  writer.add(1, NOTHING);
  expect(armed()).toEqual([]);
});

test('after the clock was set back to the microsecond every ping is kept, and each only once', () => {
  const { db, writer, stored } = setUp();
  const first = [1000, null, 1000].map((rttUs, i) => ({ atMs: i, rttUs, loaded: false }));
  const again = [2000, 2000, null].map((rttUs, i) => ({ atMs: i, rttUs, loaded: false }));
  for (const batch of [first, again, again, first]) writer.add(1, { ...NOTHING, pings: batch });
  writer.flush();
  expect(stored()).toBe(6);
  expect(db.prepare('SELECT at_us, rtt_us FROM ping').raw().all()).toEqual([
    [0, 1000],
    [1, 2000],
    [1000, null],
    [1001, 2000],
    [2000, 1000],
    [2001, null],
  ]);
  expect(db.prepare('SELECT samples FROM run').pluck().get()).toBe(6);
});

test('a sample handed over twice is stored and counted once', () => {
  const { db, writer, stored } = setUp();
  writer.add(1, { ...NOTHING, pings: pings(3) });
  writer.add(1, { ...NOTHING, pings: pings(3) });
  writer.flush();
  expect(stored()).toBe(3);
  expect(db.prepare('SELECT samples FROM run').pluck().get()).toBe(3);
});

test('a full disk keeps the samples, is reported with counts, and heals', () => {
  const { db, writer, reports, armed, fire, stored } = setUp({ maxWaiting: 100_000 });
  db.pragma(`max_page_count = ${db.pragma('page_count', { simple: true })}`);
  writer.add(1, { ...NOTHING, pings: pings(5000) });
  fire();
  expect(reports).toHaveLength(1);
  expect(reports[0]).toMatchObject({ error: { code: 'RL_DISK_FULL' }, waiting: 5000, dropped: 0 });
  writer.add(1, { ...NOTHING, pings: pings(5, 10_000) });
  fire();
  expect(reports[1]).toMatchObject({ error: { code: 'RL_DISK_FULL' }, waiting: 5005, dropped: 0 });
  expect(stored()).toBe(0);
  db.pragma('max_page_count = 1000000');
  fire();
  expect(reports[2]).toEqual({ error: null, waiting: 0, dropped: 0 });
  expect(stored()).toBe(5005);
  expect(armed()).toEqual([]);
});

test('attempts after a failure come more and more slowly, up to 5 s', () => {
  const { db, writer, armed, fire } = setUp();
  db.pragma('query_only = ON');
  writer.add(1, { ...NOTHING, pings: pings(1) });
  const delays = Array.from({ length: 8 }, () => {
    fire();
    return armed().map(({ delayMs }) => delayMs);
  });
  expect(delays.flat()).toEqual([500, 1000, 2000, 4000, 5000, 5000, 5000, 5000]);
  db.pragma('query_only = OFF');
  fire();
  writer.add(1, { ...NOTHING, pings: pings(1, 9) });
  expect(armed().map(({ delayMs }) => delayMs)).toEqual([250]);
});

test('a database that became read-only keeps the samples and is reported', () => {
  const { db, writer, reports, fire } = setUp();
  db.pragma('query_only = ON');
  writer.add(1, { ...NOTHING, pings: pings(3) });
  fire();
  expect(reports[0]).toMatchObject({ error: { code: 'RL_DATA_UNWRITABLE' }, waiting: 3 });
});

test('a program that holds the database makes samples wait, not fail', () => {
  const { path, writer, reports, fire, stored } = setUp();
  const other = new Database(path);
  other.exec('BEGIN IMMEDIATE');
  writer.add(1, { ...NOTHING, pings: pings(3) });
  fire();
  expect(reports[0]).toMatchObject({ error: { code: 'RL_DATA_IN_USE' }, waiting: 3 });
  other.exec('COMMIT');
  other.close();
  fire();
  expect(stored()).toBe(3);
});

test('beyond its bound the oldest samples are given up and counted', () => {
  const { db, writer, stored } = setUp({ maxWaiting: 10 });
  db.pragma('query_only = ON');
  for (let start = 0; start < 20; start += 4) writer.add(1, { ...NOTHING, pings: pings(4, start) });
  expect(writer.health).toMatchObject({ waiting: 8, dropped: 12 });
  db.pragma('query_only = OFF');
  writer.flush();
  expect(stored()).toBe(8);
  expect(db.prepare('SELECT min(at_us) FROM ping').pluck().get()).toBe(12_000);
});

test('samples no table can take are given up alone', () => {
  const { db, writer, reports, stored } = setUp();
  writer.add(1, { ...NOTHING, pings: pings(2) });
  writer.add(1, { ...NOTHING, pings: [{ atMs: 50, rttUs: Number.NaN, loaded: false }] });
  writer.add(99, { ...NOTHING, pings: pings(1, 60) });
  writer.add(1, { ...NOTHING, pings: [{ atMs: Number.NaN, rttUs: 1, loaded: false }] });
  writer.add(1, { ...NOTHING, pings: pings(2, 100) });
  db.pragma('foreign_keys = ON');
  writer.flush();
  expect(stored()).toBe(4);
  expect(reports).toEqual([
    { error: expect.objectContaining({ code: 'RL_INTERNAL' }), waiting: 0, dropped: 3 },
  ]);
  expect(writer.health.error).toBeNull();
});

test('transport snapshots are thinned to one a second for each run', () => {
  const { db, writer, stored } = setUp();
  db.exec(
    "INSERT INTO run (id, experiment_id, key, route_id, state, created_at_ms) VALUES (2, 1, 'k', 'r', 'running', 0)",
  );
  const snapshot = (atMs: number): TransportSnapshot => ({
    atMs,
    controller: 'cubic',
    cwndBytes: 12_345.5,
    pacingBps: null,
    bytesInFlight: 0,
    smoothedRttUs: 1000.25,
    rttVarUs: null,
    minRttUs: null,
    packetsSent: 1,
    packetsReceived: 1,
    packetsLost: 0,
    bytesSent: 1,
    bytesReceived: 1,
  });
  for (const atMs of [1000, 1250, 1500, 1999, 2000, 2250])
    writer.add(1, { ...NOTHING, transport: snapshot(atMs) });
  writer.add(2, { ...NOTHING, transport: snapshot(1000) });
  writer.flush();
  expect(stored('transport')).toBe(3);
});

test('what cannot be stored when it closes is counted as given up', () => {
  const { db, writer, reports, armed } = setUp();
  db.pragma('query_only = ON');
  writer.add(1, { ...NOTHING, pings: pings(3) });
  writer.close();
  expect(reports.at(-1)).toMatchObject({ error: { code: 'RL_DATA_UNWRITABLE' }, waiting: 0, dropped: 3 });
  expect(armed()).toEqual([]);
  writer.add(1, { ...NOTHING, pings: pings(1) });
  expect(writer.health).toMatchObject({ waiting: 0, dropped: 4 });
});
