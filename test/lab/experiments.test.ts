import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Lab } from '../../src/main/lab/index.ts';
import type { Emulation } from '../../src/shared/domain.ts';
import type { Experiment } from '../../src/shared/experiments.ts';
import { openLab, ownRoute, until } from './open-lab.ts';

const direction = { rateBps: 2e7, delayMs: 2, jitterMs: 0, lossRatio: 0.1, bufferBytes: 100_000 };
const emulation: Emulation = { profile: 'test-path', up: direction, down: direction, flap: null };

/** The experiment of one short probe over an emulated path. */
async function measured(lab: Lab, mode: 'ping' | 'upload' = 'ping'): Promise<Experiment> {
  const { id } = await lab.client.probes.start({
    name: 'short',
    target: { kind: 'emulated', emulation },
    mode,
    durationS: 1,
    ratePerS: 50,
  });
  for await (const _ of await lab.client.probes.watch({ id }));
  return (await lab.client.experiments.list({ kind: 'probe' })).experiments[0]!;
}

/** The experiment once nothing of it is under way. */
async function over(lab: Lab, id: number): Promise<Experiment> {
  const get = () => lab.client.experiments.get({ id });
  await expect
    .poll(
      async () => {
        const { queued, running } = (await get()).runs;
        return queued + running;
      },
      { timeout: 60_000 },
    )
    .toBe(0);
  return get();
}

const refusedWith = (code: string, message: RegExp) =>
  expect.objectContaining({ code, message: expect.stringMatching(message) });

describe('an experiment', () => {
  test('of a probe is run again from its manifest, in another lab too, over the same path with the same seed', async () => {
    const lab = await openLab();
    const first = await measured(lab);
    expect(first).toMatchObject({
      name: 'short',
      runs: { done: 1 },
      manifest: { manifest: 2, kind: 'probe' },
    });
    const begun = await lab.client.experiments.again({ id: first.id, repetitions: 2 });
    expect(begun).toMatchObject({ id: first.id, runs: { done: 1 } });
    expect(await over(lab, first.id)).toMatchObject({ runs: { done: 3 } });
    const { runs } = await lab.client.experiments.runs({ id: first.id });
    expect(runs.map(({ repetition }) => repetition)).toEqual([0, 1, 2]);
    for (const { result } of runs) expect(result!['rtt_p50']!.value).toBeGreaterThan(4000);

    const other = await openLab();
    const there = await other.client.experiments.run({ manifest: first.manifest });
    expect(await over(other, there.id)).toMatchObject({ manifest: first.manifest, runs: { done: 1 } });
  });

  test('loses the same packets again, by its seed', async () => {
    const lab = await openLab();
    const lossy = (lossRatio: number) => ({ ...direction, rateBps: null, lossRatio });
    const path: Emulation = { profile: 'lossy', up: lossy(0.5), down: lossy(0), flap: null };
    const { id } = await lab.client.probes.start({
      target: { kind: 'emulated', emulation: path },
      mode: 'handshake',
      count: 1,
      durationS: 1,
    });
    for await (const _ of await lab.client.probes.watch({ id }));
    const [first] = (await lab.client.experiments.list({ kind: 'probe' })).experiments;
    const handshakesUs = async (seed: number): Promise<number[]> => {
      const manifest = { ...first!.manifest, seed };
      const begun = await lab.client.experiments.run({ manifest, repetitions: 2 });
      await over(lab, begun.id);
      const { runs } = await lab.client.experiments.runs({ id: begun.id });
      return runs.map(({ result }) => result!['handshake_p50']!.value!);
    };
    // RFC 9002 §6.2.2: a client whose first packet is lost sends it again after 999 ms at the earliest.
    const PTO_US = 999_000;
    const [lost, passed] = await Promise.all([handshakesUs(2), handshakesUs(1)]);
    expect(Math.min(...lost)).toBeGreaterThanOrEqual(PTO_US);
    expect(Math.min(...passed)).toBeLessThan(PTO_US);
  });

  test('with another seed is another experiment', async () => {
    const lab = await openLab();
    const first = await measured(lab);
    const manifest = { ...first.manifest, seed: 7 };
    const { id } = await lab.client.experiments.run({ manifest });
    expect(id).not.toBe(first.id);
    expect(await over(lab, id)).toMatchObject({ manifest: { seed: 7 } });
    expect(await lab.client.experiments.compare({ ids: [first.id, id] })).toMatchObject({
      baselineId: first.id,
      parameters: [{ path: 'seed', differs: true, values: [first.manifest['seed'], 7] }],
      metrics: expect.arrayContaining([
        expect.objectContaining({
          name: 'rtt_p50',
          key: null,
          cells: [
            expect.objectContaining({ n: 1, verdict: null }),
            expect.objectContaining({ n: 1, verdict: 'too_few', difference: null }),
          ],
        }),
      ]),
    });
    await lab.client.experiments.pin({ id: first.id, pinned: true });
    const third = await lab.client.experiments.run({ manifest: { ...manifest, seed: 8 } });
    const ids = [id, third.id];
    const withPinned = await lab.client.experiments.compare({ ids });
    expect(withPinned).toMatchObject({ baselineId: first.id });
    expect(withPinned.experiments.map((each) => each.id)).toEqual([first.id, ...ids]);
    const named = await lab.client.experiments.compare({ ids, baselineId: id });
    expect(named.experiments.map((each) => each.id)).toEqual(ids);
    await lab.client.experiments.cancel({ id: third.id });
  });

  test('of a monitor is measured again for as long as is asked, off the list of routes afterwards', async () => {
    const lab = await openLab();
    const { id: routeId } = await ownRoute(lab, { transferEveryS: null });
    await until(lab, (all) => (all.find((each) => each.routeId === routeId)?.ping?.received ?? 0) > 0);
    await lab.client.routes.stop({ id: routeId });
    const { experiments } = await lab.client.experiments.list({ kind: 'monitor' });
    const [monitor] = experiments;
    expect((await lab.client.experiments.runs({ id: monitor!.id })).runs[0]!.result).toMatchObject({
      rtt_p50: { unit: 'us' },
    });
    const { id } = monitor!;
    const runsOf = async (of: number) => (await lab.client.experiments.runs({ id: of })).runs;
    const file = await lab.client.experiments.export({ id, format: 'jsonl' });
    const data = readFileSync(file.path).toString('base64');
    const [copy] = (await lab.client.experiments.importFile({ name: file.name, data })).experiments;
    expect((await runsOf(copy!.id))[0]!.result).toEqual((await runsOf(id))[0]!.result);
    await expect(lab.client.experiments.again({ id })).rejects.toEqual(
      refusedWith('RL_INPUT_INVALID', /^durationS: is missing/),
    );
    const before = await lab.client.routes.list();
    await lab.client.experiments.again({ id, durationS: 600 });
    await until(lab, (all) =>
      all.some(({ routeId: each, ping }) => each.startsWith('own-again') && (ping?.received ?? 0) > 0),
    );
    await lab.client.experiments.cancel({ id });
    expect(await lab.client.routes.list()).toEqual(before);
    expect((await lab.client.experiments.runs({ id })).runs).toMatchObject([
      { key: routeId, repetition: 0, state: 'done' },
      { key: routeId, repetition: 1, state: 'cancelled', result: { rtt_p50: { unit: 'us' } } },
    ]);
  });

  test('whose manifest this lab cannot make true is refused, saying what differs', async () => {
    const lab = await openLab();
    const { manifest } = await measured(lab);
    const refusal = (changes: object) =>
      lab.client.experiments.run({ manifest: { ...manifest, ...changes } });
    const parameters = manifest['parameters'] as Record<string, unknown>;
    const { ratePerS: _, ...fewer } = parameters;
    const app = { version: '9.1.0', commit: 'abc' };
    for (const [changes, message] of [
      [
        { manifest: 3, app },
        /^manifest: version 3 was made by a newer RouteLab \(version 9\.1\.0, commit abc\)/,
      ],
      [{ manifest: undefined }, /^manifest: is missing/],
      [
        { kind: 'import' },
        /^kind: import cannot be measured again; what can are monitor, demo, probe, matrix, scenario, fairness$/,
      ],
      [
        { schema: 'f00', app, parameters: { ...fewer, shape: 1 } },
        /^schema: made \(version 9.*: shape unknown here; ratePerS not in it$/,
      ],
      [{ schema: 'f00' }, /the same fields, with other ranges or meanings$/],
      [{ parameters: { ...parameters, durationS: -1 } }, /^parameters\.durationS: is -1/],
      [{ surplus: 1 }, /^surplus: no such field/],
    ] as const)
      await expect(refusal(changes)).rejects.toEqual(refusedWith('RL_INPUT_INVALID', message));
  });

  test('cannot be removed while a monitor of it runs; another is cancelled', async () => {
    const lab = await openLab();
    await lab.client.demo.start();
    const [demo] = (await lab.client.experiments.list({ kind: 'demo' })).experiments;
    if (demo !== undefined)
      await expect(lab.client.experiments.remove({ id: demo.id })).rejects.toEqual(
        refusedWith('RL_CONFLICT', /is under way/),
      );
    await lab.client.probes.start({ target: { kind: 'emulated', emulation }, mode: 'ping', durationS: 600 });
    const [probe] = (await lab.client.experiments.list({ kind: 'probe' })).experiments;
    await lab.client.experiments.remove({ id: probe!.id });
    expect((await lab.client.probes.list()).length).toBe(0);
    expect(await lab.client.experiments.restore({ id: probe!.id })).toMatchObject({ runs: { cancelled: 1 } });
    expect((await lab.client.probes.list()).length).toBe(1);
  });
});

describe('an experiment in a file', () => {
  test('goes to another lab in parts, and is the same there', async () => {
    const lab = await openLab();
    const { id } = await measured(lab, 'upload');
    await lab.client.experiments.update({ id, notes: '=1+1', tags: ['wifi'] });
    const other = await openLab();
    for (const format of ['jsonl', 'csv', 'parquet'] as const) {
      const file = await lab.client.experiments.export({ id, format });
      const bytes = readFileSync(file.path);
      expect(file).toMatchObject({ bytes: bytes.length, url: `/exports/${file.name}` });
      const half = Math.ceil(bytes.length / 2);
      const name = file.name;
      const first = await other.client.experiments.importFile({
        name,
        data: bytes.subarray(0, half).toString('base64'),
        more: true,
      });
      expect(first.experiments).toEqual([]);
      const last = await other.client.experiments.importFile({
        name,
        data: bytes.subarray(half).toString('base64'),
        continues: first.continues!,
      });
      const [there] = last.experiments;
      expect(there).toMatchObject({ name: 'short', notes: '=1+1', tags: ['wifi'], runs: { done: 1 } });
      expect(there!.imported).toBe(true);
      const again = await other.client.experiments.export({ id: there!.id, format });
      expect(readFileSync(again.path).equals(bytes)).toBe(true);
    }
    const { manifest } = await lab.client.experiments.get({ id });
    const measuredThere = await other.client.experiments.run({ manifest });
    expect(measuredThere.imported).toBe(false);
    await other.client.experiments.cancel({ id: measuredThere.id });
  });

  test('is told as a report, and as qlog that a lab reads', async () => {
    const lab = await openLab();
    const { id } = await measured(lab, 'upload');
    const html = readFileSync((await lab.client.experiments.export({ id, format: 'html' })).path, 'utf8');
    expect(html).toMatch(/<svg.*Congestion window.*Goodput up \(Mbit\/s\)/s);
    const masked = await lab.client.experiments.export({ id, format: 'md', redact: true });
    expect(masked.name).toBe(`experiment-${id}-redacted.md`);
    await expect(lab.client.experiments.export({ id, format: 'csv', redact: true })).rejects.toEqual(
      refusedWith('RL_INPUT_INVALID', /^redact/),
    );
    const qlog = await lab.client.experiments.export({ id, format: 'qlog' });
    const { experiments } = await lab.client.experiments.importFile({
      name: qlog.name,
      data: readFileSync(qlog.path).toString('base64'),
    });
    expect(experiments).toMatchObject([{ kind: 'import', name: qlog.name, runs: { done: 1 } }]);
    const { runs } = await lab.client.experiments.runs({ id: experiments[0]!.id });
    const [original] = (await lab.client.experiments.runs({ id })).runs;
    const [a, b] = await Promise.all(
      [original!, runs[0]!].map((run) =>
        lab.client.probes.series({ id: run.id, vantage: 'client', points: 50_000 }),
      ),
    );
    expect(b!.series.cwndBytes).toEqual(a!.series.cwndBytes);
  });

  test('that is none leaves nothing behind', async () => {
    const lab = await openLab();
    for (const text of [
      '',
      'nothing',
      '{"record":"routelab-archive","version":1}\n{"record":"exp',
      'PK\x03\x04…',
      'PAR1',
    ]) {
      const data = Buffer.from(text, 'latin1').toString('base64');
      await expect(lab.client.experiments.importFile({ name: 'x', data })).rejects.toEqual(
        expect.objectContaining({ code: 'RL_INPUT_INVALID' }),
      );
    }
    await expect(lab.client.experiments.importFile({ name: 'x', data: '', continues: 1 })).rejects.toEqual(
      refusedWith('RL_NOT_FOUND', /waits for no part/),
    );
    expect((await lab.client.experiments.list()).total).toBe(0);
  });
});
