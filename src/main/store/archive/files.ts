/** Files: archives written, and whatever is given read as one. */
import {
  closeSync,
  createReadStream,
  createWriteStream,
  openSync,
  readSync,
  statSync,
  type WriteStream,
} from 'node:fs';
import { basename } from 'node:path';
import { Readable } from 'node:stream';
import { text as textOf } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { importManifest } from '../../../shared/experiments.ts';
import { parseBounded } from './bounded-json.ts';
import { csvParts } from './csv.ts';
import type { ArchivedTable } from './export.ts';
import type { ArchiveImport } from './import.ts';
import { type Iperf3Run, isIperf3, readIperf3 } from './iperf3.ts';
import { isJsonl, JsonlReader, jsonlParts } from './jsonl.ts';
import { parquetParts } from './parquet.ts';
import { invalid } from './rows.ts';
import { EXPERIMENT, RUN } from './tables.ts';
import { openZip, readZip, writeZip } from './zip.ts';

export type ArchiveFormat = 'jsonl' | 'csv' | 'parquet';

/** What ours and iperf3's JSON may have, which is held in memory. */
const MAX_JSON_BYTES = 64_000_000;

/** Throws RL_DISK_FULL and others of the system's; a file that was begun then is not whole. */
export async function writeArchive(
  path: string,
  format: ArchiveFormat,
  tables: readonly ArchivedTable[],
): Promise<void> {
  if (format === 'jsonl') await writeParts(path, jsonlParts(tables));
  else await writeZip(newFile(path), format, tables);
}

/** As `writeArchive`, of one table alone. */
export const writeTable = (path: string, format: 'csv' | 'parquet', table: ArchivedTable): Promise<void> =>
  writeParts(path, format === 'csv' ? csvParts(table) : parquetParts(table));

const newFile = (path: string): WriteStream => createWriteStream(path, { flags: 'wx', mode: 0o600 });

/** Of any new file, as its parts come. */
export const writeParts = (path: string, parts: Iterable<string | Uint8Array>): Promise<void> =>
  pipeline(Readable.from(parts, { objectMode: false }), newFile(path));

/** What a file is, as far as its first bytes tell. */
function fileKind(path: string): 'zip' | 'jsonl' | 'parquet' | 'json' | 'other' {
  const head = Buffer.alloc(512);
  const file = openSync(path, 'r');
  const length = readSync(file, head, 0, head.length, 0);
  closeSync(file);
  // PK\3\4, or PK\5\6 of one without entries.
  if (head[0] === 0x50 && head[1] === 0x4b && (head[2] === 3 || head[2] === 5)) return 'zip';
  const text = head
    .subarray(0, length)
    .toString('utf8')
    .replace(/^\uFEFF/, '')
    .trimStart();
  if (text.startsWith('PAR1')) return 'parquet';
  if (isJsonl(text)) return 'jsonl';
  // RFC 7464 records begin with a record separator: JSON-SEQ, as qlog has it.
  return text.startsWith('{') ? 'json' : 'other';
}

/**
 * Reads an archive of ours, or iperf3's JSON, into `into`. False, with nothing put, where it is neither: perhaps a qlog. Throws
 * RL_INPUT_INVALID, field `file`.
 */
export async function readInto(
  into: ArchiveImport,
  path: string,
  name: string,
  nowMs: number,
): Promise<boolean> {
  switch (fileKind(path)) {
    case 'zip':
      await readZip(openZip(path), into.put);
      return true;
    case 'jsonl': {
      const reader = new JsonlReader(into.put);
      for await (const part of createReadStream(path, { encoding: 'utf8', highWaterMark: 1 << 18 }))
        reader.push(part as string);
      reader.end();
      return true;
    }
    case 'parquet':
      throw invalid('is one Parquet table; an archive is the ZIP file that export wrote it in');
    case 'json': {
      if (statSync(path).size > MAX_JSON_BYTES) return false;
      const json = parsed(await textOf(createReadStream(path)));
      if (!isIperf3(json)) return false;
      putIperf3(into, basename(name), readIperf3(json), nowMs);
      return true;
    }
    default:
      return false;
  }
}

function parsed(text: string): unknown {
  try {
    return parseBounded(text.replace(/^\uFEFF/, ''));
  } catch {
    return null;
  }
}

function putIperf3(into: ArchiveImport, file: string, run: Iperf3Run, nowMs: number): void {
  const { startedAtMs, endedAtMs, result, error } = run;
  const { intervals, ...settings } = run.parameters;
  const manifest = importManifest(file, settings);
  const atMs = startedAtMs ?? nowMs;
  const failure = error && { code: 'RL_CONNECTION_LOST', message: error, hint: '' };
  into.put(EXPERIMENT, [[file, 'import', '', '["iperf3"]', atMs, JSON.stringify(manifest)]]);
  into.put(RUN, [
    [
      1,
      '',
      0,
      error === null ? 'done' : 'failed',
      atMs,
      startedAtMs,
      endedAtMs,
      JSON.stringify({ ...settings, intervals }),
      JSON.stringify(result),
      failure ? JSON.stringify(failure) : null,
      0,
    ],
  ]);
}
