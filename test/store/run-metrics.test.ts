import { expect, test } from 'vitest';
import { RUN } from '../../src/main/store/archive/tables.ts';
import type { Store } from '../../src/main/store/index.ts';
import type { Metrics } from '../../src/shared/experiments.ts';
import { DAY_MS, keepUp, keptStore, MINUTE_MS, pingsEvery, T0 } from './rollups/support.ts';
import { NOTHING, startedRoute, tempStore } from './temp.ts';

function addedUp(store: Store, runId: number): Metrics | null {
  const work = store.runs.addUp(runId);
  let step = work.next();
  while (!step.done) step = work.next();
  return step.value;
}

const valuesOf = (metrics: Metrics | null): Record<string, number | null> =>
  Object.fromEntries(Object.entries(metrics ?? {}).map(([name, { value }]) => [name, value]));

/** Pings each minute of so many days from T0 on, a transfer a day, and three handshakes. */
function measured(store: Store, runId: number, days: number): void {
  store.writer.add(runId, {
    ...NOTHING,
    pings: pingsEvery(MINUTE_MS, T0, T0 + days * DAY_MS),
    transfers: Array.from({ length: days }, (_, day) => ({
      atMs: T0 + day * DAY_MS,
      direction: 'down' as const,
      bytes: 1000 * (day + 1),
      durationUs: 1e6,
      errorCode: null,
    })),
    handshakes: [30, 10, 20].map((durationUs, i) => ({
      atMs: T0 + i,
      durationUs,
      errorCode: null,
      purpose: 'ping' as const,
    })),
  });
  store.writer.flush();
}
const sentIn = (days: number): number => days * 1440;

test('what a run came to is stored whole before the first of its samples is deleted', () => {
  const { store, upkeep } = keptStore({ nowMs: () => T0 });
  const { runId } = startedRoute(store);
  measured(store, runId, 3);
  store.runs.end(runId, 'done', { endedAtMs: T0 + 3 * DAY_MS });
  expect(store.runs.get(runId).result).toBeNull();
  keepUp(upkeep, T0 + 60 * DAY_MS);
  expect(store.samplesOf(store.runs.get(runId).experimentId)).toEqual([]);
  expect(valuesOf(store.runs.get(runId).result)).toMatchObject({
    sent: sentIn(3),
    received: sentIn(3) - Math.floor(sentIn(3) / 7),
    goodput_down: 16_000,
    handshake_p50: 20,
  });
});

test('a run that outlives its samples is told by the roll-ups of its route, without medians of what is gone', () => {
  const { store, upkeep } = keptStore({ nowMs: () => T0 });
  const { runId } = startedRoute(store);
  measured(store, runId, 40);
  const whole = valuesOf(addedUp(store, runId));
  keepUp(upkeep, T0 + 40 * DAY_MS);
  // Under way it is told, not stored.
  expect(store.runs.get(runId).result).toBeNull();
  store.runs.end(runId, 'done', { endedAtMs: T0 + 40 * DAY_MS });
  const left = addedUp(store, runId);
  expect(store.runs.get(runId).result, 'stored for those who ask next').toEqual(left);
  const { goodput_down, handshake_p50, rtt_p50, rtt_p95, rtt_p99, ...exact } = whole;
  expect([goodput_down, handshake_p50]).toEqual([164_000, 20]);
  const told = valuesOf(left);
  expect(Object.keys(told)).not.toContain('goodput_down');
  for (const [name, value] of Object.entries(exact)) expect(told[name], name).toBeCloseTo(value!, 6);
  for (const [name, value] of Object.entries({ rtt_p50, rtt_p95, rtt_p99 }))
    expect(Math.abs(told[name]! / value! - 1), name).toBeLessThan(0.005);
});

test('a copy in a file comes to what the original came to', () => {
  const store = tempStore();
  const { runId } = startedRoute(store);
  measured(store, runId, 3);
  const { experimentId } = store.runs.get(runId);
  store.runs.end(runId, 'done');
  // As of an archive whose run was not added up.
  const into = store.unarchive();
  for (const { table, parts } of store.archived(experimentId)) {
    const at = table === RUN ? table.columns.findIndex(({ name }) => name === 'result') : -1;
    for (const rows of parts()) into.put(table, at < 0 ? rows : rows.map((row) => row.with(at, null)));
  }
  const [copy] = store.runs.ofExperiment(into.commit());
  expect(copy).toMatchObject({ routeId: null, result: null });
  expect(addedUp(store, copy!.id)).toEqual(addedUp(store, runId));
});
