/** The lab's side of upkeep, over its real thread and a real store. */
import { closeSync, openSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { StoreUpkeep } from '../../src/main/lab/upkeep.ts';
import { LabWorker } from '../../src/main/lab/worker.ts';
import { openStore, type Store } from '../../src/main/store/index.ts';
import type { UpkeepEvent, UpkeepWorkerMethods } from '../../src/main/workers/protocol.ts';
import { pingsEvery, T0 } from '../store/rollups/support.ts';
import { NOTHING, startedRoute } from '../store/temp.ts';
import { realWorkers, silentLog, temporaryDir } from './open-lab.ts';

const HOUR_MS = 3_600_000;
const PATIENTLY = { timeout: 30_000 };

function kept(store: Store) {
  const events: UpkeepEvent[] = [];
  const worker = (name: string) => {
    const made = new LabWorker<UpkeepWorkerMethods, UpkeepEvent>({
      name,
      url: realWorkers('upkeep'),
      log: silentLog,
      onEvent: (event) => {
        events.push(event);
        upkeep.receive(event);
      },
    });
    onTestFinished(() => made.close(1000));
    return made;
  };
  const upkeep: StoreUpkeep = new StoreUpkeep({
    store,
    dataDir: store.dataDir,
    worker: worker('upkeep'),
    checker: worker('check'),
    log: silentLog,
  });
  onTestFinished(() => upkeep.close());
  return { upkeep, events };
}

function storeWithPings(dataDir: string, pings: number): { store: Store; routeId: string } {
  const store = openStore({ dataDir, maxRawPings: -1 });
  onTestFinished(() => store.close());
  const { routeId, runId } = startedRoute(store);
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1000, T0, T0 + pings * 1000) });
  store.writer.flush();
  return { store, routeId };
}

test('a retention that changes while a round is under way ends that round, and the next goes on with it', async () => {
  const { store, routeId } = storeWithPings(temporaryDir(), 10 * 3600);
  const { upkeep } = kept(store);
  const ready = upkeep.ready(routeId, T0, T0 + 9 * HOUR_MS);
  for (let days = 40; days < 60; days++) upkeep.setRetention({ rawDays: days, rollupDays: days });
  await ready;
  await upkeep.ready(routeId, T0, T0 + 9 * HOUR_MS);
  expect(store.stats(routeId, T0, T0 + 9 * HOUR_MS)).toMatchObject({ sent: 9 * 3600, source: 'minute' });
  expect(upkeep.failure).toBeNull();
});

test('upkeep that was refused once is not refused for ever', async () => {
  const { store, routeId } = storeWithPings(temporaryDir(), 3 * 3600);
  const { upkeep } = kept(store);
  await upkeep.ready(routeId, T0, T0 + 60_000);
  upkeep.setRetention({ rawDays: 0, rollupDays: 90 });
  await expect.poll(() => upkeep.failure?.message ?? '', PATIENTLY).toContain('rawDays: 0');
  upkeep.setRetention({ rawDays: 30, rollupDays: 90 });
  await upkeep.ready(routeId, T0, T0 + 2 * HOUR_MS);
  expect(store.isReady(routeId, T0, T0 + 2 * HOUR_MS)).toBe(true);
  await expect.poll(() => upkeep.failure, PATIENTLY).toBeNull();
});

/** A database of more than is read before a lab starts, and two minutes of pings in its newest pages. */
function large(): string {
  const dataDir = temporaryDir();
  openStore({ dataDir }).close();
  const db = new Database(join(dataDir, 'lab.db'));
  db.exec(`CREATE TABLE ballast (x); INSERT INTO ballast VALUES (zeroblob(${65 * 2 ** 20}))`);
  db.close();
  const store = openStore({ dataDir });
  const { runId } = startedRoute(store);
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1, T0, T0 + 120_000) });
  store.runs.end(runId, 'done');
  store.close();
  return dataDir;
}

test('a large database is read as a whole on a thread of its own', async () => {
  const store = openStore({ dataDir: large() });
  onTestFinished(() => store.close());
  const { upkeep, events } = kept(store);
  upkeep.again();
  await expect.poll(() => events, PATIENTLY).toContainEqual({ type: 'checked', error: null });
  await expect.poll(() => events, PATIENTLY).toContainEqual({ type: 'round', error: null });
  expect(upkeep.failure).toBeNull();
});

test('of a large database whose samples are damaged nothing is rolled up or deleted any more, and it is said why', async () => {
  const dataDir = large();
  const file = openSync(join(dataDir, 'lab.db'), 'r+');
  const { size } = statSync(join(dataDir, 'lab.db'));
  for (let at = size - 400 * 4096; at < size - 100 * 4096; at += 4096)
    writeSync(file, Buffer.alloc(64, 0xa5), 0, 64, at);
  closeSync(file);
  const store = openStore({ dataDir });
  onTestFinished(() => store.close());
  const { upkeep, events } = kept(store);
  upkeep.again();
  await expect.poll(() => events.some(({ type }) => type === 'checked'), PATIENTLY).toBe(true);
  expect(upkeep.failure).toMatchObject({ code: 'RL_DB_CORRUPT' });
  upkeep.again();
  upkeep.receive({ type: 'round', error: null });
  expect(upkeep.failure).toMatchObject({ code: 'RL_DB_CORRUPT' });
});
