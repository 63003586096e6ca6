import { BroadcastChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { RouteStatus } from '../../src/shared/domain.ts';
import { openLab, ownRoute, realWorkers, temporaryDir, until } from './open-lab.ts';

const statusOf = (statuses: RouteStatus[], id: string): RouteStatus | undefined =>
  statuses.find((status) => status.routeId === id);
const hasPings = (count: number, id?: string) => (statuses: RouteStatus[]) =>
  statuses.length > 0 &&
  statuses.every(
    (status) => (id !== undefined && status.routeId !== id) || (status.ping?.received ?? 0) >= count,
  );

describe('the demo lab', () => {
  test('six emulated routes are measured end to end, and each number equals the store’s own', async () => {
    const lab = await openLab();
    const routes = await lab.client.demo.start();
    expect(routes.map(({ name }) => name)).toEqual([
      'LAN',
      'LTE',
      'Satellite',
      'Bufferbloat',
      'Lossy Wi-Fi',
      'Flapping',
    ]);
    const statuses = await until(lab, hasPings(10));
    for (const { routeId, ping, emulated, state, handshakeUs } of statuses) {
      expect({ emulated, state }).toEqual({ emulated: true, state: 'up' });
      expect(handshakeUs).toBeGreaterThan(0);
      const { fromMs, toMs } = ping!;
      expect(await lab.client.routes.stats({ id: routeId, fromMs, toMs })).toEqual({
        ...ping,
        source: 'raw',
      });
    }
    // The emulated delays are floors no measurement can undercut.
    expect(statusOf(statuses, 'demo-satellite')?.ping?.rttUs?.min).toBeGreaterThan(450_000);
    expect(statusOf(statuses, 'demo-lan')?.ping?.rttUs?.min).toBeGreaterThan(900);
  });

  test('stopping it removes its routes; starting it again continues them under the same ids', async () => {
    const lab = await openLab();
    const before = await lab.client.demo.start();
    expect((await lab.client.lab.info()).demo).toBe(true);
    await lab.client.demo.stop();
    expect(await lab.client.routes.list()).toEqual([]);
    expect((await lab.client.lab.info()).demo).toBe(false);
    const after = await lab.client.demo.start();
    expect(after.map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    await until(lab, hasPings(1));
  });

  test('started and stopped at once, as two impatient users may, it ends as the last of them said', async () => {
    const lab = await openLab();
    const { demo } = lab.client;
    await Promise.all([demo.start(), demo.stop(), demo.start(), demo.start()]);
    expect(await lab.client.routes.list()).toHaveLength(6);
    await until(lab, (statuses) => statuses.every(({ state }) => state === 'up'));
    await Promise.all([demo.start(), demo.stop()]);
    expect(await lab.client.routes.list()).toEqual([]);
    expect(await lab.client.routes.status()).toEqual([]);
  });

  test('is left stopped by a lab that is told not to run it', async () => {
    const dataDir = temporaryDir();
    const first = await openLab({ dataDir });
    await first.client.demo.start();
    await first.close();
    const second = await openLab({ dataDir, resumeDemo: false });
    expect((await second.client.routes.status()).map(({ state }) => state)).toEqual(Array(6).fill('stopped'));
    expect((await second.client.routes.list()).every(({ enabled }) => !enabled)).toBe(true);
    await second.client.demo.start();
    await until(second, (statuses) => statuses.every(({ state }) => state === 'up'));
  });

  test('a demo route keeps to the demo’s own server', async () => {
    const lab = await openLab();
    await lab.client.demo.start();
    await expect(lab.client.routes.update({ id: 'demo-lan', host: 'example.org' })).rejects.toMatchObject({
      data: { code: 'RL_INPUT_INVALID', field: 'host' },
    });
  });

  test('a user’s route that has a demo route’s name is left alone', async () => {
    const lab = await openLab();
    await lab.client.routes.create({ name: 'LTE', host: '127.0.0.1', port: 9 });
    await expect(lab.client.demo.start()).rejects.toMatchObject({ data: { code: 'RL_CONFLICT' } });
    expect(await lab.client.routes.list()).toHaveLength(1);
  });
});

describe('a route', () => {
  test('is measured from its creation on, under its own certificate name', async () => {
    const lab = await openLab();
    const route = await ownRoute(lab);
    const statuses = await until(lab, hasPings(5, route.id));
    expect(statusOf(statuses, route.id)).toMatchObject({ state: 'up', emulated: false, insecure: false });
  });

  test('is named by what the server cannot prove', async () => {
    const lab = await openLab();
    const route = await ownRoute(lab, { serverName: 'elsewhere.example' });
    const statuses = await until(lab, (all) => statusOf(all, route.id)?.state === 'down');
    expect(statusOf(statuses, route.id)?.error).toMatchObject({ code: 'RL_CERT_HOST_MISMATCH' });
  });

  test('that leads nowhere is down with a reason and a hint', async () => {
    const lab = await openLab();
    const { id } = await lab.client.routes.create({ name: 'Nowhere', host: 'nowhere.invalid', port: 4433 });
    const statuses = await until(lab, (all) => statusOf(all, id)?.state === 'down');
    expect(statusOf(statuses, id)?.error).toMatchObject({
      code: 'RL_HOST_UNKNOWN',
      hint: expect.any(String),
    });
  });

  test('that no emulator can carry is down with the limit that was measured', async () => {
    const lab = await openLab();
    const profiles = await lab.client.profiles.list();
    const { emulation } = profiles.find(({ name }) => name === 'datacenter')!;
    const { id } = await ownRoute(lab, { emulation });
    const statuses = await until(lab, (all) => statusOf(all, id)?.state === 'down');
    expect(statusOf(statuses, id)?.error?.code).toBe('RL_INPUT_INVALID');
  });

  test('has a run from each start to its stop, in one experiment while it is measured the same way', async () => {
    const lab = await openLab();
    const { id } = await ownRoute(lab);
    const first = statusOf(await until(lab, hasPings(5, id)), id)!.runId!;
    const stopped = await lab.client.routes.stop({ id });
    expect(stopped.enabled).toBe(false);
    expect(statusOf(await lab.client.routes.status(), id)).toMatchObject({
      state: 'stopped',
      runId: null,
      ping: null,
      transport: null,
    });
    await lab.client.routes.start({ id });
    await until(lab, hasPings(1, id));

    const experiments = (await lab.client.experiments.list()).filter(({ kind }) => kind === 'monitor');
    expect(experiments).toHaveLength(1);
    expect(experiments[0]!.manifest).toMatchObject({
      manifest: 1,
      app: { version: expect.any(String) },
      seed: expect.any(Number),
      routes: [{ id, controller: 'cubic', pingRate: 50 }],
    });
    const runs = await lab.client.experiments.runs({ id: experiments[0]!.id });
    expect(runs).toMatchObject([
      { id: first, routeId: id, state: 'done', endedAtMs: expect.any(Number) },
      { state: 'running', endedAtMs: null },
    ]);
    expect(runs[0]!.samples).toBeGreaterThanOrEqual(5);

    await lab.client.routes.update({ id, controller: 'newreno' });
    await until(lab, (all) => statusOf(all, id)?.transport?.controller === 'newreno');
    expect((await lab.client.experiments.list()).filter(({ kind }) => kind === 'monitor')).toHaveLength(2);
  });

  test('that is renamed goes on in the same run', async () => {
    const lab = await openLab();
    const { id } = await ownRoute(lab);
    const { runId } = statusOf(await until(lab, hasPings(2, id)), id)!;
    const changed = await lab.client.routes.update({ id, name: 'Renamed', tags: ['x'] });
    expect(changed).toMatchObject({ name: 'Renamed', tags: ['x'], pingRate: 50, controller: 'cubic' });
    expect(statusOf(await lab.client.routes.status(), id)?.runId).toBe(runId);
  });

  test('that is removed keeps its measurements, and comes back as it was', async () => {
    const lab = await openLab();
    const route = await ownRoute(lab);
    const { ping } = statusOf(await until(lab, hasPings(5, route.id)), route.id)!;
    await lab.client.routes.remove({ id: route.id });
    expect((await lab.client.routes.list()).some(({ id }) => id === route.id)).toBe(false);
    expect(statusOf(await lab.client.routes.status(), route.id)).toBeUndefined();
    expect(await lab.client.routes.restore({ id: route.id })).toEqual(route);
    const { fromMs, toMs } = ping!;
    expect(await lab.client.routes.stats({ id: route.id, fromMs, toMs })).toEqual({ ...ping, source: 'raw' });
    await until(lab, hasPings(1, route.id));
  });

  test('has parameters of its controller, which another controller does not take over', async () => {
    const lab = await openLab();
    const fields = { name: 'Tuned', host: '127.0.0.1', port: 9, parameters: { C: 0.5 } };
    const { id, parameters } = await lab.client.routes.create(fields);
    expect(parameters).toEqual({ C: 0.5 });
    const refused = { code: 'RL_INPUT_INVALID', data: { field: 'LossThresh' } };
    await expect(lab.client.routes.update({ id, parameters: { LossThresh: 2 } })).rejects.toMatchObject(
      refused,
    );
    await expect(
      lab.client.routes.create({ ...fields, name: 'B', parameters: { LossThresh: 2 } }),
    ).rejects.toMatchObject(refused);
    expect((await lab.client.routes.update({ id, name: 'Renamed' })).parameters).toEqual({ C: 0.5 });
    expect((await lab.client.routes.update({ id, controller: 'newreno' })).parameters).toEqual({});
  });

  test('cannot take the name of another', async () => {
    const lab = await openLab();
    await lab.client.routes.create({ name: 'Twice', host: '127.0.0.1', port: 9 });
    await expect(
      lab.client.routes.create({ name: 'Twice', host: '127.0.0.1', port: 10 }),
    ).rejects.toMatchObject({ code: 'RL_CONFLICT', status: 409, data: { field: 'name' } });
  });
});

describe('a worker that dies', () => {
  test.each(['probe', 'relay', 'endpoint'] as const)(
    'the %s: its routes are down with the reason, then measured again in the same run',
    async (name) => {
      const logged: object[] = [];
      const down = Promise.withResolvers<number>();
      const lab = await openLab({
        workerUrl: (worker) =>
          worker === name ? new URL(`./fixtures/mortal-${name}.ts`, import.meta.url) : realWorkers(worker),
        log: {
          info: () => {},
          warn: (fields) => {
            logged.push(fields);
            if ('route' in fields && fields.route === 'demo-lan') down.resolve(Date.now());
          },
          error: (fields) => void logged.push(fields),
        },
      });
      await lab.client.demo.start();
      const before = statusOf(await until(lab, hasPings(3)), 'demo-lan')!;
      const killer = new BroadcastChannel(`kill-${name}`);
      killer.postMessage('now');
      const downAtMs = await down.promise;
      killer.close();
      expect(logged).toContainEqual({ worker: name, reason: 'killed by the test', restartInMs: 250 });
      expect(logged).toContainEqual({
        route: 'demo-lan',
        code: 'RL_INTERNAL',
        reason: `The ${name} worker stopped: killed by the test.`,
      });
      expect(lab.health()).toMatchObject({
        status: 'degraded',
        services: { [name]: { status: 'degraded', detail: expect.stringContaining('killed by the test') } },
      });

      const after = await until(lab, (all) => {
        const lan = statusOf(all, 'demo-lan')!;
        return lan.state === 'up' && lan.ping!.toMs > downAtMs + 1000;
      });
      expect(statusOf(after, 'demo-lan')?.runId).toBe(before.runId);
      expect(lab.health().status).toBe('healthy');
    },
  );
});

describe('closing and opening again', () => {
  test('ends the runs, and enabled routes are measured again by the next lab', async () => {
    const dataDir = temporaryDir();
    const first = await openLab({ dataDir });
    await first.client.demo.start();
    await until(first, hasPings(3));
    await first.client.routes.stop({ id: 'demo-lte' });
    await first.close();

    const second = await openLab({ dataDir });
    const isMeasured = (all: RouteStatus[]) =>
      all.every(({ routeId, ping }) => routeId === 'demo-lte' || (ping?.received ?? 0) > 0);
    const statuses = await until(second, isMeasured);
    expect(statusOf(statuses, 'demo-lte')).toMatchObject({ state: 'stopped', ping: null });
    // The last minute reaches back into the first lab’s run, and still equals the store’s numbers.
    const { ping } = statusOf(statuses, 'demo-lan')!;
    const { fromMs, toMs } = ping!;
    expect(await second.client.routes.stats({ id: 'demo-lan', fromMs, toMs })).toEqual({
      ...ping,
      source: 'raw',
    });

    const experiments = await second.client.experiments.list();
    const lan = experiments.find(({ name }) => name === 'Monitor LAN')!;
    expect((await second.client.experiments.runs({ id: lan.id })).map(({ state }) => state)).toEqual([
      'done',
      'running',
    ]);
  });

  test('ends every stream', async () => {
    const lab = await openLab();
    const stream = await lab.client.routes.watch();
    const seen: unknown[] = [];
    const following = (async () => {
      for await (const statuses of stream) seen.push(statuses);
    })();
    await lab.close();
    await following;
  });

  test('a second lab in the same folder is refused', async () => {
    const dataDir = temporaryDir();
    await openLab({ dataDir });
    await expect(openLab({ dataDir })).rejects.toMatchObject({ code: 'RL_DATA_IN_USE' });
  });
});

test('the exporter shows every measured route, and none that was removed', async () => {
  const lab = await openLab();
  const { id } = await ownRoute(lab);
  await until(lab, hasPings(3, id));
  const body = String((await lab.renderMetrics()).body);
  expect(body).toContain(`quic_rtt_seconds_count{route="${id}"`);
  await lab.client.routes.remove({ id });
  expect(String((await lab.renderMetrics()).body)).not.toContain(`route="${id}"`);
});
