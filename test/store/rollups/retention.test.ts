import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import type { Store } from '../../../src/main/store/index.ts';
import { SteadyClock } from '../../../src/main/store/rollups/steady-clock.ts';
import { openUpkeep } from '../../../src/main/store/rollups/upkeep.ts';
import type { Series } from '../../../src/shared/domain.ts';
import { NOTHING, startedRoute, tempDir } from '../temp.ts';
import { DAY_MS, HOUR_MS, keepUp, keptStore, MINUTE_MS, pingsEvery, T0 } from './support.ts';

const KEPT = { rawDays: 2, rollupDays: 5 };
const EVERY_MS = 20_000;

const PINGS_A_DAY = (3 * HOUR_MS) / EVERY_MS;

/** The first three hours of ten days, with a transfer, a skip, a handshake and an event a day; today is the eleventh. */
function tenDays(store: Store) {
  const { routeId, runId } = startedRoute(store);
  for (let day = 0; day < 10; day++) {
    const fromMs = T0 + day * DAY_MS;
    const atMs = fromMs + 1000;
    store.writer.add(runId, { ...NOTHING, pings: pingsEvery(EVERY_MS, fromMs, fromMs + 3 * HOUR_MS) });
    store.writer.event(routeId, { atMs, state: 'up', error: null });
    store.writer.add(runId, {
      pings: [],
      skips: [{ atMs, count: 2 }],
      transfers: [{ atMs, direction: 'up', bytes: 1e6, durationUs: 1e6, errorCode: null }],
      handshakes: [{ atMs, durationUs: 5000, errorCode: null, purpose: 'ping' }],
      transport: {
        atMs,
        controller: 'cubic',
        cwndBytes: 1,
        pacingBps: null,
        bytesInFlight: 0,
        smoothedRttUs: null,
        rttVarUs: null,
        minRttUs: null,
        packetsSent: 1,
        packetsReceived: 1,
        packetsLost: 0,
        bytesSent: 1,
        bytesReceived: 1,
      },
    });
  }
  store.writer.flush();
  return { routeId, runId, nowMs: T0 + 10 * DAY_MS };
}

const counts = (store: Store): Record<string, number> => {
  const db = new Database(join(store.dataDir, 'lab.db'), { readonly: true });
  const of = (from: string): number => db.prepare(`SELECT count(*) FROM ${from}`).pluck().get() as number;
  const tables = ['ping', 'ping_skip', 'transfer', 'handshake', 'transport', 'route_event', 'rollup_due'];
  const counted = {
    ...Object.fromEntries(tables.map((table) => [table, of(table)])),
    minutes: of('rollup WHERE span_s = 60'),
    hours: of('rollup WHERE span_s = 3600'),
  };
  db.close();
  return counted;
};
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const whole = (store: Store, routeId: string): Series =>
  store.chart(routeId, T0, T0 + 20 * DAY_MS, 6 * HOUR_MS);

test('what is too old is deleted, and every chart and count stays as it was', () => {
  const { store, upkeep } = keptStore({ retention: KEPT });
  const { routeId, nowMs } = tenDays(store);
  keepUp(upkeep);
  const before = { chart: whole(store, routeId), stats: store.stats(routeId, T0, T0 + 20 * DAY_MS) };
  expect(before.stats).toMatchObject({ sent: 10 * PINGS_A_DAY, skipped: 20, source: 'hour' });
  keepUp(upkeep, nowMs);
  expect(counts(store)).toMatchObject({
    ping: 2 * PINGS_A_DAY,
    ping_skip: 2,
    transfer: 2,
    handshake: 2,
    transport: 2,
    route_event: 5,
    // The newest of each is due.
    minutes: 5 * 180 - 1,
    hours: 29,
  });
  expect(whole(store, routeId)).toEqual(before.chart);
  expect(store.stats(routeId, T0, T0 + 20 * DAY_MS)).toEqual(before.stats);
  expect(sum(whole(store, routeId).handshakes)).toBe(10);
});

test('a window that cuts what is kept only as a whole is widened, and says so', () => {
  const { store, upkeep } = keptStore({ retention: KEPT, maxRawPings: 1e6 });
  const { routeId, nowMs } = tenDays(store);
  keepUp(upkeep, nowMs);
  const of = (fromMs: number, toMs: number) => {
    const { fromMs: from, toMs: to, sent, source } = store.stats(routeId, fromMs, toMs);
    return { from: from - fromMs, to: to - toMs, sent, source };
  };
  const day = (n: number): number => T0 + n * DAY_MS;
  // Samples are there: nothing is widened.
  expect(of(day(9) + 500, day(9) + 90_500)).toEqual({ from: 0, to: 0, sent: 4, source: 'raw' });
  expect(of(day(6) + 500, day(6) + 90_500)).toEqual({ from: -500, to: 29_500, sent: 6, source: 'minute' });
  expect(of(day(1) + 500, day(1) + 90_500)).toEqual({
    from: -500,
    to: HOUR_MS - 90_500,
    sent: 180,
    source: 'hour',
  });
});

test('a sample that comes behind the time its kind is kept is counted once, and deleted in its turn', () => {
  const { store, upkeep } = keptStore({ retention: KEPT });
  const { routeId, runId, nowMs } = tenDays(store);
  keepUp(upkeep, nowMs);
  const sent = (): number => store.stats(routeId, T0, T0 + 20 * DAY_MS).sent;
  // In a minute whose samples are gone, and in one whose minutes are.
  for (const [i, atMs] of [T0 + 6 * DAY_MS + 5, T0 + DAY_MS + 5, T0 + DAY_MS + 7].entries()) {
    store.writer.add(runId, { ...NOTHING, pings: [{ atMs, rttUs: 77, loaded: false }] });
    store.writer.flush();
    expect(sent()).toBe(10 * PINGS_A_DAY + 1 + i);
    keepUp(upkeep);
    expect(sent()).toBe(10 * PINGS_A_DAY + 1 + i);
    if (i === 1) keepUp(upkeep, nowMs);
    expect(sent()).toBe(10 * PINGS_A_DAY + 1 + i);
  }
  keepUp(upkeep, nowMs);
  expect(sent()).toBe(10 * PINGS_A_DAY + 3);
  expect(counts(store)).toMatchObject({ ping: 2 * PINGS_A_DAY, minutes: 5 * 180 - 1 });
});

test('a clock that steps back deletes nothing, and what is measured then is kept and rolled up', () => {
  const { store, upkeep } = keptStore({ retention: KEPT });
  const { routeId, runId, nowMs } = tenDays(store);
  keepUp(upkeep, nowMs);
  const before = counts(store);
  const earlier = T0 - 300 * DAY_MS;
  store.writer.add(runId, { ...NOTHING, pings: pingsEvery(1000, earlier, earlier + 5 * MINUTE_MS) });
  store.writer.flush();
  keepUp(upkeep, earlier + 5 * MINUTE_MS);
  expect(counts(store)).toMatchObject({
    ...before,
    ping: before['ping']! + 300,
    minutes: before['minutes']! + 5,
    hours: before['hours']! + 1,
  });
  expect(store.stats(routeId, earlier, earlier + DAY_MS).sent).toBe(300);
});

test('a clock is trusted with deleting once it ran evenly for ten minutes', () => {
  const clock = new SteadyClock();
  const at = (wallMin: number, upMin: number): boolean => clock.look(wallMin * MINUTE_MS, upMin * MINUTE_MS);
  expect([at(1000, 0), at(1005, 5), at(1009.9, 9.9), at(1010, 10)]).toEqual([false, false, false, true]);
  // A year ahead, and back: each has to prove itself.
  const year = 525_600;
  expect([at(year, 11), at(year + 9, 20), at(1021, 21), at(1030, 30), at(1031, 31)]).toEqual([
    false,
    false,
    false,
    false,
    true,
  ]);
  // Slewed by seconds, as NTP does.
  expect([at(1032.5, 32), at(1042, 42)]).toEqual([true, true]);
});

test.each([
  [{ rawDays: 0, rollupDays: 90 }, 'rawDays: 0 is not a whole number of days from 1 to 36500'],
  [{ rawDays: 1.5, rollupDays: 90 }, 'rawDays: 1.5 is not a whole number'],
  [{ rawDays: 30, rollupDays: Number.NaN }, 'rollupDays: NaN is not a whole number'],
  [{ rawDays: 30, rollupDays: 29 }, 'rollupDays: 29 is less than rawDays, 30'],
])('keeping %o is refused', (retention, message) => {
  expect(() => openUpkeep({ dataDir: tempDir(), retention })).toThrow(
    expect.objectContaining({ code: 'RL_INPUT_INVALID', message: expect.stringContaining(message) }),
  );
});
