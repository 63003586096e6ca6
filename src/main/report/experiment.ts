/** The report of one experiment: its runs, and the median of what they came to. */
import type { CongestionSeries } from '../../shared/congestion-series.ts';
import { type Experiment, isEmulated, type Run } from '../../shared/experiments.ts';
import { gatesOf, keysOf, medianOf } from '../../shared/gates.ts';
import { metricTitle } from '../../shared/metrics.ts';
import {
  createReport,
  type Report,
  type ReportChart,
  type ReportColumn,
  type ReportTable,
} from '../../shared/report.ts';
import type { GateLimits } from '../../shared/sla.ts';
import { medianInterval } from '../../shared/statistics.ts';

/** Units of metrics as they are printed. */
const PRINTED: Readonly<Record<string, { unit: string; factor: number; digits: number }>> = {
  us: { unit: 'ms', factor: 1e-3, digits: 3 },
  bps: { unit: 'Mbit/s', factor: 1e-6, digits: 3 },
  ratio: { unit: '%', factor: 100, digits: 3 },
  bytes: { unit: 'bytes', factor: 1, digits: 0 },
};
const MOST_CHARTS = 6;

interface Metric {
  name: string;
  title: string;
  unit: string | null;
  factor: number;
  digits: number | null;
}

export interface ReportedSeries {
  name: string;
  series: CongestionSeries;
}

/** `series`: of the newest probe run, decimated. `limits`: what each part is held against. */
export function experimentReport(
  experiment: Experiment,
  runs: readonly Run[],
  series: readonly ReportedSeries[],
  { createdAtMs, limits }: { createdAtMs: number; limits: GateLimits },
): Report {
  const metrics = metricsOf(runs);
  const app = experiment.manifest['app'] as { version?: string; commit?: string | null } | null | undefined;
  const done = runs.filter(({ state }) => state === 'done').length;
  return createReport({
    title: experiment.name,
    createdAtMs,
    facts: [
      ['Kind', experiment.kind],
      ...(isEmulated(experiment) ? [['Path', 'emulated'] as [string, string]] : []),
      ['Begun', new Date(experiment.createdAtMs).toISOString()],
      ['Runs', `${runs.length}, of which ${done} done`],
      ...(app
        ? [['RouteLab', [app.version, app.commit].filter(Boolean).join(', ')] as [string, string]]
        : []),
      ...(experiment.tags.length > 0 ? [['Tags', experiment.tags.join(', ')] as [string, string]] : []),
      ...(experiment.notes !== '' ? [['Notes', experiment.notes] as [string, string]] : []),
    ],
    tables: [...cellTable(runs), summary(runs, metrics), runTable(runs, metrics)],
    charts: [...overRuns(runs, metrics), ...congestion(series)],
    gates: gatesOf(runs, limits),
    manifest: experiment.manifest,
  });
}

/** What a table of cells has of each, in its order. */
const CELL_METRICS = ['goodput_up', 'rtt_p50', 'rtt_p95', 'jitter', 'loss_ratio', 'errors'];

/** A row for each cell, with the medians of its repetitions; none where there are no cells. */
function cellTable(runs: readonly Run[]): ReportTable[] {
  const keys = keysOf(runs);
  if (keys.length < 2 || runs.some(({ source, routeId }) => source === 'probe' || routeId !== null))
    return [];
  const known = new Map(metricsOf(runs).map((metric) => [metric.name, metric]));
  const metrics = CELL_METRICS.flatMap((name) => known.get(name) ?? []);
  const rows = keys.map((key) => [
    key,
    runs.filter((run) => run.key === key && run.state === 'done').length,
    ...metrics.map(({ name, factor }) => {
      const value = medianOf(runs, key, name);
      return value === null ? null : value * factor;
    }),
  ]);
  const columns = [
    text('cell', 'Cell'),
    { ...text('runs', 'Runs'), digits: 0 },
    ...metrics.map(({ name, title, unit, digits }) => ({ key: name, title, unit, digits })),
  ];
  return [{ id: 'cells', title: 'Cells', columns, rows }];
}

function metricsOf(runs: readonly Run[]): Metric[] {
  const units = new Map<string, string | null>();
  /** Of no unit we know, but not counts either. */
  const fractions = new Set<string>();
  for (const { result } of runs)
    for (const [name, { unit, value }] of Object.entries(result ?? {})) {
      units.set(name, unit);
      if (value !== null && !Number.isInteger(value)) fractions.add(name);
    }
  return [...units].map(([name, unit]) => ({
    name,
    title: metricTitle(name),
    ...((unit === null ? undefined : PRINTED[unit]) ?? {
      unit,
      factor: 1,
      digits: fractions.has(name) ? 4 : null,
    }),
  }));
}

const numberOf = (run: Run, { name, factor }: Metric): number | null => {
  const value = run.result?.[name]?.value ?? null;
  return value === null ? null : value * factor;
};

const text = (key: string, title: string): ReportColumn => ({ key, title, unit: null, digits: null });

function summary(runs: readonly Run[], metrics: readonly Metric[]): ReportTable {
  const keys = [...new Set(runs.map(({ key }) => key))];
  const rows = keys.flatMap((key) =>
    metrics.flatMap((metric) => {
      const values = runs.flatMap((run) => {
        const value = run.key === key && run.state === 'done' ? numberOf(run, metric) : null;
        return value === null ? [] : [value];
      });
      if (values.length === 0) return [];
      const { n, median, low, high } = medianInterval(values);
      const fixed = (value: number | null): number | null =>
        value === null ? null : Number(value.toFixed(metric.digits ?? 3));
      const [least, most] = [Math.min(...values), Math.max(...values)];
      return [[key, metric.title, metric.unit, n, ...[median, low, high, least, most].map(fixed)]];
    }),
  );
  const isKeyed = keys.length > 1;
  const columns = [
    text('key', 'Part'),
    text('metric', 'Metric'),
    text('unit', 'Unit'),
    text('n', 'Runs'),
    text('median', 'Median'),
    text('low', '95 % from'),
    text('high', '95 % to'),
    text('min', 'Min'),
    text('max', 'Max'),
  ];
  return {
    id: 'summary',
    title: 'Summary',
    columns: isKeyed ? columns : columns.slice(1),
    rows: isKeyed ? rows : rows.map((row) => row.slice(1)),
  };
}

const runTable = (runs: readonly Run[], metrics: readonly Metric[]): ReportTable => ({
  id: 'runs',
  title: 'Runs',
  columns: [
    text('run', 'Run'),
    text('key', 'Part'),
    text('repetition', 'Repetition'),
    text('state', 'State'),
    text('begun', 'Begun'),
    ...metrics.map(({ name, title, unit, digits }) => ({ key: name, title, unit, digits })),
    text('error', 'Error'),
  ],
  rows: runs.map((run, i) => [
    i + 1,
    run.key === '' ? null : run.key,
    run.repetition,
    run.state,
    run.startedAtMs === null ? null : new Date(run.startedAtMs).toISOString(),
    ...metrics.map((metric) => numberOf(run, metric)),
    run.error?.message ?? null,
  ]),
});

/** How the metrics that have a better direction went from run to run, where there are several. */
function overRuns(runs: readonly Run[], metrics: readonly Metric[]): ReportChart[] {
  if (runs.length < 2) return [];
  const keys = [...new Set(runs.map(({ key }) => key))];
  return metrics
    .filter(({ name }) => runs.some(({ result }) => (result?.[name]?.better ?? null) !== null))
    .slice(0, MOST_CHARTS)
    .map((metric) => ({
      id: metric.name,
      title: metric.title,
      x: { title: 'Run', unit: null },
      y: { title: metric.title, unit: metric.unit },
      series: keys.map((key) => ({
        name: key,
        points: runs.flatMap((run, i) =>
          run.key === key ? [[i + 1, numberOf(run, metric)] as [number, number | null]] : [],
        ),
      })),
    }));
}

function congestion(series: readonly ReportedSeries[]): ReportChart[] {
  const chart = (id: 'cwndBytes' | 'rttUs', title: string, unit: string, factor: number): ReportChart => ({
    id,
    title,
    x: { title: 'Time', unit: 's' },
    y: { title, unit },
    series: series.map(({ name, series: each }) => ({
      name,
      points: each.tUs.map((tUs, i) => {
        const value = each[id][i] ?? null;
        return [tUs / 1e6, value === null ? null : value * factor];
      }),
    })),
  });
  if (series.length === 0) return [];
  return [chart('cwndBytes', 'Congestion window', 'kB', 1e-3), chart('rttUs', 'RTT', 'ms', 1e-3)];
}
