/** Life of the monitors, with workers that do what the test says: what can go wrong with real ones takes minutes. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Ends } from '../../src/main/lab/ends.ts';
import { Monitors, type MonitorsOptions } from '../../src/main/lab/monitors.ts';
import { StatusBoard } from '../../src/main/lab/status-board.ts';
import { routeReading } from '../../src/main/telemetry/alerts/readings.ts';
import { RouteInput } from '../../src/shared/domain.ts';
import { LabError } from '../../src/shared/errors.ts';
import { tempStore } from '../store/temp.ts';
import { silentLog } from './open-lab.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const LINK = { rateBps: 1e6, delayMs: 10, jitterMs: 0, lossRatio: 0, bufferBytes: null };

function lab(input: Partial<RouteInput> = {}) {
  const store = tempStore();
  const board = new StatusBoard(0);
  const probe = vi.fn(async (_method: string, _params: unknown): Promise<unknown> => null);
  const relay = vi.fn(
    async (_method: string, _params: unknown): Promise<unknown> => ({
      host: '127.0.0.1',
      port: 7,
    }),
  );
  const monitors = new Monitors({
    store,
    board,
    probe: { request: probe },
    relay: { request: relay },
    requireEmulable: async () => {},
    ends: new Ends(store, silentLog),
    log: silentLog,
    ca: [],
    demoAddress: async () => ({ host: '127.0.0.1', port: 5 }),
    experimentOf: ({ id: key }: { id: string }) => ({
      experimentId: store.experiments.create({ name: 'e', kind: 'monitor', manifest: {} }).id,
      key,
      seed: 1,
    }),
    onSamples: () => {},
  } as unknown as MonitorsOptions);
  const route = store.routes.create(
    RouteInput.parse({ name: 'r', host: 'far.example', port: 4433, ...input }),
    { demo: false, enabled: true },
  );
  const starts = (): number => probe.mock.calls.filter(([method]) => method === 'start').length;
  return { store, board, probe, relay, monitors, route, starts };
}

const emulated = { emulation: { profile: 'p', up: LINK, down: LINK, flap: null } };
const unknownHost = new LabError('RL_HOST_UNKNOWN', 'no such host');

describe('a route that cannot be set up', () => {
  it('is down with the reason, and tried again after growing pauses until it works', async () => {
    const { board, monitors, relay, route, starts } = lab(emulated);
    relay.mockImplementation(async (method) => {
      if (method === 'open') throw unknownHost;
      return null;
    });
    await monitors.start(route.id);
    expect(board.of(route)).toMatchObject({ state: 'down', error: { code: 'RL_HOST_UNKNOWN' } });
    const opens = (): number => relay.mock.calls.filter(([method]) => method === 'open').length;
    await vi.advanceTimersByTimeAsync(3600);
    // At 0.5, 1.5 and 3.5 s.
    expect(opens()).toBe(4);
    relay.mockImplementation(async () => ({ host: '127.0.0.1', port: 7 }));
    await vi.advanceTimersByTimeAsync(4000);
    expect(starts()).toBe(1);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(starts()).toBe(1);
  });

  it('is not tried again once it is stopped', async () => {
    const { monitors, probe, route, starts } = lab();
    probe.mockImplementation(async (method) => {
      if (method === 'start') throw new LabError('RL_INTERNAL', 'the worker did not answer in time');
      return null;
    });
    await monitors.start(route.id);
    await monitors.stop(route.id);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(starts()).toBe(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('is tried once when its worker comes back, not by its own timer as well', async () => {
    const { monitors, probe, route, starts } = lab();
    probe.mockImplementationOnce(async () => {
      throw new LabError('RL_INTERNAL', 'the worker stopped');
    });
    await monitors.start(route.id);
    monitors.reconnect(() => true);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(starts()).toBe(2);
  });
});

describe('an emulated path to a name', () => {
  it('is made anew when it has been down for a while: the name may lead elsewhere by now', async () => {
    const { monitors, relay, route } = lab(emulated);
    await monitors.start(route.id);
    const opens = (): number => relay.mock.calls.filter(([method]) => method === 'open').length;
    monitors.receive({ type: 'state', routeId: route.id, state: 'down', error: null, atMs: 1 });
    await vi.advanceTimersByTimeAsync(14_000);
    expect(opens()).toBe(1);
    await vi.advanceTimersByTimeAsync(1001);
    expect(opens()).toBe(2);
    monitors.receive({ type: 'state', routeId: route.id, state: 'down', error: null, atMs: 2 });
    monitors.receive({ type: 'state', routeId: route.id, state: 'up', error: null, atMs: 3 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(opens()).toBe(2);
  });

  it('stays down while it is made anew, so that a rule that waits for it to last is kept', async () => {
    const { board, monitors, route, store } = lab(emulated);
    await monitors.start(route.id);
    const say = (state: 'connecting' | 'up' | 'down', atMs: number): void =>
      monitors.receive({ type: 'state', routeId: route.id, state, error: null, atMs });
    say('connecting', 1);
    expect(routeReading('route.down', board.of(route), 1)).toBeNull();
    say('down', 2);
    for (const atMs of [20_000, 40_000]) {
      await vi.advanceTimersByTimeAsync(15_001);
      say('connecting', atMs);
      expect(board.of(route)).toMatchObject({ state: 'down', sinceMs: 2 });
      expect(routeReading('route.down', board.of(route), 1)).toBe(1);
      say('down', atMs + 5000);
    }
    say('up', 60_000);
    expect(routeReading('route.down', board.of(route), 1)).toBe(0);
    store.writer.flush();
    expect(store.events(route.id, 0, 60_001, 9).map(({ state }) => state)).toEqual([
      'connecting',
      'down',
      'down',
      'down',
      'up',
    ]);
  });
});

describe('a store that cannot be written to', () => {
  it('lets a route be stopped, and its run ends once it can; one that cannot begin is tried again', async () => {
    const { store, board, monitors, route } = lab();
    await monitors.start(route.id);
    const [run] = store.runs.ofExperiment(1);
    const { end, start } = store.runs;
    const fail = (): never => {
      throw new LabError('RL_DISK_FULL', 'full');
    };
    Object.assign(store.runs, { end: fail, start: fail });
    await monitors.stop(route.id);
    expect(board.of(route).state).toBe('stopped');
    await monitors.start(route.id);
    expect(board.of(route)).toMatchObject({ state: 'down', error: { code: 'RL_DISK_FULL' } });
    Object.assign(store.runs, { end, start });
    await vi.advanceTimersByTimeAsync(11_000);
    expect(store.runs.get(run!.id).state).toBe('done');
    expect(board.of(route).state).toBe('connecting');
    Object.assign(store.runs, { start: fail });
    await monitors.restart(route.id);
    await monitors.stop(route.id);
    expect(board.of(route)).toMatchObject({ state: 'stopped', error: null });
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('a route whose turn comes late', () => {
  it('is begun as it is by then: not when it was removed or stopped meanwhile', async () => {
    const { monitors, route, starts, store } = lab();
    const turn = monitors.start(route.id);
    store.routes.setEnabled(route.id, false);
    await turn;
    expect(starts()).toBe(0);
    store.routes.setEnabled(route.id, true);
    const another = monitors.start(route.id);
    store.routes.remove(route.id);
    await another;
    expect(starts()).toBe(0);
  });
});
