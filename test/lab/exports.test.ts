import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
<<<<<<< HEAD
import { Exports, writeExport } from '../../src/main/lab/exports.ts';
=======
import { Exports } from '../../src/main/lab/export-folder.ts';
import { writeExport } from '../../src/main/lab/exports.ts';
>>>>>>> main
import { runsOf } from '../../src/main/lab/results.ts';
import { readInto } from '../../src/main/store/archive/files.ts';
import { readParquet } from '../../src/main/store/archive/parquet.ts';
import { openStore, type Store } from '../../src/main/store/index.ts';
import { NOTHING, startedRoute, tempDir, tempStore } from '../store/temp.ts';
import { silentLog } from './open-lab.ts';

/** A store with a monitor's run of 20 pings, under way. */
function measured(): { store: Store; id: number; runId: number } {
  const store = tempStore();
  const { runId } = startedRoute(store);
  const pings = Array.from({ length: 20 }, (_, i) => ({
    atMs: 1000 + i,
    rttUs: i === 3 ? null : 5000 + i,
    loaded: false,
  }));
  store.writer.add(runId, { ...NOTHING, pings });
  store.writer.flush();
  return { store, id: store.experiments.list().experiments[0]!.id, runId };
}

async function imported(store: Store, path: string): Promise<number> {
  const into = store.unarchive();
  await readInto(into, path, 'x', 0);
  return into.commit();
}

<<<<<<< HEAD
const exportsOf = (store: Store, keptDays: number | null): Exports => {
  const exports = new Exports({ store, runs: runsOf(store), log: silentLog, keptDays });
=======
const exportsOf = (store: Store, downloads = false): Exports => {
  const exports = new Exports({ store, runs: runsOf(store), log: silentLog, downloads });
>>>>>>> main
  onTestFinished(() => exports.close());
  return exports;
};

test('exports of one experiment at once are all whole', async () => {
  const { store, id } = measured();
  const exports = exportsOf(store);
  for (const format of ['csv', 'jsonl', 'md'] as const) {
    const files = await Promise.all([1, 2, 3].map(() => exports.make({ id, format, redact: false })));
    expect(new Set(files.map(({ name }) => name)).size).toBe(1);
    const [{ path }] = files as [(typeof files)[0]];
    if (format !== 'md') await imported(tempStore(), path);
  }
  expect(readdirSync(join(store.dataDir, 'exports')).length).toBe(3);
});

test('what a monitor came to goes with its runs', async () => {
  const { store, id } = measured();
  const path = join(tempDir(), 'x');
  await writeExport(store, path, { id, format: 'jsonl', redact: false, atMs: 0 });
  const other = tempStore();
  const there = await imported(other, path);
  const [was] = await runsOf(store)(id);
  expect(was!.result).toMatchObject({ sent: { value: 20 }, received: { value: 19 } });
<<<<<<< HEAD
  expect(await runsOf(other)(there)).toEqual([
=======
  expect(other.runs.ofExperiment(there)).toEqual([
>>>>>>> main
    { ...was, id: expect.anything(), experimentId: there, routeId: null, state: 'interrupted' },
  ]);
});

test('one table alone is a CSV or Parquet file', async () => {
  const { store, id } = measured();
  const exports = exportsOf(store);
  const csv = await exports.make({ id, format: 'csv', redact: false, table: 'ping' });
  expect(csv).toMatchObject({ name: `probing-${id}-ping.csv`, mediaType: 'text/csv; charset=utf-8' });
  const lines = readFileSync(csv.path, 'utf8').split('\n');
  expect(lines.slice(0, 5)).toEqual([
    'run,at_us,rtt_us,loaded',
    '1,1000000,5000,0',
    '1,1001000,5001,0',
    '1,1002000,5002,0',
    '1,1003000,,0',
  ]);
  const parquet = await exports.make({ id, format: 'parquet', redact: false, table: 'ping' });
  expect(parquet.name).toBe(`probing-${id}-ping.parquet`);
  const rows: unknown[] = [];
  for await (const part of readParquet('ping', new Uint8Array(readFileSync(parquet.path)).buffer))
    rows.push(...part.rows);
  expect(rows.map((row) => (row as unknown[]).join())).toEqual(lines.slice(1, -1));
  await expect(exports.make({ id, format: 'jsonl', redact: false, table: 'ping' })).rejects.toMatchObject({
    code: 'RL_INPUT_INVALID',
    field: 'table',
  });
});

test('a server keeps exports for a week, a desktop for good; no draft of a dead lab is kept', () => {
  const { store } = measured();
  const folders = ['exports', 'downloads'].map((name) => join(store.dataDir, name));
  for (const folder of folders) {
    mkdirSync(folder);
    for (const name of ['old-1.jsonl', 'new-1.csv.zip', 'new-1.jsonl.1.part']) {
      writeFileSync(join(folder, name), 'x');
      if (name.startsWith('old')) utimesSync(join(folder, name), 0, 0);
    }
  }
  exportsOf(store);
  exportsOf(store, true);
  expect(folders.map((folder) => readdirSync(folder).sort())).toEqual([
    ['new-1.csv.zip', 'old-1.jsonl'],
    ['new-1.csv.zip'],
  ]);
});

test('beside the lab that holds the folder, all is read as it is at one moment, and nothing is written', async () => {
  const { store, id, runId } = measured();
  const beside = openStore({ dataDir: store.dataDir, readOnly: true });
  onTestFinished(() => beside.close());
  store.writer.add(runId, { ...NOTHING, pings: [{ atMs: 5000, rttUs: 1, loaded: false }] });
  store.writer.flush();
  expect(beside.runs.ofExperiment(id)).toMatchObject([{ state: 'running', samples: 20 }]);
  const path = join(tempDir(), 'x');
  await writeExport(beside, path, { id, format: 'csv', redact: false, table: 'ping', atMs: 0 });
  expect(readFileSync(path, 'utf8').split('\n').length).toBe(22);
  expect(() => beside.experiments.update(id, { name: 'x' })).toThrow(/readonly/);
  expect(store.runs.ofExperiment(id)).toMatchObject([{ state: 'running', samples: 21 }]);
  expect(existsSync(join(store.dataDir, 'exports'))).toBe(false);
});
