/** Experiments written to files: archives, qlog and reports. */
import { randomUUID } from 'node:crypto';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { decimateSeries } from '../../shared/congestion-series.ts';
import { LabError } from '../../shared/errors.ts';
import type { Experiment, ExportFormat, ExportTable, Run } from '../../shared/experiments.ts';
import { gatesOf, keysOf, medianOf } from '../../shared/gates.ts';
import { gateLimitsOf } from '../../shared/matrix.ts';
import type { Gate } from '../../shared/report.ts';
import { congestionQlog, type QlogSeries } from '../report/congestion-qlog.ts';
import { experimentReport } from '../report/experiment.ts';
import { reportHtml } from '../report/html.ts';
import { redactReport } from '../report/redact.ts';
import { reportCsv, reportJson, reportMarkdown } from '../report/text.ts';
import type { RunResults } from '../store/archive/export.ts';
import { writeArchive, writeParts, writeTable } from '../store/archive/files.ts';
import { fileError } from '../store/data-dir.ts';
import type { Store } from '../store/index.ts';
import { type RunsOf, runsOf } from './results.ts';

/** Ending of a file that is being written. */
export const DRAFT = '.part';
const CHART_POINTS = 1000;

export interface Wanted {
  id: number;
  format: ExportFormat;
  redact: boolean;
  /** That table alone. */
  table?: ExportTable | undefined;
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
  const write = await writerOf(store, wanted, runs);
  const draft = `${path}.${randomUUID()}${DRAFT}`;
  try {
    await write(draft);
    renameSync(draft, path);
  } catch (thrown) {
    rmSync(draft, { force: true });
    const isOfFile = !(thrown instanceof LabError) && (thrown as NodeJS.ErrnoException).code !== undefined;
    throw isOfFile ? fileError(`The export ${path} cannot be written`, thrown) : thrown;
  }
}

/** Throws for what cannot be had, before anything is written. */
async function writerOf(
  store: Store,
  wanted: Wanted,
  runs: RunsOf,
): Promise<(path: string) => void | Promise<void>> {
  const { id, format, redact, table } = wanted;
  const isArchive = format === 'jsonl' || format === 'csv' || format === 'parquet';
  if (redact && (isArchive || format === 'qlog'))
    throw new LabError('RL_INPUT_INVALID', `redact: does not apply to ${format}, which loses nothing`, {
      field: 'redact',
    });
  if (table !== undefined) {
    if (format !== 'csv' && format !== 'parquet')
      throw new LabError('RL_INPUT_INVALID', `table: does not apply to ${format}, but to csv and parquet`, {
        field: 'table',
      });
    const results = table === 'run' ? await resultsOf(id, runs) : undefined;
    const one = store.archived(id, results).find((each) => each.table.name === table)!;
    return (path) => writeTable(path, format, one);
  }
  if (isArchive) {
    const tables = store.archived(id, await resultsOf(id, runs));
    return (path) => writeArchive(path, format, tables);
  }
  if (format === 'qlog') {
    const parts = qlogParts(store, id);
    return (path) => writeParts(path, parts);
  }
  const text = await reportText(store, { ...wanted, format }, runs);
  return (path) => writeFileSync(path, text, { mode: 0o600 });
}

/** An archive has what is shown of it here, also of what is under way. */
const resultsOf = async (id: number, runs: RunsOf): Promise<RunResults> =>
  new Map((await runs(id)).flatMap((run) => (run.source === 'run' ? [[run.id, run.result]] : [])));

function qlogParts(store: Store, id: number): Iterable<string> {
  const { name } = store.experiments.get(id);
  const runs = store.runs.ofExperiment(id);
  if (!hasSeries(store, runs))
    throw new LabError('RL_INPUT_INVALID', `format: no run of experiment ${id} has a congestion series`, {
      field: 'format',
    });
  return congestionQlog(name, seriesOf(store, runs));
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
  const newest = runs.findLast((run) => hasSeries(store, [run]));
  const charted = [...seriesOf(store, newest === undefined ? [] : [newest])].map(({ vantage, series }) => ({
    name: vantage,
    series: decimateSeries(series, { points: CHART_POINTS }),
  }));
  const limits = gateLimitsOf(experiment);
  const whole = experimentReport(experiment, runs, charted, { createdAtMs: atMs, limits });
  return RENDERERS[format](redact ? redactReport(whole, namesIn(experiment, runs)) : whole);
}

/** One read at a time. */
function* seriesOf(store: Store, runs: readonly Run[]): Generator<QlogSeries> {
  for (const { source, id, startedAtMs } of runs) {
    if (source !== 'probe') continue;
    for (const vantage of ['client', 'server'] as const) {
      const series = store.probes.series(id, vantage);
      if (series !== null) yield { title: `run ${id} ${vantage}`, vantage, startedAtMs, series };
    }
  }
}

const hasSeries = (store: Store, runs: readonly Run[]): boolean => {
  const [first] = seriesOf(store, runs);
  return first !== undefined;
};

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
