/** A table of an archive as Parquet: INT64, DOUBLE and STRING columns, JSON as text. */
import { type AsyncBuffer, parquetMetadata, parquetReadObjects } from 'hyparquet';
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
import type { ArchiveTable, Column, Row, Value } from './tables.ts';

/** Rows of a row group; a reader holds one at a time. */
const GROUP = 50_000;
const LIMITS = { rows: 100_000_000, groupBytes: 268_435_456 } as const;

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

/** The rows, a row group at a time. Throws RL_INPUT_INVALID for bytes that are no Parquet file of this table. */
export async function* readParquet(
  name: string,
  bytes: Uint8Array,
): AsyncGenerator<{ table: ArchiveTable; rows: Row[] }> {
  const buffer = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength) as ArrayBuffer;
  const file: AsyncBuffer = { byteLength: buffer.byteLength, slice: (from, to) => buffer.slice(from, to) };
  const metadata = await refused(name, async () => parquetMetadata(buffer));
  const rowsInAll = Number(metadata.num_rows);
  if (!(rowsInAll <= LIMITS.rows)) throw invalid(name, `says it has ${rowsInAll} rows`);
  const { table, order } = tableOf(
    name,
    metadata.schema.slice(1).map((column) => column.name),
  );
  const columns = metadata.schema.slice(1).map((column) => column.name);
  let from = 0;
  for (const { num_rows, columns: chunks } of metadata.row_groups) {
    const rows = Number(num_rows);
    // What a page inflates to is what its header says, which is not to be believed beyond this.
    const size = chunks.reduce(
      (sum, { meta_data }) => sum + Number(meta_data?.total_uncompressed_size ?? 0n),
      0,
    );
    const values = chunks.every(({ meta_data }) => Number(meta_data?.num_values ?? 0n) === rows);
    if (!(rows >= 0 && rows <= GROUP * 2 && size <= LIMITS.groupBytes && values))
      throw invalid(name, 'a row group is larger than any of ours');
    const objects = await refused(name, () =>
      parquetReadObjects({ file, metadata, rowStart: from, rowEnd: from + rows }),
    );
    from += rows;
    yield {
      table,
      rows: objects.map((row) => table.columns.map((_, i) => plain(row[columns[order[i]!]!]))),
    };
  }
  if (from !== rowsInAll) throw invalid(name, `says it has ${rowsInAll} rows and has ${from}`);
}

const plain = (value: unknown): Value =>
  typeof value === 'bigint' ? Number(value) : value === undefined ? null : (value as Value);

const invalid = (name: string, message: string, cause?: unknown): LabError =>
  new LabError('RL_INPUT_INVALID', `file: ${name}.parquet: ${message}`, { field: 'file', cause });

async function refused<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    throw invalid(name, `cannot be read: ${(cause as Error).message}`, cause);
  }
}
