import { createWriteStream, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import Database from 'better-sqlite3';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import yazl from 'yazl';
import { type ArchiveFormat, readInto, writeArchive } from '../../../src/main/store/archive/files.ts';
import { SAMPLES, TABLES } from '../../../src/main/store/archive/tables.ts';
import type { Store } from '../../../src/main/store/index.ts';
import { EXPORT_TABLES } from '../../../src/shared/experiments.ts';
import { tempDir, tempStore } from '../temp.ts';
import { anyMeasured, storeMeasured } from './experiment.ts';

const HEADER = '{"record":"routelab-archive","version":1}';

/** Writes a ZIP; a name that yazl would refuse is put in afterwards, of the same length. */
async function zipOf(
  path: string,
  files: Record<string, string | Buffer>,
  rename?: [from: string, to: string],
) {
  const zip = new yazl.ZipFile();
  for (const [name, content] of Object.entries(files)) zip.addBuffer(Buffer.from(content as string), name);
  zip.end();
  await pipeline(zip.outputStream as Readable, createWriteStream(path));
  if (rename === undefined) return;
  const bytes = readFileSync(path)
    .toString('latin1')
    .replaceAll(...rename);
  writeFileSync(path, Buffer.from(bytes, 'latin1'));
}

async function refusal(store: Store, path: string): Promise<string> {
  const into = store.unarchive();
  const failure = await readInto(into, path, 'x', 0).then(
    () => null,
    (thrown: unknown) => thrown,
  );
  into.discard();
  expect(failure).toMatchObject({ code: 'RL_INPUT_INVALID', field: 'file' });
  expect(store.experiments.list().total).toBe(0);
  return (failure as Error).message;
}

test('ZIP files that are bombs, traverse paths, repeat names or hold what no archive has are refused', async () => {
  const store = tempStore();
  const dir = tempDir();
  const path = join(dir, 'x.zip');
  const cases: [Record<string, string | Buffer>, RegExp, [string, string]?][] = [
    [
      { 'archive.json': HEADER, 'ping.csv': Buffer.alloc(20_000_000) },
      /would unpack from \d+ to 20000000 bytes/,
    ],
    [
      { 'archive.json': HEADER, 'aa/bb/etc/passwd': 'x' },
      /invalid relative path|absolute path/,
      ['aa/bb/etc', '../../etc'],
    ],
    [
      { 'archive.json': HEADER, 'a/tmp/passwd': 'x' },
      /absolute path|invalid/,
      ['a/tmp/passwd', '//tmp/passwd'],
    ],
    [{ 'archive.json': HEADER, 'run.exe': 'x' }, /holds a file no archive has: "run.exe"/],
    [
      { 'archive.json': HEADER, 'ping.csv': '', 'pong.csv': '' },
      /holds ping.csv twice/,
      ['pong.csv', 'ping.csv'],
    ],
    [{ 'ping.csv': 'run,at_us\n' }, /holds no archive.json/],
    [{ 'archive.json': '{"version":2}' }, /version 2, of a newer RouteLab/],
    [{ 'archive.json': 'no' }, /archive.json is no JSON/],
    [{ 'archive.json': HEADER, 'ping.csv': 'run,at_us\n' }, /ping: has no column rtt_us/],
    [{ 'archive.json': HEADER, 'ping.csv': 'run,at_us,rtt_us,loaded\n1,2,3,0\n' }, /ping: there is no run 1/],
    [{ 'archive.json': HEADER, 'ping.parquet': 'PAR1 and no more' }, /ping.parquet: cannot be read/],
    [Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`${i}`, ''])), /holds 65 files/],
  ];
  for (const [files, message, rename] of cases) {
    await zipOf(path, files, rename);
    expect(await refusal(store, path)).toMatch(message);
  }
  expect(readdirSync(dir)).toEqual(['x.zip']);
});

test.each(['jsonl', 'csv', 'parquet'] as const)(
  'a %s archive that is cut short is refused wherever it is cut',
  async (format) => {
    const dir = tempDir();
    const path = join(dir, 'x');
    const bytes = await archived(dir, format);
    const store = tempStore();
    for (const part of [0.2, 0.5, 0.9, 0.999]) {
      // Not where a line of JSON ends, which is a shorter archive.
      let length = Math.floor(bytes.length * part);
      while (bytes[length - 1] === 0x0a || bytes[length] === 0x0a) length--;
      writeFileSync(path, bytes.subarray(0, length));
      expect(await refusal(store, path)).toMatch(/cut short|cannot be read|invalid|end of/i);
    }
  },
);

async function archived(dir: string, format: ArchiveFormat): Promise<Buffer> {
  const store = tempStore();
  const path = join(dir, `whole.${format}`);
  const [measured] = fc.sample(anyMeasured, { numRuns: 1, seed: 5 });
  await writeArchive(path, format, store.archived(storeMeasured(store, measured!)));
  return readFileSync(path);
}

test('lines that say what cannot be are refused with what is wrong', async () => {
  const store = tempStore();
  const path = join(tempDir(), 'x.jsonl');
  const experiment = {
    record: 'experiment',
    name: 'e',
    kind: 'matrix',
    notes: '',
    tags: [],
    created_at_ms: 1,
    manifest: {},
  };
  const run = {
    record: 'run',
    id: 1,
    key: '',
    repetition: 0,
    state: 'done',
    created_at_ms: 1,
    started_at_ms: null,
    ended_at_ms: null,
    parameters: {},
    result: null,
    error: null,
    samples: 0,
  };
  const ping = { record: 'ping', run: 1, at_us: 1, rtt_us: 5, loaded: 0 };
  for (const [lines, message] of [
    [[run], /rows before its experiment/],
    [[experiment, experiment], /several experiments/],
    [[{ ...experiment, kind: 'other' }], /^file: experiment: /],
    [[{ ...experiment, surplus: 1 }], /no such column "surplus"/],
    [[experiment, { ...run, state: 'lost' }], /^file: run: /],
    [[experiment, { ...run, result: { a: 1 } }], /^file: run: /],
    [[experiment, run, { ...ping, rtt_us: -1 }], /ping.rtt_us: -1 is no whole number/],
    [[experiment, run, { ...ping, rtt_us: '5' }], /ping.rtt_us: "5" is no whole number/],
    [[experiment, run, { ...ping, run: 2 }], /ping: there is no run 2/],
    [[experiment, run, ping, ping], /^file: ping: UNIQUE/],
    [[experiment, run, run], /^file: run: two have the id 1/],
    [[experiment, run, { ...run, id: 2 }], /^file: run: UNIQUE/],
    [[experiment, { record: 'route' }], /there is no table "route"/],
    [[experiment, 5], /line 3 is no object/],
    [[], /^file: holds no experiment|^$/],
  ] as const) {
    writeFileSync(path, [HEADER, ...lines.map((line) => JSON.stringify(line))].join('\n'));
    if (lines.length > 0) expect(await refusal(store, path)).toMatch(message);
    else {
      const into = store.unarchive();
      await readInto(into, path, 'x', 0);
      expect(() => into.commit()).toThrow(message);
    }
  }
});

test('every table of samples is in the archive', () => {
  const store = tempStore();
  const db = new Database(join(store.dataDir, 'lab.db'), { readonly: true });
  const tables = db
    .prepare(
      `SELECT name FROM sqlite_schema AS t WHERE type = 'table' AND EXISTS (
         SELECT 1 FROM pragma_foreign_key_list(t.name) WHERE "table" = 'run')
       -- A note of what is still to be done, no samples.
       AND name <> 'rollup_backfill'`,
    )
    .pluck()
    .all();
  const columns = (name: string): unknown[] =>
    db.prepare(`SELECT name FROM pragma_table_info(?)`).pluck().all(name);
  expect(SAMPLES.map(({ name }) => name).sort()).toEqual(tables.sort());
  for (const table of SAMPLES)
    expect(
      table.columns
        .slice(1)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(
      columns(table.name)
        .filter((name) => name !== 'run_id')
        .sort(),
    );
  expect(TABLES.map(({ name }) => name)).toEqual(EXPORT_TABLES);
  db.close();
});
