import { expect, test } from 'vitest';
import { NOTHING, startedRoute, tempStore } from './temp.ts';

test('an experiment keeps its manifest', () => {
  const store = tempStore({ nowMs: () => 7 });
  const manifest = { version: 1, seed: 42, routes: [{ id: 'lan' }] };
  const experiment = store.experiments.create({ name: 'demo', kind: 'demo', manifest });
  expect(experiment).toEqual({ id: 1, name: 'demo', kind: 'demo', createdAtMs: 7, manifest });
  expect(store.experiments.list()).toEqual([experiment]);
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
    id: runId,
    experimentId: 1,
    routeId,
    state: 'cancelled',
    startedAtMs: 100,
    endedAtMs: 250,
    samples: 0,
  });
  expect(store.runs.ofExperiment(1)).toEqual([run]);
  expect(store.runs.ofExperiment(2)).toEqual([]);
  expect(() => store.runs.end(99, 'done')).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
});
