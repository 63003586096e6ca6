import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, onTestFinished, test, vi } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { RouteInput } from '../../src/shared/domain.ts';
import { ProbeInput } from '../../src/shared/probes.ts';
import { temporaryDir } from '../lab/open-lab.ts';
import { TCP } from '../store/archive/iperf3.ts';
import { run, start } from './run.ts';

/** A data folder with one imported experiment. */
async function imported(): Promise<{ data: string; file: string }> {
  const data = temporaryDir();
  const file = join(data, 'iperf3.json');
  writeFileSync(file, JSON.stringify(TCP));
  const { code, stdout } = await run(['import', file, '--data', data, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toEqual({ experiment: 1, name: 'iperf3.json', kind: 'import', runs: 1 });
  return { data, file };
}

test('an experiment is imported, listed, told and exported, and is the same in another folder', async () => {
  const { data } = await imported();
  const list = await run(['report', '--data', data]);
  expect(list.stdout).toMatch(/1 +import +2026-11-21 13:00 +1\/1 +iperf3\.json +iperf3/);
  const told = await run(['report', 'iperf3.json', '--data', data, '--redact']);
  expect(told.stdout).toMatch(/\| Goodput up +\| Mbit\/s \| +1 \| +97\.255 \|/);
  expect(told.stdout).not.toContain('lab.example');
  const html = join(data, 'report.html');
  const filed = await run(['report', '1', '--format', 'html', '--out', html, '--data', data, '--json']);
  expect(JSON.parse(filed.stdout)).toEqual({
    experiment: 1,
    name: 'iperf3.json',
    format: 'html',
    file: html,
    bytes: statSync(html).size,
  });
  const goesRound = async (format: string): Promise<void> => {
    const out = join(data, `x.${format}`);
    expect((await run(['export', '1', '--format', format, '--out', out, '--data', data])).code).toBe(0);
    const other = temporaryDir();
    expect((await run(['import', out, '--data', other])).code).toBe(0);
    const again = join(other, `x.${format}`);
    await run(['export', '1', '--format', format, '--out', again, '--data', other]);
    expect(readFileSync(again).equals(readFileSync(out))).toBe(true);
  };
  await Promise.all(['jsonl', 'csv', 'parquet'].map(goesRound));
});

test('what cannot be is refused by the catalogue, and leaves no file', async () => {
  const { data, file } = await imported();
  const out = join(data, 'x');
  const refused = async (args: string[], code: number, message: RegExp): Promise<void> => {
    const finished = await run([...args, '--data', data]);
    expect(finished.stderr).toMatch(message);
    expect(finished.code).toBe(code);
  };
  await refused(
    ['export', '7', '--format', 'csv', '--out', out],
    2,
    /RL_NOT_FOUND: There is no experiment 7/,
  );
  expect(existsSync(out)).toBe(false);
  await refused(['export', '1', '--format', 'xls', '--out', out], 2, /RL_INPUT_INVALID: --format: "xls"/);
  await refused(['export', '1', '--format', 'qlog', '--out', out], 2, /RL_INPUT_INVALID: format: no run/);
  expect(existsSync(out)).toBe(false);
  for (const command of [
    ['export', '1', '--format', 'md'],
    ['report', '1'],
  ])
    await refused([...command, '--out', data], 2, /RL_FILE_UNWRITABLE: --out: there is no regular file/);
  await refused(['import', data], 2, /RL_FILE_UNREADABLE: file: .* is a folder/);
  const cut = join(data, 'cut.json');
  writeFileSync(cut, readFileSync(file, 'utf8').slice(0, 300));
  await refused(
    ['import', cut],
    2,
    /RL_INPUT_INVALID: file: neither what export wrote nor whole JSON of iperf3/,
  );
  await refused(['import', join(data, 'absent')], 2, /RL_FILE_UNREADABLE: file: /);
  await refused(['import', join(data, 'lab.db')], 2, /RL_INPUT_INVALID/);
  await refused(['run', file], 2, /RL_INPUT_INVALID: manifest: is missing/);
});

test('of a folder that a lab holds, experiments are told and exported; imports are sent to that lab', async () => {
  const { data, file } = await imported();
  const lab = openStore({ dataDir: data });
  onTestFinished(() => lab.close());
  const out = join(data, 'runs.csv');
  const [told, exported, refused] = await Promise.all([
    run(['report', '--data', data]),
    run(['export', '1', '--format', 'csv', '--table', 'run', '--out', out, '--data', data, '--json']),
    run(['import', file, '--data', data]),
  ]);
  expect(told.stdout).toMatch(/iperf3\.json/);
  expect(JSON.parse(exported.stdout)).toMatchObject({ table: 'run', file: out });
  expect(readFileSync(out, 'utf8')).toMatch(/^id,key,repetition,.*\n1,"",0,done,/);
  expect(refused.code).toBe(2);
  expect(refused.stderr).toMatch(/RL_DATA_IN_USE: Another lab.*POST \/api\/v1\/experiments\/import/s);
});

test('a manifest of a probe is measured again', async () => {
  const data = temporaryDir();
  const direction = { rateBps: 2e7, delayMs: 5, jitterMs: 0, lossRatio: 0, bufferBytes: null };
  const parameters = ProbeInput.parse({
    target: { kind: 'emulated', emulation: { profile: 'p', up: direction, down: direction, flap: null } },
    mode: 'ping',
    durationS: 1,
  });
  const manifest = {
    manifest: 2,
    kind: 'probe',
    schema: null,
    app: null,
    os: null,
    node: null,
    seed: 5,
    routes: [],
    parameters,
  };
  const file = join(data, 'manifest.json');
  writeFileSync(file, JSON.stringify(manifest));
  const { code, stdout, stderr } = await run(['run', file, '--repetitions', '2', '--data', data, '--json']);
  // A busy machine has slow queries, and the log says so.
  expect(stderr.replace(/^.*"a slow query".*\n/gm, '')).toBe('');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).runs).toMatchObject([
    { repetition: 0, state: 'done', result: { rtt_p50: { unit: 'us' } } },
    { repetition: 1, state: 'done' },
  ]);
  const store = openStore({ dataDir: data });
  expect(store.experiments.list().experiments).toMatchObject([{ manifest: { seed: 5 }, runs: { done: 2 } }]);
  store.close();
});

test('a monitor that is cut short is no whole one, and told once', async () => {
  const data = temporaryDir();
  const route = RouteInput.parse({ name: 'Nowhere', host: '127.0.0.1', port: 1 });
  const manifest = {
    manifest: 2,
    kind: 'monitor',
    schema: null,
    app: null,
    os: null,
    node: null,
    seed: null,
    routes: [{ id: 'nowhere', demo: false, ...route }],
    parameters: {},
  };
  const file = join(data, 'manifest.json');
  writeFileSync(file, JSON.stringify(manifest));
  const own = join(data, 'lab');
  expect(await run(['run', file, '--data', own])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('RL_INPUT_INVALID: --duration: is missing'),
  });
  const running = start(['run', file, '--duration', '1h', '--data', own, '--json']);
  await vi.waitFor(() => expect(runStates(own)).toEqual(['running']), { timeout: 60_000, interval: 200 });
  running.child.kill('SIGINT');
  const { code, stdout, stderr } = await running.finished;
  expect(JSON.parse(stdout)).toMatchObject({ interrupted: true, runs: [{ state: 'cancelled' }] });
  expect(stderr).toContain('RL_CANCELLED: Run 0 of nowhere was cancelled');
  expect(code).toBe(130);
  expect(runStates(own)).toEqual(['cancelled']);
  // What ends by itself has measured as little, and says that too.
  const silent = await run(['run', file, '--duration', '1s', '--data', own]);
  expect(silent).toMatchObject({ code: 3, stderr: expect.stringContaining('RL_CONNECTION_LOST: Run ') });
});

/** Read beside the lab that writes them. */
function runStates(dataDir: string): unknown[] {
  const path = join(dataDir, 'lab.db');
  if (!existsSync(path)) return [];
  const db = new Database(path, { readonly: true });
  try {
    return db.prepare('SELECT state FROM run').pluck().all();
  } catch {
    // The lab is still making its tables.
    return [];
  } finally {
    db.close();
  }
}
