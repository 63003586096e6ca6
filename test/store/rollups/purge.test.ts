import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { WriteHandle } from '../../../src/main/store/handles.ts';
import { purger } from '../../../src/main/store/purge.ts';
import { NOTHING, startedRoute } from '../temp.ts';
import { DAY_MS, keepUp, keptStore, MINUTE_MS, pingsEvery, T0 } from './support.ts';

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
  const purge = purger(new WriteHandle(db, () => {}));
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
