import { expect, test } from 'vitest';
import { DAY_MS, keepUp, keptStore } from './rollups/support.ts';
import { NOTHING, startedRoute, tempStore } from './temp.ts';

test('an experiment keeps its manifest', () => {
  const store = tempStore({ nowMs: () => 7 });
  const manifest = { version: 1, seed: 42, routes: [{ id: 'lan' }] };
  const experiment = store.experiments.create({ name: 'demo', kind: 'demo', manifest });
  expect(experiment).toEqual({
    id: 1,
    name: 'demo',
    kind: 'demo',
    notes: '',
    tags: [],
    pinned: false,
    imported: false,
    createdAtMs: 7,
    deletedAtMs: null,
    manifest,
    runs: { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0, interrupted: 0 },
  });
  expect(store.experiments.list()).toEqual({ experiments: [experiment], total: 1 });
  expect(() => store.experiments.get(2)).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
});

test('a run counts the samples that were handed over, stored or not yet', () => {
  const store = tempStore();
  const { runId } = startedRoute(store);
  const ping = { atMs: 1, rttUs: 10, loaded: false };
  store.writer.add(runId, {
    ...NOTHING,
    pings: [ping, { ...ping, atMs: 2 }],
    transfers: [{ atMs: 1, direction: 'up', bytes: 1, durationUs: 1, errorCode: null }],
    handshakes: [{ atMs: 1, durationUs: null, errorCode: 'RL_CONNECT_TIMEOUT', purpose: 'ping' }],
  });
  expect(store.runs.get(runId).samples).toBe(4);
});

test('a run ends in the state it is given', () => {
  let now = 100;
  const store = tempStore({ nowMs: () => now });
  const { runId, routeId } = startedRoute(store);
  now = 250;
  const run = store.runs.end(runId, 'cancelled');
  expect(run).toEqual({
    source: 'run',
    id: runId,
    experimentId: 1,
    key: routeId,
    repetition: 0,
    routeId,
    state: 'cancelled',
    createdAtMs: 100,
    startedAtMs: 100,
    endedAtMs: 250,
    parameters: {},
    result: null,
    error: null,
    samples: 0,
  });
  expect(store.runs.ofExperiment(1)).toEqual([run]);
  expect(store.runs.ofExperiment(2)).toEqual([]);
  expect(() => store.runs.end(99, 'done')).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
});

test('a run that waited is begun and comes to something', () => {
  let now = 5;
  const store = tempStore({ nowMs: () => now });
  const { id } = store.experiments.create({ name: 'm', kind: 'matrix', manifest: {} });
  const cell = { key: 'loss=1 %', repetition: 0, parameters: { loss: 0.01 } };
  const [run] = store.runs.queue(id, [cell]);
  if (run === undefined) throw new Error('no run');
  expect(run).toMatchObject({ ...cell, state: 'queued', createdAtMs: 5, startedAtMs: null, result: null });
  expect(() => store.runs.queue(id, [cell])).toThrow(expect.objectContaining({ code: 'RL_CONFLICT' }));
  now = 6;
  expect(store.runs.begin(run.id)).toMatchObject({ state: 'running', startedAtMs: 6 });
  const error = { code: 'RL_CONNECTION_LOST', message: 'gone', hint: 'look' };
  expect(store.runs.end(run.id, 'failed', { error })).toMatchObject({ state: 'failed', error });
  // One that came to nothing is measured anew, in its place.
  expect(store.runs.queue(id, [cell])).toMatchObject([{ id: run.id, state: 'queued', error: null }]);
  const result = { rtt_p50: { value: 12, unit: 'us', better: 'lower' } } as const;
  expect(store.runs.end(run.id, 'done', { result }).result).toEqual(result);
  expect(() => store.runs.queue(id, [cell])).toThrow(expect.objectContaining({ code: 'RL_CONFLICT' }));
  expect(() => store.runs.queue(id, [{ ...cell, repetition: 1 }, cell])).toThrow(/has run 0 of/);
  expect(store.experiments.get(id).runs).toMatchObject({ queued: 0, done: 1, failed: 0 });
  // As of what could not be stored when it was begun, and when it ended.
  const [late] = store.runs.queue(id, [{ ...cell, repetition: 1 }]);
  const times = { startedAtMs: 3, endedAtMs: 4 };
  expect(store.runs.end(late!.id, 'done', times)).toMatchObject(times);
});

test('the list is filtered and comes in pages, newest first', () => {
  let now = 0;
  const store = tempStore({ nowMs: () => ++now });
  for (const name of ['a', 'b', '100%', 'd']) {
    const { id } = store.experiments.create({ name, kind: name === 'd' ? 'matrix' : 'probe', manifest: {} });
    if (name !== 'b') store.experiments.update(id, { tags: ['wifi'], notes: `the note of ${name}` });
  }
  const names = (filter: Parameters<typeof store.experiments.list>[0]): string[] =>
    store.experiments.list(filter).experiments.map(({ name }) => name);
  expect(names({})).toEqual(['d', '100%', 'b', 'a']);
  expect(names({ kind: 'probe' })).toEqual(['100%', 'b', 'a']);
  expect(names({ tag: 'wifi' })).toEqual(['d', '100%', 'a']);
  expect(names({ tag: 'wif' })).toEqual([]);
  expect(names({ text: '%' })).toEqual(['100%']);
  expect(names({ text: 'NOTE OF A' })).toEqual(['a']);
  expect(store.experiments.list({ limit: 2, offset: 1 })).toMatchObject({
    experiments: [{ name: '100%' }, { name: 'b' }],
    total: 4,
  });
  expect(names({ order: 'oldest' })).toEqual(['a', 'b', '100%', 'd']);
  expect(names({ order: 'name' })).toEqual(['100%', 'a', 'b', 'd']);
  expect(names({ order: 'kind' })).toEqual(['d', '100%', 'b', 'a']);
  const matrix = store.experiments.list({ kind: 'matrix' }).experiments[0]!.id;
  const probe = store.experiments.list({ text: 'a' }).experiments.at(-1)!.id;
  const cells = [0, 1].map((repetition) => ({ key: '', repetition, parameters: {} }));
  store.runs.queue(probe, cells);
  const [run] = store.runs.queue(matrix, cells.slice(0, 1));
  store.runs.end(run!.id, 'failed');
  expect(names({ order: 'runs' })).toEqual(['a', 'd', '100%', 'b']);
  expect(names({ state: 'failed' })).toEqual(['d']);
  expect(store.experiments.list({ state: 'queued' }).total).toBe(1);
});

test('there is one baseline of each kind', () => {
  const store = tempStore();
  const [a, b, c] = (['probe', 'probe', 'matrix'] as const).map((kind) =>
    store.experiments.create({ name: kind, kind, manifest: {} }),
  );
  store.experiments.pin(a!.id, true);
  store.experiments.pin(c!.id, true);
  store.experiments.pin(b!.id, true);
  expect(store.experiments.list().experiments.map(({ pinned }) => pinned)).toEqual([true, true, false]);
});

test('a baseline that was removed is one again when it is restored, unless another took its place', () => {
  const store = tempStore();
  const [a, b] = ['a', 'b'].map((name) => store.experiments.create({ name, kind: 'probe', manifest: {} }));
  store.experiments.pin(a!.id, true);
  store.experiments.remove(a!.id);
  expect(store.experiments.pinnedOf('probe')).toBeNull();
  expect(store.experiments.restore(a!.id).pinned).toBe(true);
  expect(store.experiments.pinnedOf('probe')).toMatchObject({ id: a!.id });
  store.experiments.remove(a!.id);
  store.experiments.pin(b!.id, true);
  expect(store.experiments.restore(a!.id).pinned).toBe(false);
});

test('what is measured here is no run of a copy that was imported', () => {
  const store = tempStore();
  const { id } = store.experiments.create({ name: 'f', kind: 'import', manifest: { file: 'a' } });
  expect(store.experiments.get(id).imported).toBe(true);
  expect(store.experiments.find('import', { file: 'a' })).toBeNull();
});

test('an experiment that was removed can be restored with its runs, and goes for good after a week', () => {
  let now = 1000;
  const { store, upkeep } = keptStore({ nowMs: () => now });
  const { runId } = startedRoute(store);
  const experimentId = store.runs.get(runId).experimentId;
  store.writer.add(runId, { ...NOTHING, pings: [{ atMs: 1, rttUs: 10, loaded: false }] });
  store.experiments.remove(experimentId);
  expect(store.experiments.list().total).toBe(0);
  expect(store.experiments.list({ removed: true }).experiments).toMatchObject([{ deletedAtMs: 1000 }]);
  expect(store.experiments.restore(experimentId)).toMatchObject({ deletedAtMs: null });
  expect(store.runs.ofExperiment(experimentId)).toHaveLength(1);
  store.experiments.remove(experimentId);
  now += 7 * DAY_MS;
  keepUp(upkeep, now);
  expect(store.samplesOf(experimentId)).toMatchObject([{ table: 'ping', rows: 1 }]);
  now += 1;
  keepUp(upkeep, now);
  expect(store.samplesOf(experimentId)).toEqual([]);
  expect(() => store.runs.get(runId)).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
  expect(store.experiments.list({ removed: true }).total).toBe(0);
});

test('the last probe run takes its experiment with it, and brings it back', () => {
  const store = tempStore();
  const { id } = store.experiments.create({ name: 'p', kind: 'probe', manifest: {} });
  const create = () =>
    store.probes.create(
      {
        name: 'p',
        state: 'done',
        input: null,
        target: 't',
        controller: null,
        startedAtMs: null,
        endedAtMs: null,
        emulated: false,
        insecure: false,
        error: null,
        result: null,
      },
      id,
    );
  const [a, b] = [create(), create()];
  expect(store.runs.ofExperiment(id)).toMatchObject([
    { source: 'probe', id: a.id, repetition: 0 },
    { source: 'probe', id: b.id, repetition: 1 },
  ]);
  store.probes.remove(a.id);
  expect(store.experiments.get(id).runs.done).toBe(1);
  store.probes.remove(b.id);
  expect(store.experiments.list().total).toBe(0);
  store.probes.restore(a.id);
  expect(store.runs.ofExperiment(id)).toMatchObject([{ id: a.id }]);
});
