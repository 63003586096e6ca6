import fc from 'fast-check';
import { expect, test } from 'vitest';
import { RELATIVE_ERROR } from '../../../src/main/store/rollups/sketch.ts';
import { type RttSummary, Series, StoredPingStats } from '../../../src/shared/domain.ts';
import { NOTHING, routeNamed, startedRoute } from '../temp.ts';
import { DAY_MS, HOUR_MS, keepUp, keptStore, MINUTE_MS, pingsEvery, T0 } from './support.ts';

/** Moments of ten days, crowded in a few minutes so that many share one. */
const moment = fc
  .tuple(fc.nat({ max: 2 }), fc.nat({ max: 1 }), fc.nat({ max: 3 }), fc.nat({ max: 59_999_999 }))
  .map(
    ([day, hour, minute, us]) => T0 + day * 4 * DAY_MS + hour * 5 * HOUR_MS + minute * MINUTE_MS + us / 1000,
  );
const wholeMoment = moment.map(Math.floor);
const batch = fc.record({
  pings: fc.array(
    fc.record({
      atMs: moment,
      rttUs: fc.option(fc.integer({ min: 0, max: 2_000_000 }), { freq: 4 }),
      loaded: fc.boolean(),
    }),
    { maxLength: 40 },
  ),
  skips: fc.array(fc.record({ atMs: wholeMoment, count: fc.integer({ min: 1, max: 9 }) }), { maxLength: 4 }),
  transfers: fc.array(
    fc.record({
      atMs: wholeMoment,
      direction: fc.constantFrom('down' as const, 'up' as const),
      bytes: fc.integer({ min: 1, max: 1e9 }),
      durationUs: fc.integer({ min: 1, max: 1e7 }),
      errorCode: fc.constant(null),
    }),
    { maxLength: 4 },
  ),
  handshakes: fc.array(
    fc.record({
      atMs: wholeMoment,
      durationUs: fc.option(fc.integer({ min: 1, max: 1e6 })),
      errorCode: fc.constant(null),
      purpose: fc.constant('ping' as const),
    }),
    { maxLength: 4 },
  ),
  transport: fc.constant(null),
});
/** Batches of one route, in one of two runs each, rolled up in between or not. */
const batches = fc.array(fc.tuple(batch, fc.nat({ max: 1 }), fc.boolean()), { minLength: 1, maxLength: 6 });
const window = fc
  .tuple(fc.oneof(moment, fc.constant(T0)), fc.oneof(moment, fc.constant(T0 + 10 * DAY_MS)))
  .map(([a, b]) => [Math.min(a, b), Math.max(a, b) + 0.001] as const);

/** Percentiles within the sketch’s error; everything else as it is. */
const near = (value: number | null): unknown =>
  value === null
    ? null
    : expect.toSatisfy((x: number) => Math.abs(x - value) <= value * (RELATIVE_ERROR + 1e-9));
const close = (value: number | null): unknown =>
  value === null ? null : expect.toSatisfy((x: number) => Math.abs(x - value) <= 1e-9 * Math.max(1, value));
const likeRtt = (rtt: RttSummary | null): unknown =>
  rtt && { ...rtt, mean: close(rtt.mean), p50: near(rtt.p50), p95: near(rtt.p95), p99: near(rtt.p99) };

test('from roll-ups, whatever came when and is rolled up yet, all is as from the samples but for percentiles', () => {
  const { store, upkeep } = keptStore();
  let n = 0;
  fc.assert(
    fc.property(batches, window, fc.integer({ min: 1, max: 200_000 }), (given, [fromMs, toMs], bucketMs) => {
      const route = store.routes.create(routeNamed(`route ${n++}`), { demo: false, enabled: false });
      const experiment = store.experiments.create({ name: 'e', kind: 'monitor', manifest: {} });
      const runs = [0, 1].map(() => store.runs.start(experiment.id, route.id).id);
      // Two pings of one moment, in two runs, have no order of sending.
      const seen = new Set<number>();
      for (const [samples, run, isRolled] of given) {
        const pings = samples.pings.filter(({ atMs }) => !seen.has(atMs) && seen.add(atMs));
        store.writer.add(runs[run]!, { ...samples, pings });
        store.writer.flush();
        while (isRolled && upkeep.roll(route.id));
      }
      const stats = store.stats(route.id, fromMs, toMs);
      const exact = store.pingStats(route.id, fromMs, toMs);
      expect(stats.source).toBe(toMs - fromMs > 8000 * MINUTE_MS ? 'hour' : 'minute');
      expect(stats).toEqual({
        ...exact,
        source: stats.source,
        rttUs: likeRtt(exact.rttUs),
        jitterUs: close(exact.jitterUs),
      });
      expect(StoredPingStats.safeParse(stats).success).toBe(true);

      const chart = store.chart(route.id, fromMs, toMs, bucketMs);
      const spanMs = stats.source === 'hour' ? HOUR_MS : MINUTE_MS;
      expect(chart.bucketMs).toBe(Math.ceil(bucketMs / spanMs) * spanMs);
      const raw = store.series(route.id, fromMs, toMs, chart.bucketMs);
      expect(chart).toEqual({
        ...raw,
        source: stats.source,
        rttMean: raw.rttMean.map(close),
        rttP50: raw.rttP50.map(near),
        rttP95: raw.rttP95.map(near),
        rttP99: raw.rttP99.map(near),
        jitter: raw.jitter.map(close),
        goodputDown: raw.goodputDown.map(close),
        goodputUp: raw.goodputUp.map(close),
        handshakeMean: raw.handshakeMean.map(close),
      });
      expect(Series.safeParse(chart).success).toBe(true);
    }),
    { numRuns: 100 },
  );
});

test('a window of few samples is read from them, and is equal to the live statistics', () => {
  const { store, upkeep } = keptStore({ maxRawPings: 100 });
  const { routeId, runId } = startedRoute(store);
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1000, T0, T0 + 10 * MINUTE_MS) });
  store.writer.flush();
  keepUp(upkeep);
  const short = [routeId, T0 + 30_000, T0 + 130_000] as const;
  expect(store.stats(...short)).toEqual({ ...store.pingStats(...short), source: 'raw' });
  expect(store.chart(...short, 7000)).toEqual(store.series(...short, 7000));
  expect(store.stats(routeId, T0, T0 + 101_000).source).toBe('minute');
});

test('no spike and no loss is lost in long buckets', () => {
  const { store, upkeep } = keptStore();
  const { routeId, runId } = startedRoute(store);
  const pings = pingsEvery(10_000, T0, T0 + DAY_MS).map((ping) => ({ ...ping, rttUs: ping.rttUs ?? 9_999 }));
  Object.assign(pings[1234]!, { rttUs: 5_000_000 });
  Object.assign(pings[4321]!, { rttUs: null });
  Object.assign(pings[7000]!, { rttUs: 1 });
  store.writer.add(runId, { ...NOTHING, pings });
  store.writer.flush();
  keepUp(upkeep);
  const { rttMin, rttMax, lost } = store.chart(routeId, T0, T0 + DAY_MS, DAY_MS / 10);
  expect(Math.max(...rttMax.map((us) => us ?? 0))).toBe(5_000_000);
  expect(Math.min(...rttMin.map((us) => us ?? 1e9))).toBe(1);
  expect(lost.reduce((a, b) => a + b)).toBe(1);
});

test('a window is not ready while much of it is to be rolled up, and its route alone can be', () => {
  const { store, upkeep } = keptStore();
  const [a, b] = [startedRoute(store, 'a'), startedRoute(store, 'b')];
  for (const { runId } of [a, b]) {
    store.writer.add(runId, { ...NOTHING, pings: pingsEvery(10_000, T0, T0 + 4 * HOUR_MS) });
  }
  const whole = [T0, T0 + DAY_MS] as const;
  expect(store.isReady(a.routeId, ...whole)).toBe(false);
  expect(store.isReady(a.routeId, T0, T0 + HOUR_MS)).toBe(true);
  while (upkeep.roll(a.routeId));
  expect(store.isReady(a.routeId, ...whole)).toBe(true);
  expect(store.isReady(b.routeId, ...whole)).toBe(false);
});
