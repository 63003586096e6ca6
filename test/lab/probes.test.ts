import { BroadcastChannel } from 'node:worker_threads';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/main/lab/index.ts';
import { AppError } from '../../src/main/probe/protocol.ts';
import { serveSession } from '../../src/main/probe/service.ts';
import { openStore } from '../../src/main/store/index.ts';
import { appendSeries, emptySeries } from '../../src/shared/congestion-series.ts';
import type { Emulation } from '../../src/shared/domain.ts';
import type { ProbeRun, ProbeUpdate } from '../../src/shared/probes.ts';
import { startLoopback } from '../probe/loopback.ts';
import { openLab, ownRoute, realWorkers, temporaryDir } from './open-lab.ts';

const direction = { rateBps: 2e7, delayMs: 10, jitterMs: 0, lossRatio: 0, bufferBytes: 100_000 };
const emulation: Emulation = { profile: 'test-path', up: direction, down: direction, flap: null };
const target = { kind: 'emulated', emulation } as const;

/** Everything a watcher sees until the run is over. */
async function watched(lab: Lab, id: number): Promise<ProbeUpdate[]> {
  const updates: ProbeUpdate[] = [];
  for await (const update of await lab.client.probes.watch({ id })) updates.push(update);
  return updates;
}

/** The run once `isReached` holds of it. */
async function reached(lab: Lab, id: number, isReached: (update: ProbeUpdate) => boolean): Promise<ProbeRun> {
  for await (const update of await lab.client.probes.watch({ id })) if (isReached(update)) return update.run;
  throw new Error('the run was over before');
}

const isRunning = ({ run }: ProbeUpdate): boolean => run.state === 'running' && run.series.length > 0;

describe('a probe run', () => {
  test('of a download shows the server’s controller, live and stored', async () => {
    const dataDir = temporaryDir();
    const lab = await openLab({ dataDir });
    const started = await lab.client.probes.start({
      target,
      mode: 'download',
      durationS: 1,
      controller: 'newreno',
      parameters: { PacingGain: 2 },
    });
    expect(started).toMatchObject({
      name: 'test-path download',
      target: 'test-path',
      // The server has not told yet.
      controller: null,
      emulated: true,
      insecure: false,
      imported: false,
    });
    const updates = await watched(lab, started.id);
    const { run, progress } = updates.at(-1)!;
    expect(progress).toBe(1);
    expect(run).toMatchObject({
      state: 'done',
      error: null,
      controller: 'newreno',
      result: { goodputUpBps: null, rttUs: null },
    });
    expect(run.result!.goodputDownBps).toBeGreaterThan(1e6);
    // No more than the emulated path carries.
    expect(run.result!.goodputDownBps).toBeLessThan(2e7);
    expect(run.result!.transport[0]).toMatchObject({ vantage: 'server', controller: 'newreno' });
    expect(run.series.map(({ vantage }) => vantage)).toEqual(['server', 'client']);

    const live = emptySeries();
    for (const { series } of updates)
      for (const part of series) if (part.vantage === 'server') appendSeries(live, part.series);
    const { vantage, series } = await lab.client.probes.series({ id: run.id, points: 50_000 });
    expect(vantage).toBe('server');
    expect(series).toEqual(live);
    expect(series.tUs.length).toBe(run.series[0]!.points);
    const most = Math.max(...(series.cwndBytes as number[]));
    expect(most).toBeGreaterThan(50_000);
    const coarse = await lab.client.probes.series({ id: run.id, points: 20 });
    expect(coarse.series.tUs.length).toBeLessThanOrEqual(20);
    expect(Math.max(...(coarse.series.cwndBytes as number[]))).toBe(most);

    await lab.close();
    const store = openStore({ dataDir });
    expect(store.probes.get(run.id)).toEqual(run);
    expect(store.probes.series(run.id, 'server')).toEqual(series);
    store.close();
  });

  test('with FEC has the theory for what its path is set to lose, and is exported', async () => {
    const lab = await openLab();
    const lossy = { ...direction, rateBps: null, bufferBytes: null, lossRatio: 0.1 };
    const { id } = await lab.client.probes.start({
      target: { kind: 'emulated', emulation: { ...emulation, up: lossy } },
      mode: 'fec',
      durationS: 1,
    });
    const { run } = (await watched(lab, id)).at(-1)!;
    const detail = run.result!.detail!;
    if (detail.kind !== 'fec') throw new Error('no FEC');
    // At 10 %, RS(10, 2) leaves 3.03 %; the packets per second are those of the command line.
    expect(detail).toMatchObject({ ratePerS: 100, up: { pathLoss: 0.1 }, down: { pathLoss: 0 } });
    expect(detail.up!.theoryAtPathLoss!).toBeCloseTo(0.0303, 3);
    expect(detail.down!.theoryAtPathLoss).toBe(0);
    const exposition = (await lab.renderMetrics()).body.toString();
    expect(exposition).toContain(`\nquic_fec_recovered_packets_total ${detail.up!.recovered}\n`);
    expect(exposition).toContain(`\nquic_fec_unrecoverable_packets_total ${detail.up!.unrecoverable}\n`);
    expect(exposition).toMatch(/\nquic_fec_redundancy_ratio 0\.2\n/);
  });

  test('of a download names the controller that the server used, whichever was asked for', async () => {
    await using loopback = await startLoopback();
    const lab = await openLab();
    const { id } = await lab.client.probes.start({
      target: { kind: 'address', host: '127.0.0.1', port: loopback.listener.port, insecure: true },
      mode: 'download',
      bytes: 100_000,
      controller: 'newreno',
    });
    const { run } = (await watched(lab, id)).at(-1)!;
    expect(run).toMatchObject({ state: 'done', controller: 'cubic', input: { controller: 'newreno' } });
    expect((await lab.client.probes.list())[0]).toEqual(run);
  });

  test('of a download from a server that tells nothing names no controller', async () => {
    await using loopback = await startLoopback(undefined, (session, counters) => {
      serveSession(session, counters);
      const serve = session.onStream!;
      let isFirst = true;
      session.onStream = (stream) => {
        if (!isFirst) return serve(stream);
        isFirst = false;
        stream.onData = () => {};
        stream.stopSending(AppError.BAD_REQUEST);
        stream.reset(AppError.BAD_REQUEST);
      };
    });
    const lab = await openLab();
    const { id } = await lab.client.probes.start({
      target: { kind: 'address', host: '127.0.0.1', port: loopback.listener.port, insecure: true },
      mode: 'download',
      bytes: 100_000,
      controller: 'newreno',
    });
    const { run } = (await watched(lab, id)).at(-1)!;
    expect(run).toMatchObject({ state: 'done', controller: null, result: { bytesDown: 100_000 } });
    expect(run.series.map(({ vantage }) => vantage)).toEqual(['client']);
  });

  test('are listed so many at a time, from any of them on', async () => {
    const lab = await openLab();
    const ids: number[] = [];
    for (const mode of ['ping', 'upload', 'download'] as const) {
      const target = { kind: 'address', host: '127.0.0.1', port: 9 } as const;
      ids.unshift((await lab.client.probes.start({ target, mode })).id);
    }
    const listed = async (page: { limit?: number; before?: number }) =>
      (await lab.client.probes.list(page)).map(({ id }) => id);
    expect(await listed({})).toEqual(ids);
    expect(await listed({ limit: 2 })).toEqual(ids.slice(0, 2));
    expect(await listed({ limit: 2, before: ids[1]! })).toEqual(ids.slice(2));
    for (const limit of [0, 1001, 1.5])
      await expect(listed({ limit })).rejects.toMatchObject({ code: 'RL_INPUT_INVALID' });
  });

  test('of a route goes where the route leads, with a controller of its own', async () => {
    const lab = await openLab();
    const route = await ownRoute(lab, { controller: 'cubic' });
    const { id } = await lab.client.probes.start({
      name: 'Uplink',
      target: { kind: 'route', id: route.id },
      mode: 'upload',
      bytes: 300_000,
      controller: 'bbr3',
    });
    const { run } = (await watched(lab, id)).at(-1)!;
    expect(run).toMatchObject({
      name: 'Uplink',
      target: 'Own',
      state: 'done',
      emulated: false,
      result: {
        bytesUp: 300_000,
        transport: [
          { vantage: 'client', controller: 'bbr3' },
          { vantage: 'server', controller: 'cubic' },
        ],
      },
    });
    expect(run.series.map(({ vantage }) => vantage)).toEqual(['client']);
  });

  test.each([
    ['ping', { sent: expect.any(Number), received: expect.any(Number), rttUs: expect.anything() }],
    [
      'handshake',
      { sent: expect.any(Number), handshakeUs: { p50: expect.any(Number), p95: expect.any(Number) } },
    ],
    ['bidi', { bytesDown: expect.any(Number), bytesUp: expect.any(Number) }],
    ['responsiveness', { rttUs: expect.anything(), detail: { kind: 'responsiveness' } }],
    ['streams', { bytesDown: expect.any(Number), detail: { kind: 'streams', fairness: expect.any(Number) } }],
    [
      'migration',
      { rttUs: expect.anything(), detail: { moves: [{ errorCode: null }, { errorCode: null }] } },
    ],
    ['http3', { received: expect.any(Number), detail: { kind: 'http3', path: '/' } }],
  ] as const)('in mode %s', async (mode, result) => {
    const lab = await openLab();
    const { id } = await lab.client.probes.start({ target, mode, durationS: 1, ratePerS: 100 });
    const { run } = (await watched(lab, id)).at(-1)!;
    expect(run).toMatchObject({ state: 'done', result });
    // As the API has it.
    expect(await lab.client.probes.get({ id })).toEqual(run);
    expect(run.result!.sent === null || run.result!.sent > 0).toBe(true);
  });

  test('that leads nowhere fails with the reason', async () => {
    const lab = await openLab();
    const { id } = await lab.client.probes.start({
      target: { kind: 'address', host: '127.0.0.1', port: 1 },
      mode: 'ping',
    });
    const { run } = (await watched(lab, id)).at(-1)!;
    expect(run).toMatchObject({ state: 'failed', error: { code: 'RL_PORT_CLOSED' }, series: [] });
    await expect(lab.client.probes.series({ id })).rejects.toMatchObject({ code: 'RL_NOT_FOUND' });
  });

  test('is cancelled at any moment, and keeps what was measured by then', async () => {
    const lab = await openLab();
    const ids: number[] = [];
    for (let i = 0; i < 3; i++)
      ids.push((await lab.client.probes.start({ target, mode: 'upload', durationS: 600 })).id);
    const [running, queued, atOnce] = ids as [number, number, number];
    await reached(lab, running, isRunning);
    expect((await lab.client.probes.get({ id: queued })).state).toBe('queued');
    expect((await lab.client.probes.cancel({ id: queued })).state).toBe('cancelled');
    const run = await lab.client.probes.cancel({ id: running });
    expect(run).toMatchObject({ state: 'cancelled', error: null });
    expect(run.series[0]!.points).toBeGreaterThan(0);
    expect(run.result!.bytesUp).toBeGreaterThanOrEqual(0);
    // Its turn has just come.
    expect((await lab.client.probes.cancel({ id: atOnce })).state).toBe('cancelled');
    expect((await lab.client.probes.cancel({ id: atOnce })).state).toBe('cancelled');
  });

  test('that is removed is cancelled, and can be restored', async () => {
    const lab = await openLab();
    const { id } = await lab.client.probes.start({ target, mode: 'ping', durationS: 600 });
    await lab.client.probes.remove({ id });
    expect(await lab.client.probes.list()).toEqual([]);
    await expect(lab.client.probes.get({ id })).rejects.toMatchObject({ code: 'RL_NOT_FOUND' });
    expect(await lab.client.probes.restore({ id })).toMatchObject({ id, state: 'cancelled' });
    expect(await lab.client.probes.list()).toHaveLength(1);
  });

  test('under way when the lab closes is interrupted, with what was measured', async () => {
    const dataDir = temporaryDir();
    const lab = await openLab({ dataDir });
    const { id } = await lab.client.probes.start({ target, mode: 'download', durationS: 600 });
    await reached(lab, id, ({ run }) => run.series.length === 2);
    await lab.close();
    const again = await openLab({ dataDir });
    const run = await again.client.probes.get({ id });
    expect(run.state).toBe('interrupted');
    expect(run.series.map(({ vantage }) => vantage)).toEqual(['server', 'client']);
  });

  test('whose thread dies fails with it, and the next goes on', async () => {
    const lab = await openLab({
      workerUrl: (name) =>
        name === 'measure' ? new URL('./fixtures/mortal-measure.ts', import.meta.url) : realWorkers(name),
    });
    const { id } = await lab.client.probes.start({ target, mode: 'upload', durationS: 600 });
    const next = await lab.client.probes.start({ target, mode: 'upload', bytes: 10_000, durationS: 2 });
    await reached(lab, id, isRunning);
    const killer = new BroadcastChannel('kill-measure');
    killer.postMessage('now');
    const { run } = (await watched(lab, id)).at(-1)!;
    expect(run).toMatchObject({ state: 'failed', error: { code: 'RL_INTERNAL' } });
    expect((await watched(lab, next.id)).at(-1)!.run.startedAtMs).toBeGreaterThanOrEqual(run.endedAtMs!);
    killer.close();
  });
});

describe('what cannot be measured is refused, by field:', () => {
  test.each([
    [{ parameters: { Nonsense: 1 } }, 'RL_INPUT_INVALID', 'Nonsense'],
    [{ parameters: { C: 7 } }, 'RL_INPUT_INVALID', 'C'],
    [{ mode: 'ping', bytes: 1000 }, 'RL_INPUT_INVALID', 'bytes'],
    [{ durationS: 601 }, 'RL_INPUT_INVALID', 'durationS'],
    [{ target: { kind: 'address', host: 'a b', port: 1 } }, 'RL_INPUT_INVALID', 'target.host'],
    [{ target: { kind: 'route', id: 'none' } }, 'RL_NOT_FOUND', 'id'],
    [{ controller: 'vegas' }, 'RL_INPUT_INVALID', 'controller'],
  ])('%j', async (fields, code, field) => {
    const lab = await openLab();
    const input = { target, mode: 'upload', ...fields } as Parameters<Lab['client']['probes']['start']>[0];
    await expect(lab.client.probes.start(input)).rejects.toMatchObject({ code, data: { field } });
    expect(await lab.client.probes.list()).toEqual([]);
  });
});

test('the controllers are told with their parameters', async () => {
  const lab = await openLab();
  const controllers = await lab.client.controllers.list();
  expect(controllers.map(({ name }) => name)).toEqual(expect.arrayContaining(['newreno', 'cubic']));
  for (const { parameters } of controllers)
    for (const each of parameters) {
      expect(each.default).toBeGreaterThanOrEqual(each.min);
      expect(each.default).toBeLessThanOrEqual(each.max);
    }
});
