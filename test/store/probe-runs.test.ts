import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openStore, type Store } from '../../src/main/store/index.ts';
import {
  CONGESTION_COLUMNS,
  type CongestionSeries,
  emptySeries,
} from '../../src/shared/congestion-series.ts';
import { ProbeInput, type ProbeRun } from '../../src/shared/probes.ts';
import { DAY_MS, keepUp, keptStore } from './rollups/support.ts';
import { tempDir, tempStore } from './temp.ts';

/** Of runs. */
const ALL = { limit: 1000, before: Number.MAX_SAFE_INTEGER };
const INPUT = ProbeInput.parse({
  target: { kind: 'address', host: '192.0.2.1', port: 4433 },
  mode: 'download',
  controller: 'cubic',
  parameters: { C: 0.5 },
});

const create = (store: Store, fields: Partial<ProbeRun> = {}): ProbeRun => {
  const run = {
    name: 'first',
    state: 'running',
    input: INPUT,
    target: '192.0.2.1:4433',
    controller: 'cubic',
    startedAtMs: 1000,
    endedAtMs: null,
    emulated: false,
    insecure: true,
    error: null,
    result: null,
    ...fields,
  } as const;
  const experiment = store.experiments.create({ name: run.name, kind: 'probe', manifest: {} });
  return store.probes.create(run, experiment.id);
};

const points = (...times: number[]): CongestionSeries => {
  const series = { ...emptySeries(), tUs: times };
  for (const name of CONGESTION_COLUMNS) series[name] = times.map((tUs) => (tUs % 2 === 0 ? tUs * 3 : null));
  series.phases = [{ fromUs: times[0]!, state: `from ${times[0]}` }];
  return series;
};

test('a run reads back as it was written, and as it was changed', () => {
  const store = tempStore({ nowMs: () => 500 });
  const { id } = create(store);
  expect(store.probes.get(id)).toMatchObject({
    input: INPUT,
    insecure: true,
    imported: false,
    createdAtMs: 500,
  });
  const error = { code: 'RL_CONNECTION_LOST', message: 'gone', hint: 'look' };
  store.probes.update(id, { state: 'failed', endedAtMs: 3000, error });
  expect(store.probes.get(id)).toMatchObject({ state: 'failed', endedAtMs: 3000, error, startedAtMs: 1000 });
});

test('series are kept in the parts they came in, the sender’s first', () => {
  const store = tempStore();
  const { id } = create(store);
  store.probes.append(id, [
    { vantage: 'client', series: points(0, 10) },
    { vantage: 'server', series: points(0, 11, 20) },
  ]);
  store.probes.append(id, [{ vantage: 'server', series: points(30, 40) }]);
  expect(store.probes.get(id).series).toEqual([
    { vantage: 'server', points: 5, spanUs: 40 },
    { vantage: 'client', points: 2, spanUs: 10 },
  ]);
  expect(store.probes.series(id, 'server')).toEqual({
    ...points(0, 11, 20, 30, 40),
    phases: [
      { fromUs: 0, state: 'from 0' },
      { fromUs: 30, state: 'from 30' },
    ],
  });
  expect(store.probes.list(ALL)[0]).toEqual(store.probes.get(id));
  expect(store.probes.series(create(store).id, 'client')).toBeNull();
});

test('runs come newest first; a removed one is gone until it is restored', () => {
  const store = tempStore();
  const [a, b] = [create(store).id, create(store, { name: 'second' }).id];
  expect(store.probes.list(ALL).map(({ id }) => id)).toEqual([b, a]);
  store.probes.remove(a);
  expect(store.probes.list(ALL).map(({ id }) => id)).toEqual([b]);
  expect(() => store.probes.get(a)).toThrow(`There is no probe run ${a}`);
  expect(() => store.probes.restore(b)).toThrow(`There is no removed probe run ${b}`);
  expect(store.probes.restore(a)).toMatchObject({ id: a, name: 'first' });
});

test('runs are listed page by page, each with its own series, removed ones left out', () => {
  const store = tempStore();
  const ids = Array.from({ length: 7 }, () => create(store).id).reverse();
  for (const id of ids) store.probes.append(id, [{ vantage: 'client', series: points(0, id) }]);
  store.probes.remove(ids[1]!);
  const pages: ProbeRun[][] = [];
  let before = Number.MAX_SAFE_INTEGER;
  do {
    pages.push(store.probes.list({ limit: 3, before }));
    before = pages.at(-1)!.at(-1)?.id ?? 0;
  } while (before > 0);
  expect(pages.map((page) => page.length)).toEqual([3, 3, 0]);
  expect(pages.flat()).toEqual(ids.filter((id) => id !== ids[1]).map((id) => store.probes.get(id)));
});

test('a run that died with its lab is interrupted, and what was measured of it is there', () => {
  const dataDir = tempDir();
  const first = openStore({ dataDir });
  const { id } = create(first);
  const queued = create(first, { state: 'queued', startedAtMs: null });
  first.probes.append(id, [{ vantage: 'client', series: points(0, 2_500_000) }]);
  first.close();
  const second = openStore({ dataDir });
  expect(second.probes.get(id)).toMatchObject({ state: 'interrupted', startedAtMs: 1000, endedAtMs: 3500 });
  expect(second.probes.series(id, 'client')?.tUs).toEqual([0, 2_500_000]);
  expect(second.probes.get(queued.id).state).toBe('interrupted');
  second.close();
});

test('a removal is undone for a week, and then is final, with its series', () => {
  let nowMs = 0;
  const { store, upkeep } = keptStore({ nowMs: () => nowMs });
  const [{ id }, kept] = [create(store), create(store)];
  for (const run of [id, kept.id]) store.probes.append(run, [{ vantage: 'client', series: points(0) }]);
  store.probes.remove(id);
  nowMs = 7 * DAY_MS;
  keepUp(upkeep, nowMs);
  store.probes.restore(id);
  store.probes.remove(id);
  nowMs += 7 * DAY_MS + 1;
  keepUp(upkeep, nowMs);
  expect(() => store.probes.restore(id)).toThrow(`There is no removed probe run ${id}`);
  expect(store.probes.series(id, 'client')).toBeNull();
  expect(store.probes.series(kept.id, 'client')).not.toBeNull();
});

test('a series that was damaged is said to be so', () => {
  const dataDir = tempDir();
  const store = openStore({ dataDir });
  const { id } = create(store);
  store.probes.append(id, [{ vantage: 'client', series: points(0) }]);
  store.close();
  const db = new Database(join(dataDir, 'lab.db'));
  db.exec("UPDATE probe_series SET data = x'ff'");
  db.close();
  const again = openStore({ dataDir });
  expect(() => again.probes.series(id, 'client')).toThrow(
    `Probe run ${id} is stored with values it cannot have`,
  );
  again.close();
});
