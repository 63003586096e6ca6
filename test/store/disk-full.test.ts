import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { openUpkeep } from '../../src/main/store/rollups/upkeep.ts';
import type { WriteHealth } from '../../src/main/store/writer.ts';
import { keepUp, pingsEvery } from './rollups/support.ts';
import { fill, smallDisk } from './small-disk.ts';
import { NOTHING, routeNamed, startedRoute } from './temp.ts';

test('on a disk that fills up samples wait, the rest goes on, and all is stored once there is room', (context) => {
  const disk = smallDisk(4);
  if (disk === null) return context.skip('mounting a small disk needs root');
  const dataDir = join(disk, 'data');
  const reports: WriteHealth[] = [];
  const store = openStore({ dataDir, schedule: () => () => {}, onHealth: (health) => reports.push(health) });
  const { routeId, runId } = startedRoute(store);
  const makeRoom = fill(disk);
  const pings = Array.from({ length: 20_000 }, (_, i) => ({ atMs: i, rttUs: 100 + (i % 7), loaded: false }));
  store.writer.add(runId, { ...NOTHING, pings });
  store.writer.flush();
  expect(reports.at(-1)).toMatchObject({ error: { code: 'RL_DISK_FULL' }, waiting: 20_000, dropped: 0 });
  expect(store.pings(routeId, 0, 1e6)).toEqual([]);
  expect(() => store.routes.create(routeNamed('x'.repeat(64)), { demo: false, enabled: true })).toThrow(
    expect.objectContaining({ code: 'RL_DISK_FULL' }),
  );
  makeRoom();
  store.writer.flush();
  expect(reports.at(-1)).toEqual({ error: null, waiting: 0, dropped: 0 });
  expect(store.pings(routeId, 0, 1e6)).toEqual(pings);
  store.close();
  openStore({ dataDir }).close();
});

test('a disk already full is refused before anything is stored', (context) => {
  const disk = smallDisk(4);
  if (disk === null) return context.skip('mounting a small disk needs root');
  fill(disk);
  expect(() => openStore({ dataDir: join(disk, 'data') })).toThrow(
    expect.objectContaining({ code: 'RL_DISK_FULL' }),
  );
});

test('roll-ups that a full disk stopped are made once there is room, none of them half', (context) => {
  const disk = smallDisk(6);
  if (disk === null) return context.skip('mounting a small disk needs root');
  const store = openStore({ dataDir: disk, schedule: () => () => {}, maxRawPings: -1 });
  const { routeId, runId } = startedRoute(store);
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1000, 0, 20_000_000) });
  store.writer.flush();
  const upkeep = openUpkeep({ dataDir: disk });
  const window = [routeId, 0, 30_000_000] as const;
  const { sent, lost, skipped, jitterUs } = store.pingStats(...window);
  const asStored = { sent, lost, skipped, jitterUs: expect.closeTo(jitterUs!, 6) };
  const makeRoom = fill(disk);
  expect(() => keepUp(upkeep)).toThrow(expect.objectContaining({ code: 'RL_DISK_FULL' }));
  expect(store.stats(...window)).toMatchObject(asStored);
  makeRoom();
  keepUp(upkeep);
  expect(store.stats(...window)).toMatchObject({ ...asStored, source: 'minute' });
  expect(store.isReady(...window)).toBe(true);
  upkeep.close();
  store.close();
});
