import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test } from 'vitest';
import { fill, smallDisk } from '../store/small-disk.ts';
import { openLab, silentLog } from './open-lab.ts';

const full = expect.objectContaining({ code: 'RL_DISK_FULL' });

test('on a full disk a matrix goes on and a route is measured; what came of them is stored once there is room', async (context) => {
  const disk = smallDisk(8);
  if (disk === null) return context.skip('mounting a small disk needs root');
  const dataDir = join(disk, 'data');
  const errors: string[] = [];
  const log = { ...silentLog, error: (_: object, message: string) => void errors.push(message) };
  const lab = await openLab({ dataDir, log });
  const { client } = lab;
  const { id: routeId } = await client.routes.create({ name: 'Nowhere', host: '127.0.0.1', port: 1 });
  const file = { name: 'x', data: Buffer.alloc(30_000).toString('base64') };
  const { continues } = await client.experiments.importFile({ ...file, more: true });
  const settings = { rates: [50], connections: [1], lossRatios: [0], rttsMs: [5], repeat: 2, durationS: 0.5 };
  const { id } = await client.matrix.start({
    kind: 'matrix',
    settings: { ...settings, warmUpS: 0.1, coolDownS: 0 },
  });
  for await (const { running } of await client.matrix.watch({ id })) if (running !== null) break;
  // While somebody reads what was, the log only grows: no write finds room in it.
  const reader = new Database(join(dataDir, 'lab.db'), { readonly: true });
  onTestFinished(() => void reader.close());
  reader.exec('BEGIN; SELECT count(*) FROM run');
  reader.prepare('SELECT count(*) FROM run').get();
  const makeRoom = fill(disk);

  await expect(client.routes.stop({ id: routeId })).rejects.toEqual(full);
  let seen = 0;
  for await (const { over } of await client.matrix.watch({ id })) seen = Math.max(seen, over);
  expect(errors).toContain('the end of a run cannot be stored');
  expect(lab.health().services['store']).toMatchObject({
    status: 'unhealthy',
    detail: expect.stringMatching(/; [1-9] ends of runs wait$/),
  });
  const untilOver = async () => {
    for await (const _ of await client.experiments.watch({ id }));
  };
  await expect(untilOver()).rejects.toEqual(full);
  await expect(client.experiments.remove({ id })).rejects.toEqual(full);
  // Which makes a little room: last.
  await expect(client.experiments.importFile({ ...file, continues: continues! })).rejects.toEqual(full);

  makeRoom();
  await untilOver();
  const { runs } = await client.experiments.runs({ id });
  expect(runs.map(({ repetition }) => repetition)).toEqual([0, 1]);
  for (const { state, result, error, startedAtMs, endedAtMs } of runs) {
    // A machine with more to do than it can may fail to measure a cell; that is an end too.
    expect(state).toBe(error === null ? 'done' : 'failed');
    if (error === null) expect(result!['goodput_up']!.value).toBeGreaterThan(0);
    expect(endedAtMs!).toBeGreaterThan(startedAtMs!);
  }
  await client.routes.stop({ id: routeId });
  expect((await client.experiments.list({ kind: 'monitor' })).experiments[0]!.runs).toMatchObject({
    done: 1,
  });
  expect((await client.experiments.list({})).total, 'nothing of the import').toBe(2);
});
