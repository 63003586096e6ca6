/** A table of an archive as Parquet: INT64, DOUBLE and STRING columns, JSON as text. */
import { on } from 'node:events';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  type BasicType,
  ByteWriter,
  type ColumnSource,
  ParquetWriter,
  schemaFromColumnData,
} from 'hyparquet-writer';
import { LabError } from '../../../shared/errors.ts';
import type { ArchivedTable } from './export.ts';
import { invalid, tableOf } from './rows.ts';
import type { ArchiveTable, Column, Row } from './tables.ts';

/** Rows of a row group, which is written at once, and of the largest that is read. */
const GROUP = 20_000;
const MAX_GROUP = 100_000;
/** Of one, unpacked. */
const MAX_GROUP_BYTES = 268_435_456;
/** Rows of a file, at 8 bytes a value, to its bytes: run lengths and constant differences make any number of rows of nothing. */
const MAX_RATIO = 200;
const SMALL_BYTES = 1_000_000;
/** Rows handed on at once; a part ends with the row that makes it so many characters. */
const PART = { rows: 5000, chars: 8_000_000 } as const;
const LONGEST_ROW = 32_000_000;
/** For one part, of which the first of a row group takes some tens of milliseconds; and for a whole file. */
const PATIENCE_MS = 30_000;
const LONGEST_MS = 3_600_000;

const TYPES: Record<Column['type'], BasicType> = {
  integer: 'INT64',
  real: 'DOUBLE',
  text: 'STRING',
  json: 'STRING',
};

/** A writer whose bytes are taken off as they come. */
class PartWriter extends ByteWriter {
  take(): Uint8Array {
    const bytes = new Uint8Array(this.getBuffer());
    this.index = 0;
    return bytes;
  }
}

const columnData = ({ columns }: ArchiveTable, rows: readonly Row[]): ColumnSource[] =>
  columns.map(({ name, type, nullable }, i) => ({
    name,
    type: TYPES[type],
    nullable: nullable ?? false,
    data: rows.map((row) => (type === 'integer' && row[i] !== null ? BigInt(row[i] as number) : row[i])),
  }));

export function* parquetParts({ table, parts }: ArchivedTable): Generator<Uint8Array> {
  const writer = new PartWriter();
  const parquet = new ParquetWriter({
    writer,
    schema: schemaFromColumnData({ columnData: columnData(table, []) }),
    createdBy: 'RouteLab',
  });
  let group: Row[] = [];
  const write = (): Uint8Array => {
    void parquet.write({ columnData: columnData(table, group), rowGroupSize: GROUP });
    group = [];
    return writer.take();
  };
  for (const rows of parts()) {
    group.push(...rows);
    if (group.length >= GROUP) yield write();
  }
  if (group.length > 0) yield write();
  void parquet.finish();
  yield writer.take();
}

/**
 * What reads the file, on a thread of its own: what a page of a hostile file says of itself can keep the library busy for ever, or
 * have it ask for any amount of memory. It answers each message with the next part of the rows, `null` after the last, and reads
 * nothing ahead of that.
 */
const READER = `
const { parentPort, workerData } = require('node:worker_threads');
const { libraries, bytes, limits } = workerData;
async function* parts() {
  const [{ parquetMetadata, parquetReadObjects }, { parquetHeader }] = await Promise.all(libraries.map((url) => import(url)));
  const file = { byteLength: bytes.byteLength, slice: (from, to) => bytes.slice(from, to) };
  const metadata = parquetMetadata(bytes);
  const columns = metadata.schema.slice(1).map(({ name }) => name);
  yield { columns };
  const all = metadata.row_groups.reduce((sum, { num_rows }) => sum + Number(num_rows), 0);
  if (!(all * columns.length * 8 <= limits.unpacked)) throw new Error('it has more rows than so many bytes hold');
  // The library makes as many values, of as many bytes, as a page says it has.
  const checkPages = ({ meta_data }, count) => {
    const { dictionary_page_offset, data_page_offset, total_compressed_size } = meta_data;
    const begin = Number(dictionary_page_offset || data_page_offset);
    const reader = { view: new DataView(bytes, begin, Number(total_compressed_size)), offset: 0 };
    let size = 0;
    while (reader.offset < reader.view.byteLength - 1) {
      const page = parquetHeader(reader);
      const { num_values } = page.data_page_header ?? page.data_page_header_v2 ?? page.dictionary_page_header ?? {};
      size += page.uncompressed_page_size;
      if (!(num_values >= 0 && num_values <= count && page.uncompressed_page_size >= 0 && size <= limits.bytes && page.compressed_page_size > 0))
        throw new Error('a page is larger than any of ours');
      reader.offset += page.compressed_page_size;
    }
  };
  let from = 0;
  for (const { num_rows, columns: chunks } of metadata.row_groups) {
    const count = Number(num_rows);
    const size = chunks.reduce((sum, { meta_data }) => sum + Number(meta_data.total_uncompressed_size), 0);
    const isWhole = chunks.every(({ meta_data }) => Number(meta_data.num_values) === count);
    if (!(count >= 0 && count <= limits.rows && size <= limits.bytes && isWhole))
      throw new Error('a row group is larger than any of ours');
    for (const chunk of chunks) checkPages(chunk, count);
    const objects = await parquetReadObjects({ file, metadata, rowStart: from, rowEnd: from + count });
    if (objects.length !== count) throw new Error('a row group has other rows than it says');
    from += count;
    let rows = [];
    let chars = 0;
    for (const object of objects) {
      const row = columns.map((name) => {
        const value = object[name] ?? null;
        return typeof value === 'bigint' ? Number(value) : value;
      });
      const size = row.reduce((sum, value) => sum + (typeof value === 'string' ? value.length : 0), 0);
      if (size > limits.rowChars) throw new Error('a row is longer than any of ours');
      chars += size;
      rows.push(row);
      if (rows.length < limits.part.rows && chars < limits.part.chars) continue;
      yield { rows };
      rows = [];
      chars = 0;
    }
    yield { rows };
  }
  if (Number(metadata.num_rows) !== from) throw new Error('it has other rows than it says');
  yield null;
}
const answers = parts();
parentPort.on('message', () => {
  answers.next().then(
    ({ value }) => parentPort.postMessage(value),
    (error) => parentPort.postMessage({ error: String(error.message) }),
  );
});
`;

type Answer = { columns: string[] } | { rows: Row[] } | { error: string } | null;

/**
 * The rows in parts, none of which is read before it is asked for. Takes the bytes away. Throws RL_INPUT_INVALID for bytes that
 * are no Parquet file of this table.
 */
export async function* readParquet(
  name: string,
  bytes: ArrayBuffer,
  patienceMs = PATIENCE_MS,
): AsyncGenerator<{ table: ArchiveTable; rows: Row[] }> {
  const { resolve } = createRequire(import.meta.url);
  const libraries = ['hyparquet', 'hyparquet/src/column.js'].map((each) => pathToFileURL(resolve(each)).href);
  const worker = new Worker(READER, {
    eval: true,
    workerData: { libraries, bytes, limits: limitsOf(bytes.byteLength) },
    transferList: [bytes],
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  let columns: ReturnType<typeof tableOf> | null = null;
  try {
    const answers = on(worker, 'message', { signal: AbortSignal.timeout(LONGEST_MS) });
    for (;;) {
      worker.postMessage('next');
      const answer = await within(patienceMs, answers.next(), name);
      if (answer === null) break;
      if ('error' in answer) throw unreadable(name, answer.error);
      if ('columns' in answer) columns = tableOf(name, answer.columns);
      else {
        const { table, order } = columns!;
        yield { table, rows: answer.rows.map((row) => order.map((at) => row[at]!)) };
      }
    }
  } finally {
    await worker.terminate();
  }
}

const limitsOf = (bytes: number): object => ({
  rows: MAX_GROUP,
  bytes: MAX_GROUP_BYTES,
  unpacked: Math.max(SMALL_BYTES, bytes * MAX_RATIO),
  part: PART,
  rowChars: LONGEST_ROW,
});

/** The next answer, or a refusal: the thread failed, or is at one row group for longer than any would take. */
async function within(ms: number, next: Promise<IteratorResult<Answer[]>>, name: string): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timeout = setTimeout(() => reject(unreadable(name, 'it does not end')), ms);
  try {
    const { value } = await Promise.race([next, promise]);
    return (value as [Answer])[0];
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    throw unreadable(name, (cause as Error).message, cause);
  } finally {
    clearTimeout(timeout);
  }
}

const unreadable = (name: string, why: string, cause?: unknown): LabError =>
  invalid(`${name}.parquet: cannot be read: ${why}`, cause);
