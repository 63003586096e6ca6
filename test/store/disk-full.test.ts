import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import type { WriteHealth } from '../../src/main/store/writer.ts';
import { NOTHING, routeNamed, startedRoute, tempDir } from './temp.ts';

/** A file system of 4 MB; null where this user cannot mount one. */
function smallDisk(): string | null {
  const dir = tempDir();
  if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'none', dir]).status !== 0) return null;
  onTestFinished(() => {
    spawnSync('umount', ['-l', dir]);
  });
  return dir;
}

test('on a disk that fills up samples wait, the rest goes on, and all is stored once there is room', (context) => {
  const disk = smallDisk();
  if (disk === null) return context.skip('mounting a small disk needs root');
  const dataDir = join(disk, 'data');
  const reports: WriteHealth[] = [];
  const store = openStore({ dataDir, schedule: () => () => {}, onHealth: (health) => reports.push(health) });
  const { routeId, runId } = startedRoute(store);
  const ballast = join(disk, 'ballast');
  try {
    writeFileSync(ballast, Buffer.alloc(8_000_000));
  } catch {
    // Full: as intended.
  }
  const pings = Array.from({ length: 20_000 }, (_, i) => ({ atMs: i, rttUs: 100 + (i % 7), loaded: false }));
  store.writer.add(runId, { ...NOTHING, pings });
  store.writer.flush();
  expect(reports.at(-1)).toMatchObject({ error: { code: 'RL_DISK_FULL' }, waiting: 20_000, dropped: 0 });
  expect(store.pings(routeId, 0, 1e6)).toEqual([]);
  expect(() => store.routes.create(routeNamed('x'.repeat(64)), { demo: false, enabled: true })).toThrow(
    expect.objectContaining({ code: 'RL_DISK_FULL' }),
  );
  rmSync(ballast);
  store.writer.flush();
  expect(reports.at(-1)).toEqual({ error: null, waiting: 0, dropped: 0 });
  expect(store.pings(routeId, 0, 1e6)).toEqual(pings);
  store.close();
  openStore({ dataDir }).close();
});

test('a disk already full is refused before anything is stored', (context) => {
  const disk = smallDisk();
  if (disk === null) return context.skip('mounting a small disk needs root');
  try {
    writeFileSync(join(disk, 'ballast'), Buffer.alloc(8_000_000));
  } catch {
    // Full: as intended.
  }
  expect(() => openStore({ dataDir: join(disk, 'data') })).toThrow(
    expect.objectContaining({ code: 'RL_DISK_FULL' }),
  );
});
