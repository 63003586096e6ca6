/** Where a lab's exports are, what they are called, and how long they are kept. */
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { ExportFile, ExportFormat } from '../../shared/experiments.ts';
import { fileError } from '../store/data-dir.ts';
import type { Store } from '../store/index.ts';
import { DRAFT, type Wanted, writeExport } from './exports.ts';
import type { Log } from './log.ts';
import type { RunsOf } from './results.ts';

/** Of the file, and what a browser takes it for. */
const FORMATS: Readonly<Record<ExportFormat, { extension: string; mediaType: string }>> = {
  jsonl: { extension: 'jsonl', mediaType: 'application/jsonl' },
  csv: { extension: 'csv.zip', mediaType: 'application/zip' },
  parquet: { extension: 'parquet.zip', mediaType: 'application/zip' },
  qlog: { extension: 'qlog', mediaType: 'application/json' },
  html: { extension: 'html', mediaType: 'text/html; charset=utf-8' },
  md: { extension: 'md', mediaType: 'text/markdown; charset=utf-8' },
  json: { extension: 'json', mediaType: 'application/json' },
};
/** Of a single table. */
const TABLE_FORMATS: Partial<typeof FORMATS> = {
  csv: { extension: 'csv', mediaType: 'text/csv; charset=utf-8' },
  parquet: { extension: 'parquet', mediaType: 'application/vnd.apache.parquet' },
};
/** Folders of the data folder: for the user, and for browsers to download from. */
const FOLDERS = { own: 'exports', downloads: 'downloads' } as const;
export const DOWNLOADS_FOLDER = FOLDERS.downloads;
const DOWNLOADS_KEPT_MS = 7 * 86_400_000;
const TIDY_EVERY_MS = 3_600_000;

export interface ExportsOptions {
  store: Store;
  runs: RunsOf;
  log: Log;
  /** Whether browsers download them: then they are kept for some days only. */
  downloads: boolean;
}

/** Files that experiments are exported to. */
export class Exports {
  readonly #options: ExportsOptions;
  readonly #folder: string;
  readonly #tidying: NodeJS.Timeout;

  constructor(options: ExportsOptions) {
    const { store, downloads } = options;
    this.#options = options;
    this.#folder = join(store.dataDir, downloads ? FOLDERS.downloads : FOLDERS.own);
    // What an earlier lab did not finish: this one is only now beginning.
    this.#remove((name) => name.endsWith(DRAFT));
    this.#removeOld();
    this.#tidying = setInterval(() => this.#removeOld(), TIDY_EVERY_MS).unref();
  }

  /** In place of an earlier one. Throws what `writeExport` throws. */
  async make(wanted: Omit<Wanted, 'atMs'>): Promise<ExportFile> {
    const { store, runs } = this.#options;
    const { id, redact, table } = wanted;
    const { name: called } = store.experiments.get(id);
    const ofTable = table === undefined ? undefined : TABLE_FORMATS[wanted.format];
    const { extension, mediaType } = ofTable ?? FORMATS[wanted.format];
    const slug = called
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 40);
    const parts = [
      // A report is not to be told by its name either.
      redact || slug === '' ? 'experiment' : slug,
      id,
      ...(table === undefined ? [] : [table.replaceAll('_', '-')]),
      ...(redact ? ['redacted'] : []),
    ];
    const name = `${parts.join('-')}.${extension}`;
    const path = join(this.#folder, name);
    try {
      mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    } catch (thrown) {
      throw fileError(`The folder ${this.#folder} cannot be made`, thrown);
    }
    await writeExport(store, path, { ...wanted, atMs: Date.now() }, runs);
    return { name, path, url: `/exports/${name}`, bytes: statSync(path).size, mediaType };
  }

  /** The lab closes. */
  close(): void {
    clearInterval(this.#tidying);
  }

  #removeOld(): void {
    if (!this.#options.downloads) return;
    const before = Date.now() - DOWNLOADS_KEPT_MS;
    this.#remove((name) => statSync(join(this.#folder, name)).mtimeMs < before);
  }

  #remove(isGone: (name: string) => boolean): void {
    try {
      if (!existsSync(this.#folder)) return;
      for (const name of readdirSync(this.#folder).filter(isGone)) rmSync(join(this.#folder, name));
    } catch (thrown) {
      this.#options.log.warn({ reason: (thrown as Error).message }, 'old exports cannot be deleted');
    }
  }
}
