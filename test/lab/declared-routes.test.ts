import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Configuration, createLab, type Lab } from '../../src/main/lab/index.ts';
import { realWorkers, silentLog, temporaryDir } from './open-lab.ts';

/** A lab with a lab.yaml of its own. Nothing answers on the ports: what is measured does not matter here. */
async function open(dataDir: string, text: string | null) {
  const path = join(dataDir, 'lab.yaml');
  if (text === null) rmSync(path, { force: true });
  else writeFileSync(path, text);
  const configuration = new Configuration({ file: { path, required: false } });
  const lab = await createLab({
    dataDir,
    host: 'headless',
    workerUrl: realWorkers,
    log: silentLog,
    configuration,
  });
  onTestFinished(() => lab.close());
  const rewrite = (next: string): void => {
    writeFileSync(path, next);
    configuration.reload();
  };
  return { lab, rewrite };
}

const listed = async (lab: Lab) =>
  (await lab.client.routes.list()).map(({ id, host, port, declared }) => ({ id, host, port, declared }));
const two = 'routes: [{ id: a, server: "127.0.0.1:9" }, { id: b, server: "[::1]:9", tags: [x] }]';

test('routes come, change and go with the file', async () => {
  const { lab, rewrite } = await open(temporaryDir(), two);
  expect(await listed(lab)).toEqual([
    { id: 'a', host: '127.0.0.1', port: 9, declared: true },
    { id: 'b', host: '::1', port: 9, declared: true },
  ]);
  rewrite('routes: [{ id: a, server: "127.0.0.1:10" }]\nprobes: { interval: 200ms, congestion: reno }');
  await expect.poll(() => listed(lab)).toEqual([{ id: 'a', host: '127.0.0.1', port: 10, declared: true }]);
  expect((await lab.client.routes.list())[0]).toMatchObject({ pingRate: 5, controller: 'newreno' });
  rewrite(two);
  expect((await listed(lab)).map(({ id }) => id)).toEqual(['a', 'b']);
});

test('a listed route is stopped and started here, but edited and removed in the file', async () => {
  const { lab } = await open(temporaryDir(), two);
  const refused = { code: 'RL_CONFLICT' };
  await expect(lab.client.routes.update({ id: 'a', name: 'other' })).rejects.toMatchObject(refused);
  await expect(lab.client.routes.remove({ id: 'a' })).rejects.toMatchObject(refused);
  expect(await lab.client.routes.stop({ id: 'a' })).toMatchObject({ enabled: false });
});

test('a route of the same id becomes the file’s; one whose name is taken leaves the others alone', async () => {
  const { lab, rewrite } = await open(temporaryDir(), '{}');
  const mine = await lab.client.routes.create({ name: 'a', host: '127.0.0.1', port: 7 });
  await lab.client.routes.create({ name: 'c', host: '127.0.0.1', port: 7 });
  await lab.client.routes.update({ id: 'c', name: 'b' });
  expect(mine.id).toBe('a');
  rewrite(two);
  expect(await listed(lab)).toEqual([
    { id: 'a', host: '127.0.0.1', port: 9, declared: true },
    { id: 'c', host: '127.0.0.1', port: 7, declared: false },
  ]);
});

test('one whose name is taken is left as it was, whether it is there or was removed', async () => {
  const { lab, rewrite } = await open(temporaryDir(), '{}');
  const { routes } = lab.client;
  await routes.create({ name: 'a', host: '127.0.0.1', port: 7 });
  await routes.create({ name: 'b', host: '127.0.0.1', port: 7 });
  await routes.update({ id: 'a', name: 'other' });
  await routes.update({ id: 'b', name: 'a' });
  await routes.create({ name: 'c', host: '127.0.0.1', port: 7 });
  await routes.update({ id: 'c', name: 'b' });
  const before = await routes.list();
  rewrite(two.replace(/, tags: \[x\]/, ''));
  expect(await routes.list()).toEqual(before);

  await routes.remove({ id: 'b' });
  rewrite('routes: [{ id: b, server: "[::1]:9" }]');
  expect((await listed(lab)).map(({ id }) => id)).toEqual(['a', 'c']);
  await expect(routes.restore({ id: 'b' })).resolves.toMatchObject({ name: 'a', port: 7, declared: false });

  // What it was called before may be taken as long as its own name is not.
  await routes.remove({ id: 'b' });
  await routes.update({ id: 'c', name: 'a' });
  rewrite('routes: [{ id: b, server: "[::1]:10" }]');
  expect((await routes.list()).map(({ id, name, port, declared }) => [id, name, port, declared])).toEqual([
    ['a', 'other', 7, false],
    ['b', 'b', 10, true],
    ['c', 'a', 7, false],
  ]);
});

test('after a restart the file still has its routes; without the file they are like any other', async () => {
  const data = temporaryDir();
  await (await open(data, two)).lab.close();
  const again = (await open(data, 'routes: [{ id: a, server: "127.0.0.1:9" }]')).lab;
  await expect.poll(async () => (await listed(again)).map(({ id }) => id)).toEqual(['a']);
  await again.close();
  const { lab } = await open(data, null);
  expect(await listed(lab)).toEqual([{ id: 'a', host: '127.0.0.1', port: 9, declared: false }]);
  await lab.client.routes.remove({ id: 'a' });
});

test('what was set in the lab is there after a restart', async () => {
  const data = temporaryDir();
  const first = (await open(data, null)).lab;
  await first.client.settings.update({ values: { 'store.raw_days': 14 } });
  await first.close();
  const { lab } = await open(data, null);
  const { settings } = await lab.client.settings.get();
  expect(settings.find(({ path }) => path === 'store.raw_days')).toMatchObject({
    value: 14,
    source: { kind: 'lab' },
  });
});
