import { expect, test } from 'vitest';
import type { Lab } from '../../src/main/lab/index.ts';
import { type MatrixUpdate, plainPath } from '../../src/shared/matrix.ts';
import { openLab, temporaryDir } from './open-lab.ts';

const SETTINGS = {
  rates: [50, 100],
  connections: [1],
  lossRatios: [0],
  rttsMs: [5],
  repeat: 2,
  durationS: 0.5,
  warmUpS: 0.1,
  coolDownS: 0,
};

async function followed(lab: Lab, id: number): Promise<MatrixUpdate[]> {
  const updates: MatrixUpdate[] = [];
  for await (const update of await lab.client.matrix.watch({ id })) updates.push(update);
  return updates;
}

test('cells are measured once each, then again, each over a path with a seed of its own', async () => {
  const lab = await openLab();
  const { id, manifest } = await lab.client.matrix.start({ kind: 'matrix', settings: SETTINGS, seed: 7 });
  const updates = await followed(lab, id);
  expect(updates[0]).toMatchObject({ total: 4, isOver: false });
  expect(updates.at(-1)).toMatchObject({ over: 4, isOver: true, running: null });
  const { runs } = await lab.client.experiments.runs({ id });
  expect(runs.map(({ state }) => state)).toEqual(['done', 'done', 'done', 'done']);
  const begun = runs.toSorted((a, b) => a.startedAtMs! - b.startedAtMs!);
  expect(begun.map(({ repetition }) => repetition)).toEqual([0, 0, 1, 1]);
  expect(new Set(runs.map(({ parameters }) => parameters['seed'])).size).toBe(4);
  for (const { result } of runs) {
    expect(result!['goodput_up']!.value).toBeGreaterThan(0);
    expect(result!['rtt_p95']!.value).toBeGreaterThanOrEqual(5000);
    expect(result!['errors']!.value).toBe(0);
  }
  // Its manifest makes further runs of the same experiment.
  const again = await lab.client.experiments.run({ manifest, repetitions: 1 });
  expect(again.id).toBe(id);
  await followed(lab, id);
  const twice = await lab.client.experiments.runs({ id });
  expect(twice.total).toBe(8);
  expect(twice.runs[4]!.parameters).toEqual(runs[0]!.parameters);
});

test('one that was cancelled goes on with what is missing', async () => {
  const lab = await openLab();
  const settings = { ...SETTINGS, rates: [50], repeat: 3 };
  const { id } = await lab.client.matrix.start({ kind: 'matrix', settings });
  for await (const { over } of await lab.client.matrix.watch({ id })) if (over >= 1) break;
  const { runs } = await lab.client.matrix.cancel({ id });
  expect(runs).toMatchObject({ running: 0, queued: 0 });
  expect(runs.cancelled).toBeGreaterThan(0);
  const first = (await lab.client.experiments.runs({ id })).runs[0]!;
  await lab.client.matrix.resume({ id });
  await followed(lab, id);
  const after = await lab.client.experiments.runs({ id });
  expect(after.runs.map(({ state }) => state)).toEqual(['done', 'done', 'done']);
  expect(after.runs[0]).toEqual(first);
});

test('one that begins after another was cancelled as it waited still waits for the one under way', async () => {
  const lab = await openLab();
  const start = (rate: number) =>
    lab.client.matrix.start({ kind: 'matrix', settings: { ...SETTINGS, rates: [rate] } });
  const [first, second] = [await start(50), await start(60)];
  await lab.client.matrix.cancel({ id: second.id });
  const third = await start(70);
  await followed(lab, third.id);
  const runsOf = async (id: number) => (await lab.client.experiments.runs({ id })).runs;
  const lastEnd = Math.max(...(await runsOf(first.id)).map(({ endedAtMs }) => endedAtMs!));
  for (const { startedAtMs } of await runsOf(third.id)) expect(startedAtMs).toBeGreaterThanOrEqual(lastEnd);
});

test('one whose lab was closed is interrupted, and measured again where it was cut', async () => {
  const dataDir = temporaryDir();
  const lab = await openLab({ dataDir });
  const settings = { ...SETTINGS, rates: [50], durationS: 30 };
  const { id } = await lab.client.matrix.start({ kind: 'matrix', settings });
  for await (const { running } of await lab.client.matrix.watch({ id })) if (running !== null) break;
  await lab.close();
  const reopened = await openLab({ dataDir });
  const { runs } = await reopened.client.experiments.get({ id });
  expect(runs.interrupted).toBe(2);
  const resumed = await reopened.client.matrix.resume({ id });
  expect(resumed.runs.queued + resumed.runs.running).toBe(2);
  await expect(reopened.client.matrix.resume({ id })).rejects.toMatchObject({ code: 'RL_CONFLICT' });
  await reopened.client.matrix.cancel({ id });
});

test('what cannot be measured is refused before anything is stored', async () => {
  const lab = await openLab();
  const settings = { ...SETTINGS, parameters: { NoSuch: 1 } };
  await expect(lab.client.matrix.start({ kind: 'matrix', settings })).rejects.toMatchObject({
    code: 'RL_INPUT_INVALID',
  });
  expect((await lab.client.experiments.list({})).total).toBe(0);
});

test('every lab measures fairness, and comparisons only where its host can', async () => {
  const lab = await openLab();
  const emulation = plainPath('custom', { rttMs: 10, lossRatio: 0 });
  for (const way of [emulation.up, emulation.down]) way.rateBps = 10e6;
  const settings = {
    flows: ['cubic' as const, 'newreno' as const],
    startsS: [0, 0],
    emulation,
    direction: 'upload' as const,
    durationS: 1,
    warmUpS: 0.2,
  };
  const { id } = await lab.client.matrix.start({ kind: 'fairness', settings, seed: 7 });
  await followed(lab, id);
  const { runs } = await lab.client.experiments.runs({ id });
  expect(runs).toMatchObject([{ state: 'done', error: null }]);
  expect(runs[0]!.result!['jain']!.value).toBeGreaterThan(0.5);
  expect(runs[0]!.result!['goodput']!.value).toBeGreaterThan(1e6);
  const compared = lab.client.matrix.start({ kind: 'compare', settings: { emulation, path: 'relay' } });
  await expect(compared).rejects.toMatchObject({ code: 'RL_INPUT_INVALID', data: { field: 'kind' } });
});
