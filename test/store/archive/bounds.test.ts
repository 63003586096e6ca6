import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import Database from 'better-sqlite3';
import { expect, test, vi } from 'vitest';
import type { ArchivedTable } from '../../../src/main/store/archive/export.ts';
import { readInto, writeArchive } from '../../../src/main/store/archive/files.ts';
import type { ArchiveImport } from '../../../src/main/store/archive/import.ts';
import { parquetParts, readParquet } from '../../../src/main/store/archive/parquet.ts';
import {
  type ArchiveTable,
  CONGESTION,
  CONGESTION_PHASE,
  EXPERIMENT,
  PROBE_RUN,
  type Row,
  SAMPLES,
} from '../../../src/main/store/archive/tables.ts';
import { WriteHandle } from '../../../src/main/store/handles.ts';
import type { Store } from '../../../src/main/store/index.ts';
import { purger } from '../../../src/main/store/purge.ts';
import { tempDir, tempStore } from '../temp.ts';

const PING = SAMPLES.find(({ name }) => name === 'ping')!;
const refusing = (message: RegExp) =>
  expect.objectContaining({ code: 'RL_INPUT_INVALID', message: expect.stringMatching(message) });

const experiment = (manifest = '{}', createdAtMs = 1): Row => ['e', 'probe', '', '[]', createdAtMs, manifest];
const probeRun: Row = [1, 'p', 0, 'done', null, 'h:1', null, 1, null, null, 0, 0, null, null];
const point = (tUs: number, ...values: (number | null)[]): Row => [
  1,
  'client',
  tUs,
  ...values,
  ...new Array(7 - values.length).fill(null),
];
const table = (of: ArchiveTable, ...rows: Row[]): ArchivedTable => ({
  table: of,
  parts: function* () {
    yield rows;
  },
});

/** An import with one probe run, and what is put into it after that. */
function begun(store: Store): ArchiveImport {
  const into = store.unarchive();
  into.put(EXPERIMENT, [experiment()]);
  into.put(PROBE_RUN, [probeRun]);
  return into;
}

test('a congestion series is stored as its rows come, is hidden until all is there, and outlives a purge', () => {
  const store = tempStore();
  const into = begun(store);
  const points = Array.from({ length: 25_000 }, (_, i) => point(i, i));
  for (let from = 0; from < points.length; from += 5000)
    into.put(CONGESTION, points.slice(from, from + 5000));
  const db = new Database(join(store.dataDir, 'lab.db'));
  expect(db.prepare('SELECT sum(points) FROM probe_series').pluck().get()).toBe(20_000);
  expect(
    purger(new WriteHandle(db, () => {}), { rawDays: 30, systemS: 3600 }).step(Date.now(), () => false),
  ).toBe(false);
  db.close();
  into.put(CONGESTION_PHASE, [
    [1, 'client', 0, 'a'],
    [1, 'client', 12_000, 'b'],
  ]);
  expect(store.probes.list({ limit: 9, before: 99 })).toEqual([]);
  into.commit();
  const [run] = store.probes.list({ limit: 9, before: 99 });
  expect(run!.series).toEqual([{ vantage: 'client', points: 25_000, spanUs: 24_999 }]);
  const series = store.probes.series(run!.id, 'client')!;
  expect(series.tUs).toEqual(points.map((_, i) => i));
  expect(series.cwndBytes).toEqual(series.tUs);
  expect(series.phases).toEqual([
    { fromUs: 0, state: 'a' },
    { fromUs: 12_000, state: 'b' },
  ]);
});

test('series that are longer than any of ours, go back in time or have phases ahead of points are refused', () => {
  const store = tempStore();
  const many = Array.from({ length: 50_000 }, () => point(0));
  for (const [rows, message] of [
    [
      [
        [CONGESTION, many],
        [CONGESTION, many],
        [CONGESTION, many],
        [CONGESTION, many],
        [CONGESTION, [point(0)]],
      ],
      /^file: congestion: a series of over 200000/,
    ],
    [[[CONGESTION, [point(2), point(1)]]], /congestion: times fall/],
    [[[CONGESTION_PHASE, [[1, 'client', 0, 'a']]]], /congestion_phase: comes before the points/],
    [
      [
        [CONGESTION, [point(2)]],
        [
          CONGESTION_PHASE,
          [
            [1, 'client', 2, 'a'],
            [1, 'client', 1, 'a'],
          ],
        ],
      ],
      /congestion_phase: times fall/,
    ],
    [
      [
        [CONGESTION, [point(2)]],
        [CONGESTION_PHASE, [[1, 'client', 2, 'a'.repeat(65)]]],
      ],
      /state: has over 64/,
    ],
    [[[PROBE_RUN, [probeRun]]], /probe_run: two have the id 1/],
  ] as const) {
    const into = begun(store);
    expect(() => {
      for (const [of, each] of rows) into.put(of, each as Row[]);
    }).toThrow(refusing(message));
    into.discard();
  }
  expect(store.experiments.list().total).toBe(0);
});

test('the largest numbers taken are read back; larger ones are refused', () => {
  const store = tempStore();
  const most = 2 ** 52 - 1;
  const into = begun(store);
  into.put(CONGESTION, [point(0, 0), point(1, most), point(1, 0), point(most, most)]);
  into.commit();
  const [run] = store.probes.list({ limit: 1, before: 99 });
  expect(store.probes.series(run!.id, 'client')!.cwndBytes).toEqual([0, most, 0, most]);
  for (const [of, row, message] of [
    [CONGESTION, point(0, most + 1), /congestion.cwnd_bytes: 4503599627370496 is over/],
    [CONGESTION, point(1e300), /congestion.t_us: 1e\+300 is over/],
    [EXPERIMENT, experiment('{}', 8.64e15 + 2), /experiment.created_at_ms: .* is over/],
    [EXPERIMENT, experiment('{"a":1e400}'), /experiment.manifest: has a number too large/],
    [EXPERIMENT, experiment(JSON.stringify('x'.repeat(4e6))), /experiment.manifest: .* has over 4000000/],
  ] as const)
    expect(() => begun(store).put(of, [row])).toThrow(refusing(message));
});

test.each(['csv', 'parquet', 'jsonl'] as const)(
  'JSON nested without end is refused from %s',
  async (format) => {
    const store = tempStore();
    const dir = tempDir();
    for (const depth of [64, 65, 5000, 400_000]) {
      const [open, close] = ['[', ']'].map((bracket) => bracket.repeat(depth - 1));
      const path = join(dir, `${depth}`);
      await writeArchive(path, format, [table(EXPERIMENT, experiment(`{"a":${open}${close}}`))]);
      const into = store.unarchive();
      const reading = readInto(into, path, 'x', 0);
      if (depth <= 64) await reading;
      else await expect(reading).rejects.toEqual(refusing(/nested deeper than 64/));
      into.discard();
    }
  },
);

test('JSON is stored in one way, so that an archive of it is whole', async () => {
  const dir = tempDir();
  const store = tempStore();
  const [first, second] = [join(dir, 'first'), join(dir, 'second')];
  await writeArchive(first, 'csv', [table(EXPERIMENT, experiment(' {"a":\n1.50,\r\n"b" : "\\u0041"} '))]);
  const into = store.unarchive();
  await readInto(into, first, 'x', 0);
  await writeArchive(second, 'jsonl', store.archived(into.commit()));
  expect(readFileSync(second, 'utf8')).toMatch(/"manifest":\{"a":1\.5,"b":"A"\}\}\n$/);
});

test('an archive that an editor put a byte order mark before is read', async () => {
  const store = tempStore();
  const path = join(tempDir(), 'x');
  await writeArchive(path, 'jsonl', [table(EXPERIMENT, experiment())]);
  writeFileSync(path, `\uFEFF${readFileSync(path, 'utf8')}`);
  const into = store.unarchive();
  await readInto(into, path, 'x', 0);
  expect(store.experiments.get(into.commit()).name).toBe('e');
});

const bytesOf = (buffer: Buffer): ArrayBuffer => new Uint8Array(buffer).buffer;

/** A Parquet file of so many pings, none of which differ unless `atUs` makes them. */
const pings = (count: number, atUs: (i: number) => number): Buffer => {
  const rows = Array.from({ length: count }, (_, i): Row => [1, atUs(i), 5, 0]);
  const parts = function* () {
    for (let from = 0; from < count; from += 50_000) yield rows.slice(from, from + 50_000);
  };
  return Buffer.concat([...parquetParts({ table: PING, parts })]);
};

test('no part of a Parquet file is read before the one ahead of it is done with', async () => {
  const bytes = pings(60_000, (i) => i);
  const told = vi.spyOn(Worker.prototype, 'emit');
  const slow = readParquet('ping', bytesOf(bytes));
  await slow.next();
  let rows = 0;
  // Another thread reads all of it meanwhile.
  for await (const part of readParquet('ping', bytesOf(bytes))) rows += part.rows.length;
  expect(rows).toBe(60_000);
  const [first] = told.mock.contexts;
  const answers = told.mock.calls.filter(
    ([name], i) => name === 'message' && told.mock.contexts[i] === first,
  );
  expect(answers.length).toBe(2);
  await slow.return(undefined);
});

test('a Parquet file with more rows than its bytes could hold is refused before one of them is read', async () => {
  const bytes = pings(200_000, () => 7);
  expect(bytes.length).toBeLessThan(20_000);
  await expect(readParquet('ping', bytesOf(bytes)).next()).rejects.toEqual(
    refusing(/more rows than so many bytes/),
  );
});

test('a Parquet page that says it has more values than its row group is refused before they are made', async () => {
  const bytes = pings(100, (i) => i);
  // Thrift's compact protocol: a field of type i32, and 100 in zigzag; 8191 has as many bytes.
  const at = bytes.indexOf(Buffer.from([0x15, 0xc8, 0x01]));
  bytes.set([0x15, 0xfe, 0x7f], at);
  await expect(async () => {
    for await (const _ of readParquet('ping', bytesOf(bytes)));
  }).rejects.toEqual(refusing(/a page is larger than any of ours/));
});
