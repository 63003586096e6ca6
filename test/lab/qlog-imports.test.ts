import { describe, expect, test } from 'vitest';
import { IMPORT_PART_CHARS } from '../../src/shared/contract/probes.ts';
import { openLab } from './open-lab.ts';

const HEADER = {
  qlog_version: '0.3',
  qlog_format: 'JSON-SEQ',
  title: 'ngtcp2 server',
  trace: { vantage_point: { type: 'server' } },
};
const metrics = (time: number, congestion_window: number) => ({
  time,
  name: 'recovery:metrics_updated',
  data: { congestion_window, min_rtt: 5 },
});
const seq = (...records: object[]): string =>
  records.map((record) => `\x1e${JSON.stringify(record)}\n`).join('');
const FILE = seq(HEADER, metrics(0, 12_000), metrics(40, 24_000));

describe('a qlog file', () => {
  test('becomes a run with the same view as one that was measured', async () => {
    const lab = await openLab();
    const run = await lab.client.probes.importQlog({ name: 'server.sqlog', text: FILE });
    expect(run).toMatchObject({
      name: 'server.sqlog',
      target: 'ngtcp2 server',
      state: 'done',
      imported: true,
      input: null,
      controller: null,
      series: [{ vantage: 'server', points: 2, spanUs: 40_000 }],
      result: { durationUs: 40_000, transport: [{ vantage: 'server', cwndBytes: 24_000, minRttUs: 5000 }] },
    });
    expect(await lab.client.probes.list()).toEqual([run]);
    const { series } = await lab.client.probes.series({ id: run.id });
    expect(series).toMatchObject({ tUs: [0, 40_000], cwndBytes: [12_000, 24_000], pacingBps: [null, null] });
    const updates = [];
    for await (const update of await lab.client.probes.watch({ id: run.id })) updates.push(update);
    expect(updates).toEqual([{ run, progress: 1, etaS: null, series: [{ vantage: 'server', series }] }]);
  });

  test('that tells states and nothing else shows them', async () => {
    const lab = await openLab();
    const state = (time: number, name: string) => ({
      time,
      name: 'recovery:congestion_state_updated',
      data: { new: name },
    });
    const text = seq(HEADER, state(5, 'slow_start'), state(45, 'recovery'));
    const run = await lab.client.probes.importQlog({ name: 'x', text });
    expect(run.series).toEqual([{ vantage: 'server', points: 2, spanUs: 40_000 }]);
    const { series } = await lab.client.probes.series({ id: run.id });
    expect(series).toMatchObject({
      tUs: [0, 40_000],
      cwndBytes: [null, null],
      phases: [
        { fromUs: 0, state: 'slow_start' },
        { fromUs: 40_000, state: 'recovery' },
      ],
    });
  });

  test('may come in parts, cut anywhere', async () => {
    const lab = await openLab();
    const whole = await lab.client.probes.importQlog({ name: 'one.sqlog', text: FILE });
    const [first, second, third] = [FILE.slice(0, 90), FILE.slice(90, 200), FILE.slice(200)] as const;
    const { id, state } = await lab.client.probes.importQlog({
      name: 'parts.sqlog',
      text: first,
      more: true,
    });
    expect(state).toBe('running');
    const more = await lab.client.probes.importQlog({ name: '-', text: second, continues: id, more: true });
    expect(more).toMatchObject({ id, state: 'running', name: 'parts.sqlog' });
    const run = await lab.client.probes.importQlog({ name: '-', text: third, continues: id });
    expect(run).toMatchObject({ id, state: 'done', series: whole.series, result: whole.result });
    await expect(
      lab.client.probes.importQlog({ name: '-', text: third, continues: id }),
    ).rejects.toMatchObject({ code: 'RL_NOT_FOUND', data: { field: 'continues' } });
  });

  test('that is none is refused with the reason, in whichever part that shows, and leaves no run', async () => {
    const lab = await openLab();
    const refused = { code: 'RL_INPUT_INVALID', data: { field: 'text' } };
    await expect(lab.client.probes.importQlog({ name: 'x', text: 'GIF89a' })).rejects.toMatchObject(refused);
    const { id } = await lab.client.probes.importQlog({ name: 'x', text: FILE, more: true });
    await expect(
      lab.client.probes.importQlog({ name: 'x', text: 'no record', continues: id }),
    ).rejects.toMatchObject(refused);
    expect(await lab.client.probes.list()).toEqual([]);
  });

  test('that does not fit one message is refused', async () => {
    const lab = await openLab();
    const text = ' '.repeat(IMPORT_PART_CHARS + 1);
    await expect(lab.client.probes.importQlog({ name: 'x', text })).rejects.toMatchObject({
      code: 'RL_INPUT_INVALID',
      data: { field: 'text' },
    });
  });

  test('takes one part at a time: another is refused, and the file goes on', async () => {
    const lab = await openLab();
    const { id } = await lab.client.probes.importQlog({ name: 'x', text: seq(HEADER), more: true });
    const next = { name: 'x', continues: id, text: seq(metrics(0, 1), metrics(1, 2)) };
    const [last, same] = await Promise.allSettled([
      lab.client.probes.importQlog(next),
      lab.client.probes.importQlog({ ...next, more: true }),
    ]);
    expect(last).toMatchObject({ status: 'fulfilled', value: { id, state: 'done' } });
    expect(same).toMatchObject({ status: 'rejected', reason: { code: 'RL_CONFLICT' } });
    expect(await lab.client.probes.get({ id })).toMatchObject({ state: 'done', series: [{ points: 2 }] });
  });

  test.each(['cancel', 'remove'] as const)('whose rest is still to come may be given up: %s', async (how) => {
    const lab = await openLab();
    const { id } = await lab.client.probes.importQlog({ name: 'x', text: FILE, more: true });
    const [last, ended] = await Promise.allSettled([
      lab.client.probes.importQlog({ name: 'x', text: '', continues: id }),
      lab.client.probes[how]({ id }),
    ]);
    expect(ended.status).toBe('fulfilled');
    expect(last).toMatchObject({ status: 'rejected', reason: { code: 'RL_NOT_FOUND' } });
    if (how === 'remove') await lab.client.probes.restore({ id });
    expect(await lab.client.probes.get({ id })).toMatchObject({ state: 'cancelled', series: [] });
  });

  test('is one of four under way at most, also of those whose first part is being read', async () => {
    const lab = await openLab();
    const begun = await Promise.allSettled(
      Array.from({ length: 6 }, (_, i) =>
        lab.client.probes.importQlog({ name: `${i}`, text: FILE, more: true }),
      ),
    );
    expect(begun.filter(({ status }) => status === 'fulfilled')).toHaveLength(4);
  });

  test('is one of four under way at most', async () => {
    const lab = await openLab();
    for (let i = 0; i < 4; i++) await lab.client.probes.importQlog({ name: `${i}`, text: FILE, more: true });
    await expect(lab.client.probes.importQlog({ name: '5', text: FILE })).rejects.toMatchObject({
      code: 'RL_RATE_LIMITED',
    });
  });
});
