/**
 * Archives of a file for each table, in a ZIP. What a ZIP of others may say is bounded: how many files, of which names, how
 * large they become and how much larger than they were (zip bombs); nothing is ever unpacked to the disk.
 */

import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import yauzl from 'yauzl';
import yazl from 'yazl';
import { LabError } from '../../../shared/errors.ts';
import { CsvTableReader, csvParts } from './csv.ts';
import type { ArchivedTable } from './export.ts';
import { ARCHIVE_VERSION, requireVersion } from './jsonl.ts';
import { parquetParts, readParquet } from './parquet.ts';
import { invalid } from './rows.ts';
import { type ArchiveTable, type Row, TABLES } from './tables.ts';

const LIMITS = {
  entries: 64,
  /** Of all files together, unpacked. */
  bytes: 4 * 2 ** 30,
  /** Of one Parquet file, which is held in memory. */
  parquetBytes: 512 * 2 ** 20,
  /** Unpacked to packed; DEFLATE reaches 1032, tables of measurements some 20. */
  ratio: 200,
  /** Below this the ratio says nothing. */
  smallBytes: 1_000_000,
} as const;

/** The entry that says what the file is. */
const HEADER = 'archive.json';
/** ZIP's own dates begin here; so that the same experiment makes the same file. */
const NO_DATE = new Date(1980, 0, 1);

/** `into` is a stream for bytes, such as that of a file. */
export async function writeZip(
  into: Writable,
  format: 'csv' | 'parquet',
  tables: readonly ArchivedTable[],
): Promise<void> {
  const zip = new yazl.ZipFile();
  const failed = Promise.withResolvers<never>();
  zip.on('error', failed.reject);
  zip.addBuffer(Buffer.from(`{"record":"routelab-archive","version":${ARCHIVE_VERSION}}\n`), HEADER, {
    mtime: NO_DATE,
  });
  for (const each of tables) {
    // Parquet is compressed within.
    const options = { mtime: NO_DATE, compress: format === 'csv' };
    zip.addReadStreamLazy(`${each.table.name}.${format}`, options, (callback) => {
      const parts: Iterable<string | Uint8Array> = format === 'csv' ? csvParts(each) : parquetParts(each);
      const stream = Readable.from(turns(parts), { objectMode: false });
      stream.on('error', failed.reject);
      callback(null, stream);
    });
  }
  zip.end();
  await Promise.race([pipeline(zip.outputStream as Readable, into), failed.promise]);
}

/** Part after part, others having their turn between two. */
async function* turns<T>(parts: Iterable<T>): AsyncGenerator<T> {
  for (const part of parts) {
    yield part;
    await new Promise(setImmediate);
  }
}

/** Hands on the rows of every table, in the order in which they must come. Throws RL_INPUT_INVALID, field `file`. */
export async function readZip(
  open: () => Promise<yauzl.ZipFile>,
  onRows: (table: ArchiveTable, rows: Row[]) => void,
): Promise<void> {
  const zip = await open().catch((cause: Error) => {
    throw invalid(`is no ZIP file, or is cut short: ${cause.message}`, cause);
  });
  try {
    const entries = await entriesOf(zip);
    const header = entries.get(HEADER);
    if (header === undefined) throw invalid(`is no archive of RouteLab: it holds no ${HEADER}`);
    requireVersion(versionOf(await bytesOf(zip, header, LIMITS.smallBytes)));
    for (const { name } of TABLES) {
      const csv = entries.get(`${name}.csv`);
      const parquet = entries.get(`${name}.parquet`);
      if (csv !== undefined) await readCsv(name, await streamOf(zip, csv), onRows);
      else if (parquet !== undefined)
        for await (const { table, rows } of readParquet(
          name,
          (await bytesOf(zip, parquet, LIMITS.parquetBytes)).buffer,
        ))
          onRows(table, rows);
    }
  } catch (thrown) {
    if (thrown instanceof LabError) throw thrown;
    const { code } = thrown as NodeJS.ErrnoException;
    // Of inflating, of checksums and of sizes that are not what was said; what the database says is its own.
    if (code === undefined || code.startsWith('Z_')) throw invalid((thrown as Error).message, thrown);
    throw thrown;
  } finally {
    zip.close();
  }
}

async function readCsv(
  name: string,
  stream: Readable,
  onRows: (table: ArchiveTable, rows: Row[]) => void,
): Promise<void> {
  const reader = new CsvTableReader(name);
  const put = (part: ReturnType<CsvTableReader['end']>): void => {
    if (part !== null && part.rows.length > 0) onRows(part.table, part.rows);
  };
  for await (const text of stream.setEncoding('utf8')) put(reader.push(text as string));
  put(reader.end());
}

/** By name, none of them twice, all of them known and small enough. */
async function entriesOf(zip: yauzl.ZipFile): Promise<Map<string, yauzl.Entry>> {
  const known = new Set([HEADER, ...TABLES.flatMap(({ name }) => [`${name}.csv`, `${name}.parquet`])]);
  const entries = new Map<string, yauzl.Entry>();
  let bytes = 0;
  if (zip.entryCount > LIMITS.entries)
    throw invalid(`holds ${zip.entryCount} files; an archive holds at most ${LIMITS.entries}`);
  for await (const entry of zip.eachEntry()) {
    const { fileName: name, uncompressedSize, compressedSize } = entry;
    // Whatever its path: an archive has no folders.
    if (!known.has(name)) throw invalid(`holds a file no archive has: ${JSON.stringify(name.slice(0, 80))}`);
    if (entries.has(name)) throw invalid(`holds ${name} twice`);
    if (entry.isEncrypted()) throw invalid(`${name} is encrypted`);
    bytes += uncompressedSize;
    const isBomb = uncompressedSize > LIMITS.smallBytes && uncompressedSize > compressedSize * LIMITS.ratio;
    if (isBomb || bytes > LIMITS.bytes)
      throw invalid(
        `${name} would unpack from ${compressedSize} to ${uncompressedSize} bytes, more than any archive`,
      );
    entries.set(name, entry);
  }
  return entries;
}

/** Yields no more than the entry says: yauzl ends a stream that does. */
const streamOf = (zip: yauzl.ZipFile, entry: yauzl.Entry): Promise<Readable> =>
  zip.openReadStreamPromise(entry);

/** In memory once, and not in pieces beside that. */
async function bytesOf(
  zip: yauzl.ZipFile,
  entry: yauzl.Entry,
  most: number,
): Promise<Uint8Array<ArrayBuffer>> {
  if (entry.uncompressedSize > most)
    throw invalid(`${entry.fileName} has ${entry.uncompressedSize} bytes; at most ${most} are read`);
  const bytes = new Uint8Array(entry.uncompressedSize);
  let at = 0;
  for await (const part of (await streamOf(zip, entry)) as AsyncIterable<Buffer>) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function versionOf(header: Uint8Array): unknown {
  try {
    return (JSON.parse(Buffer.from(header).toString()) as { version?: unknown } | null)?.version;
  } catch (cause) {
    throw invalid(`${HEADER} is no JSON`, cause);
  }
}

/** `autoClose` off: `readZip` closes. */
const ZIP_OPTIONS = { lazyEntries: true, autoClose: false, strictFileNames: true } as const;
export const openZip =
  (path: string): (() => Promise<yauzl.ZipFile>) =>
  () =>
    yauzl.openPromise(path, ZIP_OPTIONS);
export const openZipBuffer =
  (bytes: Buffer): (() => Promise<yauzl.ZipFile>) =>
  () =>
    yauzl.fromBufferPromise(bytes, ZIP_OPTIONS);
