import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Series } from '../../src/shared/domain.ts';
import { goodputBps, type PingSample, pingStats, type TransferSample } from '../../src/shared/samples.ts';
import { NOTHING, routeNamed, startedRoute, tempStore } from './temp.ts';

const T0 = 1_790_000_000_000;
const byTime = (a: { atMs: number }, b: { atMs: number }): number => a.atMs - b.atMs;

/** Pings at distinct microseconds within ten seconds. */
const pingsOfRun = fc
  .uniqueArray(
    fc.record({
      us: fc.integer({ min: 0, max: 10_000_000 }),
      rttUs: fc.option(fc.integer({ min: 0, max: 2_000_000 }), { freq: 4 }),
      loaded: fc.boolean(),
    }),
    { selector: ({ us }) => us, maxLength: 60 },
  )
  .map((pings) =>
    pings.map(({ us, rttUs, loaded }): PingSample => ({ atMs: (T0 * 1000 + us) / 1000, rttUs, loaded })),
  );
const transfersOfRun = fc.uniqueArray(
  fc.record({
    atMs: fc.integer({ min: T0, max: T0 + 10_000 }),
    direction: fc.constantFrom('down' as const, 'up' as const),
    bytes: fc.integer({ min: 1, max: 1e9 }),
    durationUs: fc.double({ min: 1, max: 1e7, noNaN: true }),
    errorCode: fc.constant(null),
  }),
  { selector: ({ atMs, direction }) => `${atMs}${direction}`, maxLength: 8 },
);
const skipsOfRun = fc.uniqueArray(
  fc.record({ atMs: fc.integer({ min: T0, max: T0 + 10_000 }), count: fc.integer({ min: 1, max: 100 }) }),
  { selector: ({ atMs }) => atMs, maxLength: 8 },
);
const handshakesOfRun = fc.uniqueArray(
  fc.record({
    atMs: fc.integer({ min: T0, max: T0 + 10_000 }),
    durationUs: fc.option(fc.integer({ min: 1, max: 1e7 })),
    errorCode: fc.constant(null),
    purpose: fc.constant('ping' as const),
  }),
  { selector: ({ atMs }) => atMs, maxLength: 8 },
);
const window = fc
  .tuple(fc.integer({ min: -1_000_000, max: 11_000_000 }), fc.integer({ min: 0, max: 12_000_000 }))
  .map(([from, span]) => [(T0 * 1000 + from) / 1000, (T0 * 1000 + from + span) / 1000] as const);

/** Runs of one route, overlapping at will, never with two pings at one microsecond in different runs. */
const runs = fc
  .array(fc.tuple(pingsOfRun, transfersOfRun, skipsOfRun, handshakesOfRun), { minLength: 1, maxLength: 4 })
  .map((all) => {
    const seen = new Set<number>();
    return all.map(([pings, transfers, skips, handshakes]) => ({
      pings: pings.filter(({ atMs }) => !seen.has(atMs) && seen.add(atMs)),
      transfers,
      skips,
      handshakes,
    }));
  });

test('statistics from the store are equal to those computed in memory', () => {
  const store = tempStore();
  let n = 0;
  fc.assert(
    fc.property(runs, window, fc.integer({ min: 1, max: 4000 }), (given, [fromMs, toMs], bucketMs) => {
      const route = store.routes.create(routeNamed(`route ${n++}`), { demo: false, enabled: false });
      const experiment = store.experiments.create({ name: 'e', kind: 'monitor', manifest: {} });
      for (const samples of given) {
        const run = store.runs.start(experiment.id, route.id);
        store.writer.add(run.id, { ...NOTHING, ...samples });
      }
      const pings = given.flatMap((samples) => samples.pings).sort(byTime);
      const skips = given.flatMap((samples) => samples.skips);
      const within = pings.filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
      expect(store.pings(route.id, fromMs, toMs)).toEqual(within);
      expect(store.pingStats(route.id, fromMs, toMs)).toEqual(pingStats(pings, skips, fromMs, toMs));

      const transfers = given
        .flatMap((samples): TransferSample[] => samples.transfers)
        .filter(({ atMs }) => atMs >= fromMs && atMs < toMs);
      const bucketOf = ({ atMs }: { atMs: number }): number => Math.floor(atMs / bucketMs) * bucketMs;
      const starts = [...new Set([...within, ...transfers].map(bucketOf))].sort((a, b) => a - b);
      const stats = starts.map((start) =>
        pingStats(
          within,
          skips.filter(({ atMs }) => atMs >= fromMs && atMs < toMs),
          start,
          start + bucketMs,
        ),
      );
      const met = starts.map((start) => {
        const of = given
          .flatMap((samples) => samples.handshakes)
          .filter((h) => h.atMs >= fromMs && h.atMs < toMs && bucketOf(h) === start);
        const took = of.map(({ durationUs }) => durationUs).filter((us) => us !== null);
        const sum = took.reduce((total, us) => total + us, 0);
        return {
          all: of.length,
          failed: of.length - took.length,
          mean: took.length === 0 ? null : sum / took.length,
        };
      });
      const goodput = (direction: 'down' | 'up'): (number | null)[] =>
        starts.map((start) => {
          const of = transfers.filter((t) => t.direction === direction && bucketOf(t) === start);
          const sum = (read: (t: TransferSample) => number): number => of.reduce((s, t) => s + read(t), 0);
          return of.length === 0
            ? null
            : expect.closeTo(
                goodputBps({ bytes: sum((t) => t.bytes), durationUs: sum((t) => t.durationUs) }),
                -3,
              );
        });
      const series = store.series(route.id, fromMs, toMs, bucketMs);
      expect(series).toEqual({
        routeId: route.id,
        bucketMs,
        source: 'raw',
        tMs: starts,
        sent: stats.map((s) => s.sent),
        lost: stats.map((s) => s.lost),
        skipped: stats.map((s) => s.skipped),
        rttMin: stats.map((s) => s.rttUs?.min ?? null),
        rttMean: stats.map((s) => s.rttUs?.mean ?? null),
        rttP50: stats.map((s) => s.rttUs?.p50 ?? null),
        rttP95: stats.map((s) => s.rttUs?.p95 ?? null),
        rttP99: stats.map((s) => s.rttUs?.p99 ?? null),
        rttMax: stats.map((s) => s.rttUs?.max ?? null),
        jitter: stats.map((s) => s.jitterUs),
        goodputDown: goodput('down'),
        goodputUp: goodput('up'),
        handshakes: met.map((m) => m.all),
        handshakesFailed: met.map((m) => m.failed),
        handshakeMean: met.map((m) => m.mean),
      });
      expect(Series.safeParse(series).success).toBe(true);
    }),
    { numRuns: 150 },
  );
});

test('a window holds its start and not its end', () => {
  const store = tempStore();
  const { routeId, runId } = startedRoute(store);
  const at = (atMs: number): PingSample => ({ atMs, rttUs: 5, loaded: false });
  store.writer.add(runId, { ...NOTHING, pings: [at(999.999), at(1000), at(1999.999), at(2000)] });
  expect(store.pings(routeId, 1000, 2000).map(({ atMs }) => atMs)).toEqual([1000, 1999.999]);
  expect(store.pingStats(routeId, 1000, 2000).sent).toBe(2);
  expect(store.series(routeId, 1000, 2000, 1000).tMs).toEqual([1000]);
});

test('pings of other routes do not count', () => {
  const store = tempStore();
  const [a, b] = [startedRoute(store, 'a'), startedRoute(store, 'b')];
  store.writer.add(a.runId, { ...NOTHING, pings: [{ atMs: 1, rttUs: 10, loaded: false }] });
  store.writer.add(b.runId, { ...NOTHING, pings: [{ atMs: 1, rttUs: null, loaded: false }] });
  expect(store.pingStats(a.routeId, 0, 9)).toMatchObject({ sent: 1, lost: 0 });
  expect(store.pingStats(b.routeId, 0, 9)).toMatchObject({ sent: 1, lost: 1, rttUs: null, jitterUs: null });
});

test('nothing measured is nothing said', () => {
  const store = tempStore();
  const { routeId } = startedRoute(store);
  expect(store.pingStats(routeId, 0, 1000)).toEqual(pingStats([], [], 0, 1000));
  expect(store.series(routeId, 0, 1e12, 1).tMs).toEqual([]);
  expect(store.lastTransfers(routeId)).toEqual({ down: null, up: null });
});

test('gaps in a series are skipped, however many buckets they would be', () => {
  const store = tempStore();
  const { routeId, runId } = startedRoute(store);
  const at = (atMs: number): PingSample => ({ atMs, rttUs: 5, loaded: false });
  store.writer.add(runId, { ...NOTHING, pings: [at(5), at(T0)] });
  expect(store.series(routeId, 0, T0 + 1, 1).tMs).toEqual([5, T0]);
});

test('the newest transfer of each direction is found over all runs', () => {
  const store = tempStore();
  const { routeId, runId } = startedRoute(store);
  const later = store.runs.start(1, routeId);
  const transfer = { atMs: 10, direction: 'down' as const, bytes: 1000, durationUs: 4000, errorCode: null };
  store.writer.add(runId, {
    ...NOTHING,
    transfers: [transfer, { ...transfer, direction: 'up' }, { ...transfer, atMs: 5 }],
  });
  // One that came all at once has no rate, and one that failed none either.
  store.writer.add(later.id, {
    ...NOTHING,
    transfers: [
      { ...transfer, atMs: 20, bytes: 2000 },
      { ...transfer, atMs: 30, durationUs: 0 },
      { ...transfer, atMs: 40, bytes: 0, durationUs: 0, errorCode: 'RL_CONNECT_TIMEOUT' },
    ],
  });
  expect(store.lastTransfers(routeId)).toEqual({
    down: { atMs: 20, bytes: 2000, durationUs: 4000, goodputBps: 4e6 },
    up: { atMs: 10, bytes: 1000, durationUs: 4000, goodputBps: 2e6 },
  });
});

test('transport snapshots and events come back as they were given', () => {
  const store = tempStore();
  const { routeId, runId } = startedRoute(store);
  const transport = {
    atMs: 1000.5,
    controller: 'newreno' as const,
    cwndBytes: 13_500,
    pacingBps: 1e6,
    bytesInFlight: 1350,
    smoothedRttUs: 20_000.5,
    rttVarUs: 12,
    minRttUs: null,
    packetsSent: 10,
    packetsReceived: 9,
    packetsLost: 1,
    bytesSent: 13_500,
    bytesReceived: 900,
  };
  const error = { code: 'RL_PORT_CLOSED' as const, message: 'closed', hint: 'open it' };
  store.writer.add(runId, { ...NOTHING, transport });
  store.writer.event(routeId, { atMs: 1, state: 'connecting', error: null });
  store.writer.event(routeId, { atMs: 2, state: 'down', error });
  expect(store.transport(routeId, 0, 2000, 1000)).toEqual([transport]);
  expect(store.events(routeId, 0, 2, 9)).toEqual([{ atMs: 1, state: 'connecting', error: null }]);
  expect(store.events(routeId, 2, 3, 9)).toEqual([{ atMs: 2, state: 'down', error }]);
});

test('of each bucket the newest transport snapshot comes, whatever run it is of, and of events the newest', () => {
  const store = tempStore();
  const { routeId, runId } = startedRoute(store);
  const again = store.runs.start(store.runs.get(runId).experimentId, routeId).id;
  const figures = { controller: 'cubic' as const, cwndBytes: 1, pacingBps: null, bytesInFlight: 0 };
  const rtts = { smoothedRttUs: null, rttVarUs: null, minRttUs: null };
  const counts = { packetsSent: 1, packetsReceived: 0, packetsLost: 0, bytesSent: 0, bytesReceived: 0 };
  const at = (run: number, s: number): void =>
    store.writer.add(run, { ...NOTHING, transport: { atMs: s * 1000, ...figures, ...rtts, ...counts } });
  for (const s of [1, 2, 9, 10, 31, 44]) at(runId, s);
  for (const s of [8, 41, 45]) at(again, s);
  const seconds = (fromS: number, toS: number, bucketS: number) =>
    store.transport(routeId, fromS * 1000, toS * 1000, bucketS * 1000).map(({ atMs }) => atMs / 1000);
  expect(seconds(0, 60, 10)).toEqual([9, 10, 31, 45]);
  expect(seconds(0, 60, 1)).toEqual([1, 2, 8, 9, 10, 31, 41, 44, 45]);
  expect(seconds(2, 45, 20)).toEqual([10, 31, 44]);
  for (const atMs of [1, 2, 3]) store.writer.event(routeId, { atMs, state: 'up', error: null });
  expect(store.events(routeId, 0, 9, 2).map(({ atMs }) => atMs)).toEqual([2, 3]);
});

test('a window that holds more pings than a reader wants is told by counting no further', () => {
  const store = tempStore();
  const { routeId, runId } = startedRoute(store);
  const pings = Array.from({ length: 10 }, (_, i) => ({ atMs: i, rttUs: 1, loaded: false }));
  store.writer.add(runId, { ...NOTHING, pings });
  expect(store.hasMorePings(routeId, 0, 10, 9)).toBe(true);
  expect(store.hasMorePings(routeId, 0, 10, 10)).toBe(false);
  expect(store.hasMorePings(routeId, 0, 9, 9)).toBe(false);
});
