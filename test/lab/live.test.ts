import { describe, expect, onTestFinished, test } from 'vitest';
import { Live } from '../../src/main/lab/live.ts';
import { StatusBoard } from '../../src/main/lab/status-board.ts';
import { openStore } from '../../src/main/store/index.ts';
import { type Route, RouteInput, type Series } from '../../src/shared/domain.ts';
import type { PingSample, TransferSample } from '../../src/shared/samples.ts';
import { temporaryDir } from './open-lab.ts';

/** A route with a run, whose samples the test hands over as a monitor would. */
function measuredRoute() {
  const store = openStore({ dataDir: temporaryDir() });
  onTestFinished(() => store.close());
  const board = new StatusBoard(0);
  const route: Route = store.routes.create(RouteInput.parse({ name: 'R', host: '127.0.0.1', port: 1 }), {
    demo: false,
    declared: false,
    enabled: true,
  });
  const experiment = store.experiments.create({ name: 'E', kind: 'monitor', manifest: {} });
  const run = store.runs.start(experiment.id, route.id);
  const live = new Live(store, board, { ready: async () => {} });
  return {
    store,
    board,
    route,
    live,
    begin: (atMs: number) =>
      board.begin(route.id, run.id, { pings: [], skips: [], down: null, up: null }, atMs),
    samples: (resolvedThroughMs: number, pings: PingSample[], transfers: TransferSample[] = []) => {
      const batch = { pings, transfers, skips: [], handshakes: [], transport: null };
      store.writer.add(run.id, batch);
      board.samples(route.id, batch, { resolvedThroughMs, payloadBps: null });
    },
  };
}

/** One ping every 100 ms of [fromMs, toMs); every seventh is lost. */
const pings = (fromMs: number, toMs: number): PingSample[] =>
  Array.from({ length: Math.ceil((toMs - fromMs) / 100) }, (_, i) => ({
    atMs: fromMs + i * 100,
    rttUs: i % 7 === 6 ? null : 10_000 + (((fromMs / 100 + i) * 37) % 900),
    loaded: false,
  }));

/** What a reader knows who keeps, for each bucket, the newest it was sent. */
function merged(parts: readonly Series[]): object[] {
  const buckets = new Map<number, object>();
  for (const { routeId: _, bucketMs: __, source: ___, ...columns } of parts) {
    columns.tMs.forEach((tMs, i) => {
      buckets.set(
        tMs,
        Object.fromEntries(Object.entries(columns).map(([name, values]) => [name, values[i]])),
      );
    });
  }
  return [...buckets.values()];
}

describe('watching a series', () => {
  test('the backlog comes first, then each bucket when it is resolved: together, the store’s own series', async () => {
    const { route, live, store, begin, samples } = measuredRoute();
    begin(0);
    samples(3500, pings(0, 3500));
    const parts: Series[] = [];
    const reading = (async () => {
      for await (const part of live.watchSeries(route, 60_000, 1000, new AbortController().signal)) {
        parts.push(part);
        if (part.tMs.includes(6000)) return;
      }
    })();
    for (const [fromMs, toMs] of [
      [3500, 3900],
      [3900, 5200],
      [5200, 7700],
    ] as const) {
      await new Promise(setImmediate);
      samples(toMs, pings(fromMs, toMs));
    }
    await reading;
    expect(parts.map(({ tMs }) => tMs)).toEqual([
      [0, 1000, 2000],
      [3000, 4000],
      [5000, 6000],
    ]);
    expect(merged(parts)).toEqual(merged([store.series(route.id, 0, 7000, 1000)]));
  });

  test('a bucket is sent again when a transfer that began in it ends', async () => {
    const { route, live, store, begin, samples } = measuredRoute();
    begin(0);
    samples(3000, pings(0, 3000));
    const stream = live.watchSeries(route, 60_000, 1000, new AbortController().signal);
    const parts = [(await stream.next()).value as Series];
    const next = stream.next();
    samples(3400, pings(3000, 3400), [
      { atMs: 1600, direction: 'down', bytes: 1e6, durationUs: 1.5e6, errorCode: null },
    ]);
    const again = (await next).value as Series;
    expect(again.tMs).toEqual([1000, 2000]);
    expect(again.goodputDown).toEqual([(1e6 * 8e6) / 1.5e6, null]);
    expect(merged([...parts, again])).toEqual(merged([store.series(route.id, 0, 3000, 1000)]));
    await stream.return(undefined);
  });

  test('a stopped route has a backlog, and waits for its next run', async () => {
    const { route, live, board, begin, samples } = measuredRoute();
    begin(0);
    samples(2000, pings(0, 2000));
    board.end(route.id, 2000);
    const stream = live.watchSeries(route, 1000, 1000, new AbortController().signal);
    expect((await stream.next()).value).toMatchObject({ tMs: [] });
    const next = stream.next();
    const startMs = Math.ceil(Date.now() / 1000) * 1000;
    begin(startMs);
    samples(startMs + 1500, pings(startMs, startMs + 1500));
    expect((await next).value).toMatchObject({ tMs: [startMs] });
    await stream.return(undefined);
  });
});

describe('a clock that was set', () => {
  test.each([
    ['back', 7_200_000, 3_600_000],
    ['forward', 3_600_000, 7_200_000],
  ])(
    '%s is followed at once: what is measured then is sent, each bucket and each transfer',
    async (_, wasMs, isMs) => {
      const { route, live, store, begin, samples } = measuredRoute();
      begin(wasMs);
      const transferAt = (atMs: number): TransferSample => ({
        atMs,
        direction: 'down',
        bytes: 1e6,
        durationUs: 1e6,
        errorCode: null,
      });
      samples(wasMs + 3000, pings(wasMs, wasMs + 3000), [transferAt(wasMs)]);
      const stream = live.watchSeries(route, 60_000, 1000, new AbortController().signal);
      const parts = [(await stream.next()).value as Series];
      for (const [i, at] of [[], [], [isMs + 1000]].entries()) {
        const next = stream.next();
        const fromMs = isMs + i * 1000;
        samples(fromMs + 1000, pings(fromMs, fromMs + 1000), at.map(transferAt));
        parts.push((await next).value as Series);
      }
      await stream.return(undefined);
      expect(parts.slice(1).map(({ tMs }) => tMs)).toEqual([
        [isMs],
        [isMs + 1000],
        [isMs + 1000, isMs + 2000],
      ]);
      expect(merged(parts.slice(1))).toEqual(merged([store.series(route.id, isMs, isMs + 3000, 1000)]));
    },
  );
});

describe('a cancelled stream', () => {
  test.each(['watchStatuses', 'watchSeries'] as const)('%s ends and holds nothing', async (kind) => {
    const { route, live, board, begin } = measuredRoute();
    begin(0);
    const cancel = new AbortController();
    const stream =
      kind === 'watchStatuses'
        ? live.watchStatuses(cancel.signal)
        : live.watchSeries(route, 1000, 1000, cancel.signal);
    await stream.next();
    const next = stream.next();
    cancel.abort();
    expect(await next).toEqual({ done: true, value: undefined });
    expect(board.changes.waiting).toBe(0);
  });
});

test('statuses are computed once for as long as nothing changes', () => {
  const { live, begin, samples } = measuredRoute();
  begin(0);
  samples(100, pings(0, 100));
  const first = live.statuses();
  expect(first[0]).toMatchObject({ state: 'connecting', ping: { sent: 1, received: 1 } });
  expect(live.statuses()).toBe(first);
  samples(200, pings(100, 200));
  expect(live.statuses()[0]).toMatchObject({ ping: { sent: 2 } });
});
