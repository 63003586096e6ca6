import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { storeChecks } from '../../src/main/cli/doctor-store.ts';
import { openStore } from '../../src/main/store/index.ts';
import { migrate } from '../../src/main/store/migrate.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { keepUp, keptStore, MINUTE_MS, pingsEvery, T0 } from '../store/rollups/support.ts';
import { NOTHING, startedRoute, tempDir } from '../store/temp.ts';

test('a folder without a database has nothing to check', () => {
  expect(storeChecks(tempDir(), { isFull: false })).toEqual([
    { name: 'store', state: 'ok', value: 'no database yet' },
  ]);
});

test.each([false, true])('a lab’s database is read beside it; in full: %s', (isFull) => {
  const { store, upkeep } = keptStore();
  const { runId } = startedRoute(store);
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1000, T0, T0 + 5 * MINUTE_MS) });
  store.writer.flush();
  keepUp(upkeep);
  const day = new Date(T0).toISOString().slice(0, 10);
  expect(storeChecks(store.dataDir, { isFull, nowMs: T0 })).toEqual([
    {
      name: 'store',
      state: 'ok',
      value: expect.stringMatching(isFull ? /^sound to the last index; [\d.]+ MB, / : /^sound; [\d.]+ MB, /),
    },
    { name: 'samples', state: 'ok', value: `pings from ${day}T00:00:00.000Z to ${day}T00:04:59.000Z` },
    {
      name: 'roll-ups',
      state: 'ok',
      value: `minutes since ${day}, hours none, 2 due`,
    },
    { name: 'retention', state: 'ok', value: 'samples are kept 30 days, minutes 90, hours for good' },
  ]);
  const [, samples] = storeChecks(store.dataDir, { isFull, nowMs: T0 - 864e5 * 2 });
  expect(samples).toMatchObject({ state: 'warn', hint: expect.stringContaining('check the clock') });
});

test('a damaged database fails with what it is and what to do', () => {
  const dataDir = tempDir();
  const path = join(dataDir, 'lab.db');
  openStore({ dataDir }).close();
  const bytes = readFileSync(path);
  bytes.fill(0xa5, bytes.length / 2, bytes.length / 2 + 8192);
  writeFileSync(path, bytes);
  expect(storeChecks(dataDir, { isFull: false })).toEqual([
    { name: 'store', state: 'fail', value: expect.stringContaining('damaged'), hint: expect.any(String) },
  ]);
});

test('the retention is the lab’s own: what it keeps, under its lab.yaml', () => {
  const { store } = keptStore();
  store.settings.replace(new Map([['store.raw_days', 7]]));
  const days = (config?: string) =>
    storeChecks(store.dataDir, { isFull: false, config }).find(({ name }) => name === 'retention');
  expect(days()?.value).toBe('samples are kept 7 days, minutes 90, hours for good');
  const file = join(tempDir(), 'lab.yaml');
  writeFileSync(file, 'store:\n  rollup_days: 400\n');
  expect(days(file)?.value).toBe('samples are kept 7 days, minutes 400, hours for good');
  writeFileSync(file, 'store:\n  rollup_days: none\n');
  expect(days(file)).toMatchObject({ state: 'fail', value: expect.stringContaining('rollup_days') });
});

test('of a database that does not give empty pages back it is said', () => {
  const dataDir = tempDir();
  const old = new Database(join(dataDir, 'lab.db'));
  old.pragma('auto_vacuum = NONE');
  migrate(old, MIGRATIONS);
  old.close();
  const [store] = storeChecks(dataDir, { isFull: false });
  expect(store).toMatchObject({ state: 'ok', value: expect.stringContaining('which stays in the file') });
});
