import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { WriteHandle } from '../../../src/main/store/handles.ts';

import { openStore } from '../../../src/main/store/index.ts';
import { purger } from '../../../src/main/store/purge.ts';
import { SYSTEM_COLUMNS, type SystemSample } from '../../../src/shared/monitoring.ts';
import { NOTHING, startedRoute, tempDir } from '../temp.ts';
import { DAY_MS, HOUR_MS, keepUp, keptStore, MINUTE_MS, pingsEvery, T0 } from './support.ts';

test('what is purged of a route leaves its roll-ups too, and what another experiment measured stays', () => {
  let now = T0;
  const { store, upkeep } = keptStore({ nowMs: () => now });
  const { runId, routeId } = startedRoute(store);
  const gone = store.runs.get(runId).experimentId;
  const other = store.experiments.create({ name: 'stays', kind: 'monitor', manifest: {} });
  const kept = store.runs.start(other.id, routeId).id;
  const half = T0 + 5 * MINUTE_MS;
  const end = T0 + 10 * MINUTE_MS;
  store.writer.add(runId, {
    ...NOTHING,
    pings: pingsEvery(1000, T0, half),
    skips: [{ atMs: T0 + 7 * MINUTE_MS, count: 3 }],
  });
  store.writer.add(kept, { ...NOTHING, pings: pingsEvery(1000, half, end + 2 * MINUTE_MS) });
  store.writer.flush();
  keepUp(upkeep);
  expect(store.stats(routeId, T0, end)).toMatchObject({ sent: 600, skipped: 3, source: 'minute' });

  store.runs.end(runId, 'done');
  store.experiments.remove(gone);
  now += 7 * DAY_MS;
  keepUp(upkeep, now);
  expect(store.samplesOf(gone), 'a week is not over').not.toEqual([]);
  now += 1;
  // Piece by piece; nothing of it can be had back from the first on.
  const db = new Database(join(store.dataDir, 'lab.db'));
  const purge = purger(new WriteHandle(db, () => {}), { rawDays: 30, systemS: 1 });
  expect(purge.step(now, () => true)).toBe(true);
  expect(store.samplesOf(gone)).toMatchObject([{ table: 'ping_skip' }]);
  expect(() => store.experiments.restore(gone)).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
  // At once, from the samples that are left; and once it is rolled up again.
  expect(store.stats(routeId, T0, end)).toMatchObject({ sent: 300, skipped: 3 });
  while (purge.step(null, () => true));
  db.close();
  expect(store.stats(routeId, T0, end)).toMatchObject({ sent: 300, skipped: 0 });
  keepUp(upkeep, now);
  expect(store.samplesOf(gone)).toEqual([]);
  expect(store.stats(routeId, T0, end)).toMatchObject({ sent: 300, skipped: 0, source: 'minute' });
  expect(store.chart(routeId, T0, end, MINUTE_MS).tMs[0]).toBe(half);
  expect(store.isReady(routeId, T0, end)).toBe(true);
});

test('what is being deleted slice by slice cannot be restored, and a lab that dies meanwhile goes on with it', () => {
  const dataDir = tempDir();
  let store = openStore({ dataDir, nowMs: () => T0 });
  const { runId } = startedRoute(store);
  const { experimentId } = store.runs.get(runId);
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(10, T0, T0 + 2 * MINUTE_MS) });
  store.runs.end(runId, 'done');
  store.experiments.remove(experimentId);
  store.close();
  const db = new Database(join(dataDir, 'lab.db'));
  const pings = (): number => db.prepare('SELECT count(*) FROM ping').pluck().get() as number;
  const retention = { rawDays: 30, rollupDays: 90, systemS: 1 };
  const slice = purger(new WriteHandle(db, () => {}), retention);
  expect(slice.step(T0 + 7 * DAY_MS, () => true)).toBe(false);
  expect(slice.step(T0 + 7 * DAY_MS + 1, () => true)).toBe(true);
  expect(pings()).toBe(11_000);

  store = openStore({ dataDir, nowMs: () => T0 });
  expect(store.experiments.list({ removed: true }).total).toBe(0);
  expect(() => store.experiments.restore(experimentId)).toThrow('There is no removed experiment');
  let slices = 0;
  while (slice.step(null, () => true)) slices++;
  expect(slices).toBeGreaterThan(11);
  expect(pings()).toBe(0);
  expect(db.prepare('SELECT count(*) FROM experiment').pluck().get()).toBe(0);
  db.close();
  store.close();
});

test('without a clock to be trusted nothing is deleted, whatever its age; with one, each kind in its time', () => {
  const { store, upkeep } = keptStore({ nowMs: () => T0 });
  const nothing = Object.fromEntries(SYSTEM_COLUMNS.map((name) => [name, null]));
  const systemSample = (atMs: number) => ({ ...nothing, atMs }) as unknown as SystemSample;
  for (const atMs of [T0, T0 + 2 * HOUR_MS]) {
    store.system.add(systemSample(atMs));
    store.collected.add('s', 'm', [{ labels: '{}', atMs, value: 1 }]);
  }
  const left = () => ({
    system: store.system.series(0, T0 + DAY_MS, HOUR_MS).tMs.length,
    values: store.collected.read('m', 0, T0 + DAY_MS, 9).length,
  });
  keepUp(upkeep);
  keepUp(upkeep, T0 + DAY_MS);
  expect(left()).toEqual({ system: 2, values: 2 });
  keepUp(upkeep, T0 + DAY_MS + 1);
  expect(left()).toEqual({ system: 1, values: 2 });
  keepUp(upkeep, T0 + 30 * DAY_MS + 1);
  expect(left()).toEqual({ system: 0, values: 1 });
});
