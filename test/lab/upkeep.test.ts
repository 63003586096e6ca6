/** The store of a lab that measures: kept up by its own thread, and on a disk that fills up. */
import { describe, expect, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { fill, smallDisk } from '../store/small-disk.ts';
import { NOTHING, startedRoute } from '../store/temp.ts';
import { openLab, ownRoute, silentLog, temporaryDir, until } from './open-lab.ts';

const HOUR_MS = 3_600_000;
const FROM_MS = 20_700 * 24 * HOUR_MS;

test('a long window is answered once it is rolled up, and says what the answer is made of', async () => {
  const dataDir = temporaryDir();
  const store = openStore({ dataDir });
  const { routeId, runId } = startedRoute(store);
  const sent = 160_000;
  const pings = Array.from({ length: sent }, (_, i) => ({
    atMs: FROM_MS + i * 100,
    rttUs: i % 100 === 0 ? null : 1000 + (i % 500),
    loaded: false,
  }));
  store.writer.add(runId, { ...NOTHING, pings });
  store.close();

  const lab = await openLab({ dataDir });
  const window = { id: routeId, fromMs: FROM_MS, toMs: FROM_MS + 5 * HOUR_MS };
  const stats = await lab.client.routes.stats(window);
  expect(stats).toMatchObject({ sent, lost: 1600, source: 'minute', rttUs: { min: 1001, max: 1499 } });
  const series = await lab.client.routes.series({ ...window, buckets: 20 });
  expect(series).toMatchObject({ source: 'minute', bucketMs: 15 * 60_000 });
  expect(series.sent.reduce((a, b) => a + b)).toBe(sent);
  const short = { ...window, toMs: FROM_MS + HOUR_MS };
  expect(await lab.client.routes.stats(short)).toMatchObject({ sent: 36_000, source: 'raw' });

  const stream = await lab.client.routes.watchSeries({ id: routeId, windowMs: 60_000, bucketMs: 1000 });
  expect((await stream.next()).value).toMatchObject({ source: 'raw', bucketMs: 1000 });
  await stream.return(undefined);
});

describe('a disk that fills up', () => {
  test('stops storing and nothing else; what waited is stored once there is room', async (context) => {
    const disk = smallDisk(12);
    if (disk === null) return context.skip('mounting a small disk needs root');
    const full = Promise.withResolvers<object>();
    const again = Promise.withResolvers<object>();
    const lab = await openLab({
      dataDir: disk,
      log: {
        ...silentLog,
        error: (fields, message) => {
          if (message === 'samples cannot be stored') full.resolve(fields);
        },
        info: (fields, message) => {
          if (message === 'samples are stored again') again.resolve(fields);
        },
      },
    });
    const { id } = await ownRoute(lab);
    const pinged = (count: number) =>
      until(lab, (all) => (all.find(({ routeId }) => routeId === id)?.ping?.received ?? 0) >= count);
    const [first] = (await pinged(20)).filter(({ routeId }) => routeId === id);
    const makeRoom = fill(disk);
    expect(await full.promise).toMatchObject({
      code: 'RL_DISK_FULL',
      waiting: expect.any(Number),
      dropped: 0,
    });
    expect(lab.health()).toMatchObject({
      status: 'unhealthy',
      services: { store: { detail: expect.stringMatching(/full.* samples wait, 0 were given up/) } },
    });
    // It is still measured, and seen.
    await pinged(first!.ping!.received + 100);
    makeRoom();
    expect(await again.promise).toEqual({ waiting: 0, dropped: 0 });
    // Roll-ups may have met the full disk too; their next round is yet to come.
    expect(lab.health().status).not.toBe('unhealthy');
    const [last] = (await pinged(1)).filter(({ routeId }) => routeId === id);
    const { fromMs, toMs, ...live } = last!.ping!;
    expect(await lab.client.routes.stats({ id, fromMs, toMs })).toMatchObject(live);
  });
});
