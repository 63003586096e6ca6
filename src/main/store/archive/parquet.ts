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
import { tableOf } from './import.ts';
import type { ArchiveTable, Column, Row } from './tables.ts';

/** Rows of a row group; a reader holds one at a time. */
const GROUP = 50_000;
/** Of one, unpacked. */
const MAX_GROUP_BYTES = 268_435_456;
/** For one row group, which takes some tens of milliseconds; and for a whole file. */
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
 * have it ask for any amount of memory. A row group is answered with its rows, `null` with the end.
 */
const READER = `
const { parentPort, workerData } = require('node:worker_threads');
const { library, bytes, limits } = workerData;
(async () => {
  const { parquetMetadata, parquetReadObjects } = await import(library);
  const file = { byteLength: bytes.byteLength, slice: (from, to) => bytes.slice(from, to) };
  const metadata = parquetMetadata(bytes);
  const columns = metadata.schema.slice(1).map(({ name }) => name);
  parentPort.postMessage({ columns });
  let from = 0;
  for (const { num_rows, columns: chunks } of metadata.row_groups) {
    const count = Number(num_rows);
    const size = chunks.reduce((sum, { meta_data }) => sum + Number(meta_data.total_uncompressed_size), 0);
    const isWhole = chunks.every(({ meta_data }) => Number(meta_data.num_values) === count);
    if (!(count >= 0 && count <= limits.rows && size <= limits.bytes && isWhole))
      throw new Error('a row group is larger than any of ours');
    const objects = await parquetReadObjects({ file, metadata, rowStart: from, rowEnd: from + count });
    if (objects.length !== count) throw new Error('a row group has other rows than it says');
    from += count;
    const plain = (value) => (typeof value === 'bigint' ? Number(value) : (value ?? null));
    parentPort.postMessage({ rows: objects.map((row) => columns.map((name) => plain(row[name]))) });
  }
  if (Number(metadata.num_rows) !== from) throw new Error('it has other rows than it says');
  parentPort.postMessage(null);
})().catch((error) => parentPort.postMessage({ error: String(error.message) }));
`;

type Answer = { columns: string[] } | { rows: Row[] } | { error: string } | null;

/** The rows, a row group at a time. Throws RL_INPUT_INVALID for bytes that are no Parquet file of this table. */
export async function* readParquet(
  name: string,
  bytes: Uint8Array,
  patienceMs = PATIENCE_MS,
): AsyncGenerator<{ table: ArchiveTable; rows: Row[] }> {
  // A Buffer's own slice would be a view of it.
  const copy = new Uint8Array(bytes).buffer;
  const library = pathToFileURL(createRequire(import.meta.url).resolve('hyparquet')).href;
  const worker = new Worker(READER, {
    eval: true,
    workerData: { library, bytes: copy, limits: { rows: 2 * GROUP, bytes: MAX_GROUP_BYTES } },
    transferList: [copy],
    resourceLimits: { maxOldGenerationSizeMb: 1024 },
  });
  let columns: ReturnType<typeof tableOf> | null = null;
  try {
    const answers = on(worker, 'message', { signal: AbortSignal.timeout(LONGEST_MS) });
    for (;;) {
      const answer = await within(patienceMs, answers.next(), name);
      if (answer === null) break;
      if ('error' in answer) throw invalid(name, `cannot be read: ${answer.error}`);
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

/** The next answer, or a refusal: the thread failed, or is at one row group for longer than any would take. */
async function within(ms: number, next: Promise<IteratorResult<Answer[]>>, name: string): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timeout = setTimeout(() => reject(invalid(name, 'cannot be read: it does not end')), ms);
  try {
    const { value } = await Promise.race([next, promise]);
    return (value as [Answer])[0];
  } catch (cause) {
    if (cause instanceof LabError) throw cause;
    throw invalid(name, `cannot be read: ${(cause as Error).message}`, cause);
  } finally {
    clearTimeout(timeout);
  }
}

const invalid = (name: string, message: string, cause?: unknown): LabError =>
  new LabError('RL_INPUT_INVALID', `file: ${name}.parquet: ${message}`, { field: 'file', cause });
