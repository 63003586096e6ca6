/** Experiments written to files: archives, qlog and reports. */
import { mkdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decimateSeries } from '../../shared/congestion-series.ts';
import { LabError } from '../../shared/errors.ts';
import type { Experiment, ExportFile, ExportFormat, Run } from '../../shared/experiments.ts';
import { gateLimitsOf } from '../../shared/matrix.ts';
import type { Gate } from '../../shared/report.ts';
import { congestionQlog, type QlogSeries } from '../report/congestion-qlog.ts';
import { experimentReport, gatesOf, keysOf, medianOf } from '../report/experiment.ts';
import { reportHtml } from '../report/html.ts';
import { redactReport } from '../report/redact.ts';
import { reportCsv, reportJson, reportMarkdown } from '../report/text.ts';
import { writeArchive } from '../store/archive/files.ts';
import { fileError } from '../store/data-dir.ts';
import type { Store } from '../store/index.ts';
import { type RunsOf, runsOf } from './results.ts';

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
const CHART_POINTS = 1000;

interface Wanted {
  id: number;
  format: ExportFormat;
  redact: boolean;
  atMs: number;
}

/**
 * Writes the file whole or not at all. Throws RL_NOT_FOUND, RL_DISK_FULL, RL_DATA_UNWRITABLE, and RL_INPUT_INVALID where the format
 * has nothing of this experiment.
 */
export async function writeExport(
  store: Store,
  path: string,
  wanted: Wanted,
  runs: RunsOf = runsOf(store),
): Promise<void> {
  const { id, format, redact } = wanted;
  const draft = `${path}.${process.pid}.part`;
  const archive = format === 'jsonl' || format === 'csv' || format === 'parquet' ? format : null;
  if (redact && (archive !== null || format === 'qlog'))
    throw new LabError('RL_INPUT_INVALID', `redact: does not apply to ${format}, which loses nothing`, {
      field: 'redact',
    });
  // An archive has what is shown of it here.
  if (archive !== null) await runs(id);
  const tables = archive === null ? [] : store.archived(id);
  const text =
    archive !== null
      ? null
      : format === 'qlog'
        ? qlogText(store, id)
        : await reportText(store, { ...wanted, format: format as Exclude<ReportFormat, 'csv'> }, runs);
  try {
    rmSync(draft, { force: true });
    if (text !== null) writeFileSync(draft, text, { mode: 0o600 });
    else await writeArchive(draft, archive!, tables);
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw (thrown as NodeJS.ErrnoException).code === undefined
      ? thrown
      : fileError(`The export ${path} cannot be written`, thrown);
  }
}

function qlogText(store: Store, id: number): string {
  const { name } = store.experiments.get(id);
  const qlog = congestionQlog(name, seriesOf(store, store.runs.ofExperiment(id)));
  if (qlog !== null) return qlog;
  throw new LabError('RL_INPUT_INVALID', `format: no run of experiment ${id} has a congestion series`, {
    field: 'format',
  });
}

const RENDERERS = { html: reportHtml, md: reportMarkdown, json: reportJson, csv: reportCsv } as const;
type ReportFormat = keyof typeof RENDERERS;

interface ReportWanted {
  id: number;
  format: ReportFormat;
  redact: boolean;
  atMs: number;
}

/** What an experiment came to so far: its parts by the medians of their repetitions, and its gates. Throws RL_NOT_FOUND. */
export async function experimentOutcome(
  store: Store,
  id: number,
): Promise<{ experiment: Experiment; runs: Run[]; cells: OutcomeCell[]; gates: Gate[] }> {
  const experiment = store.experiments.get(id);
  const runs = await runsOf(store)(id);
  const cells = keysOf(runs).map((key) => {
    const own = runs.filter((run) => run.key === key);
    const { seed: _, ...parameters } = own[0]!.parameters;
    const names = new Set(own.flatMap(({ result }) => Object.keys(result ?? {})));
    return {
      key,
      parameters,
      done: own.filter(({ state }) => state === 'done').length,
      medians: Object.fromEntries([...names].map((name) => [name, medianOf(runs, key, name)])),
    };
  });
  return { experiment, runs, cells, gates: gatesOf(runs, gateLimitsOf(experiment)) };
}

export interface OutcomeCell {
  key: string;
  parameters: Run['parameters'];
  /** Repetitions that are done. */
  done: number;
  /** In the units of metrics. */
  medians: Record<string, number | null>;
}

/** The report of an experiment, printed. Throws RL_NOT_FOUND. */
export async function reportText(
  store: Store,
  { id, format, redact, atMs }: ReportWanted,
  known: RunsOf = runsOf(store),
): Promise<string> {
  const experiment = store.experiments.get(id);
  const runs = await known(id);
  const newest = runs.findLast((run) => seriesOf(store, [run]).length > 0);
  const charted = seriesOf(store, newest === undefined ? [] : [newest]).map(({ vantage, series }) => ({
    name: vantage,
    series: decimateSeries(series, { points: CHART_POINTS }),
  }));
  const limits = gateLimitsOf(experiment);
  const whole = experimentReport(experiment, runs, charted, { createdAtMs: atMs, limits });
  return RENDERERS[format](redact ? redactReport(whole, namesIn(experiment, runs)) : whole);
}

const seriesOf = (store: Store, runs: readonly Run[]): QlogSeries[] =>
  runs.flatMap(({ source, id, startedAtMs }) =>
    source !== 'probe'
      ? []
      : (['client', 'server'] as const).flatMap((vantage) => {
          const series = store.probes.series(id, vantage);
          return series === null ? [] : [{ title: `run ${id} ${vantage}`, vantage, startedAtMs, series }];
        }),
  );

/** Host names, and the names of routes and experiments, which are often those of hosts. */
function namesIn({ name, manifest }: Experiment, runs: readonly Run[]): string[] {
  const names: string[] = [];
  const walk = (value: unknown, key: string): void => {
    if (typeof value === 'string') {
      if (/^(host|serverName|name|target|file|system|title)$/.test(key)) names.push(value);
    } else if (value !== null && typeof value === 'object')
      for (const [inner, each] of Object.entries(value)) walk(each, Array.isArray(value) ? key : inner);
  };
  walk(manifest, '');
  for (const { parameters } of runs) walk(parameters, '');
  // `host:port ping` is what a probe of a host is called.
  const words = name
    .split(/\s+/)
    .flatMap((word) => /^([\w-]+\.)+[\w-]+(:\d+)?$/.exec(word)?.[0]?.split(':')[0] ?? []);
  return [...names, ...words];
}

export class Exports {
  readonly #store: Store;
  readonly #runs: RunsOf;

  constructor(store: Store, runs: RunsOf) {
    this.#store = store;
    this.#runs = runs;
  }

  /** Into the data folder's `exports/`, in place of an earlier one. Throws what `writeExport` throws. */
  async make(id: number, format: ExportFormat, redact: boolean): Promise<ExportFile> {
    const folder = join(this.#store.dataDir, 'exports');
    const { name: called } = this.#store.experiments.get(id);
    const { extension, mediaType } = FORMATS[format];
    const slug = called
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 40);
    // A report is not to be told by its name either.
    const name = `${redact || slug === '' ? 'experiment' : slug}-${id}${redact ? '-redacted' : ''}.${extension}`;
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
    } catch (thrown) {
      throw fileError(`The folder ${folder} cannot be made`, thrown);
    }
    const path = join(folder, name);
    await writeExport(this.#store, path, { id, format, redact, atMs: Date.now() }, this.#runs);
    return { name, path, url: `/exports/${name}`, bytes: statSync(path).size, mediaType };
  }
}
