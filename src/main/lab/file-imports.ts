/** Files taken as experiments, in as many parts as they come in. A file is put together in the data folder before it is read. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { IMPORT_PART_CHARS } from '../../shared/contract/probes.ts';
import { LabError } from '../../shared/errors.ts';
import type { ImportStep } from '../../shared/experiments.ts';
import { QlogReader } from '../quic/qlog/reader.ts';
import { readInto } from '../store/archive/files.ts';
import { fileError } from '../store/data-dir.ts';
import type { Store } from '../store/index.ts';
import { QlogImports } from './qlog-imports.ts';

const MAX_AT_ONCE = 4;
const MAX_BYTES = 2 * 2 ** 30;
/** A qlog is handed to its reader as text. */
const MAX_QLOG_BYTES = 400_000_000;
/** The next part of a file has to come within this. */
const PATIENCE_MS = 60_000;

interface Part {
  name: string;
  /** Base64. */
  data: string;
  continues?: number | undefined;
  more: boolean;
}

interface Unfinished {
  path: string;
  bytes: number;
  patience: NodeJS.Timeout | undefined;
}

export class FileImports {
  readonly #store: Store;
  readonly #qlogs: QlogImports;
  readonly #folder: string;
  readonly #unfinished = new Map<number, Unfinished>();
  #files = 0;

  constructor(store: Store, qlogs: QlogImports) {
    this.#store = store;
    this.#qlogs = qlogs;
    this.#folder = join(store.dataDir, 'imports');
    // What an earlier lab did not get the rest of.
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /**
   * Throws RL_INPUT_INVALID for what cannot be read, and then nothing is kept of it; RL_NOT_FOUND for a file that waits for no
   * part; RL_RATE_LIMITED when too many are under way.
   */
  async take({ name, data, continues, more }: Part): Promise<ImportStep> {
    const id = continues ?? this.#begin();
    const file = this.#unfinished.get(id);
    if (file === undefined)
      throw new LabError('RL_NOT_FOUND', `Import ${id} waits for no part`, { field: 'continues' });
    clearTimeout(file.patience);
    let waits = false;
    try {
      const bytes = Buffer.from(data, 'base64');
      file.bytes += bytes.length;
      if (file.bytes > MAX_BYTES)
        throw new LabError('RL_INPUT_INVALID', `data: a file of over ${MAX_BYTES} bytes`, { field: 'data' });
      this.#write(file.path, bytes);
      if (more) {
        file.patience = setTimeout(() => this.#forget(id), PATIENCE_MS);
        waits = true;
        return { continues: id, experiments: [] };
      }
      const experiment = await importFrom(this.#store, this.#qlogs, file.path, name);
      return { continues: null, experiments: [this.#store.experiments.get(experiment)] };
    } finally {
      if (!waits) this.#forget(id);
    }
  }

  /** The lab closes. */
  abandon(): void {
    for (const id of [...this.#unfinished.keys()]) this.#forget(id);
  }

  #begin(): number {
    if (this.#unfinished.size >= MAX_AT_ONCE)
      throw new LabError('RL_RATE_LIMITED', `${MAX_AT_ONCE} files are being imported already`);
    const id = ++this.#files;
    this.#unfinished.set(id, { path: join(this.#folder, `${id}.part`), bytes: 0, patience: undefined });
    return id;
  }

  #write(path: string, bytes: Buffer): void {
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
      appendFileSync(path, bytes, { mode: 0o600 });
    } catch (thrown) {
      throw fileError('The file to import cannot be kept', thrown);
    }
  }

  #forget(id: number): void {
    const file = this.#unfinished.get(id);
    if (file === undefined) return;
    clearTimeout(file.patience);
    this.#unfinished.delete(id);
    rmSync(file.path, { force: true });
  }
}

/**
 * The experiment of a file: an archive of ours, iperf3's JSON or a qlog. Throws RL_INPUT_INVALID for what is none, and leaves
 * nothing of it.
 */
async function importFrom(store: Store, qlogs: QlogImports, path: string, name: string): Promise<number> {
  const into = store.unarchive();
  try {
    if (await readInto(into, path, name, Date.now())) return into.commit();
  } catch (thrown) {
    into.discard();
    throw thrown;
  }
  if (statSync(path).size > MAX_QLOG_BYTES)
    throw new LabError('RL_INPUT_INVALID', `file: a qlog of over ${MAX_QLOG_BYTES} bytes`, { field: 'file' });
  const text = readFileSync(path, 'utf8');
  let run: { id: number } | undefined;
  for (let from = 0; run === undefined || from < text.length; from += IMPORT_PART_CHARS) {
    const part = {
      name,
      text: text.slice(from, from + IMPORT_PART_CHARS),
      continues: run?.id,
      more: from + IMPORT_PART_CHARS < text.length,
    };
    run = await qlogs.take(part).catch((thrown: unknown) => {
      throw thrown instanceof LabError && thrown.code === 'RL_INPUT_INVALID' ? unknownFile(thrown) : thrown;
    });
  }
  return store.probes.experimentOf(run.id);
}

/** The qlog reader is the last to look, and knows of nothing else that a file may be. */
const unknownFile = (cause: LabError): LabError =>
  new LabError(
    'RL_INPUT_INVALID',
    `file: neither what export wrote nor whole JSON of iperf3. ${cause.message}`,
    {
      field: 'file',
      hint: 'Give what export wrote (jsonl, csv, parquet), what iperf3 -J printed, or a qlog, none of them cut short.',
      cause,
    },
  );

/** As `FileImports`, of a file on the disk, where no lab runs. */
export async function importFile(store: Store, path: string, name: string): Promise<number> {
  const reader = new QlogReader();
  const request = async (_: string, { text, more }: { text: string; more: boolean }): Promise<unknown> => {
    reader.push(text);
    return more ? null : reader.end();
  };
  return importFrom(
    store,
    new QlogImports(store, { request } as ConstructorParameters<typeof QlogImports>[1]),
    path,
    name,
  );
}
