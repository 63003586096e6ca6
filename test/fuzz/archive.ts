import { PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { parseBounded } from '../../src/main/store/archive/bounded-json.ts';
import { CsvTableReader, csvParts } from '../../src/main/store/archive/csv.ts';
import { readIperf3 } from '../../src/main/store/archive/iperf3.ts';
import { JsonlReader, jsonlParts } from '../../src/main/store/archive/jsonl.ts';
import { parquetParts, readParquet } from '../../src/main/store/archive/parquet.ts';
import { SAMPLES, TABLES } from '../../src/main/store/archive/tables.ts';
import { openZipBuffer, readZip, writeZip } from '../../src/main/store/archive/zip.ts';
import { LabError } from '../../src/shared/errors.ts';
import { TCP, UDP } from '../store/archive/iperf3.ts';
import type { FuzzTarget } from './target.ts';

const isRefusal = (error: unknown): boolean =>
  error instanceof LabError && error.code === 'RL_INPUT_INVALID' && error.field === 'file';

const refusing =
  (read: (data: Buffer) => void | Promise<void>) =>
  async (data: Buffer): Promise<void> => {
    try {
      await read(data);
    } catch (error) {
      if (!isRefusal(error)) throw error;
    }
  };

const VALUES = { integer: 7, real: 1.5, text: "=a,'b", json: '{"a":[1]}' } as const;
/** Every table with three rows. */
const tables = TABLES.map((table) => ({
  table,
  *parts() {
    const row = table.columns.map(({ type, nullable }) => (nullable ? null : VALUES[type]));
    yield [row, row];
    yield [table.columns.map(({ type }) => VALUES[type])];
  },
}));
const small = tables.filter(({ table }) => ['experiment', 'run', 'ping'].includes(table.name));

export const archiveJsonl: FuzzTarget = {
  name: 'archive-jsonl',
  seeds: [Buffer.from([...jsonlParts(small)].join(''))],
  run: refusing((data) => {
    const reader = new JsonlReader(() => {});
    reader.push(data.toString());
    reader.end();
  }),
};

/** What comes out is what JSON.parse says, and can be written again; what is refused is deeper, or not finite. */
export const boundedJson: FuzzTarget = {
  name: 'bounded-json',
  seeds: [
    '{"a":[1,-2.5e3,"]}\\"[{",null,true,{"__proto__":{}}],"\\u005b":"\\\\"}',
    `${'['.repeat(64)}${']'.repeat(64)}`,
    `${'{"a":['.repeat(40)}1e308${']}'.repeat(40)}`,
    '['.repeat(4000),
  ].map((text) => Buffer.from(text)),
  run: (data) => {
    const text = data.toString();
    let value: unknown;
    try {
      value = parseBounded(text);
    } catch (error) {
      if (error instanceof SyntaxError) return;
      throw error;
    }
    // An infinite number would be null.
    if (JSON.stringify(JSON.parse(JSON.stringify(value))) !== JSON.stringify(JSON.parse(text)))
      throw new Error('another value came out');
  },
};

export const csv: FuzzTarget = {
  name: 'csv',
  seeds: SAMPLES.map(({ name }) =>
    Buffer.from([...csvParts(tables.find(({ table }) => table.name === name)!)].join('')),
  ),
  run: refusing((data) => {
    const reader = new CsvTableReader('ping');
    reader.push(data.toString());
    reader.end();
  }),
};

async function zipBuffer(of: typeof tables): Promise<Buffer> {
  const bytes = new PassThrough();
  const [zip] = await Promise.all([buffer(bytes), writeZip(bytes, 'csv', of)]);
  return zip;
}

export const archiveZip: FuzzTarget = {
  name: 'archive-zip',
  inputs: 500,
  seeds: [await zipBuffer(small)],
  run: refusing((data) => readZip(openZipBuffer(data), () => {})),
};

export const archiveParquet: FuzzTarget = {
  name: 'archive-parquet',
  // A thread each.
  inputs: 40,
  seeds: [Buffer.concat([...parquetParts(tables.find(({ table }) => table.name === 'ping')!)])],
  run: refusing(async (data) => {
    for await (const _ of readParquet('ping', new Uint8Array(data).buffer, 500));
  }),
};

export const iperf3: FuzzTarget = {
  name: 'iperf3',
  seeds: [TCP, UDP].map((value) => Buffer.from(JSON.stringify(value))),
  run: refusing((data) => {
    let value: unknown;
    try {
      value = JSON.parse(data.toString());
    } catch {
      return;
    }
    readIperf3(value);
  }),
};
