/** Experiments, their runs and metrics in words and numbers. Pure. */
import {
  type ComparedMetric,
  type Experiment,
  type ExperimentKind,
  isEmulated,
  type MetricValue,
  pathsOf,
  type Run,
  type RunCounts,
} from '../../../shared/experiments.ts';
import { medianInterval } from '../../../shared/statistics.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../../shared/units.ts';

/** A metric in its unit, with as many decimals everywhere. */
export function metricText(value: number | null, unit: string | null): string {
  if (value === null) return '–';
  switch (unit) {
    case 'us':
      return formatDuration(value, 2);
    case 'bps':
      return formatRate(value);
    case 'ratio':
      return formatPercent(value, 2);
    case 'bytes':
      return value < 0 ? `-${formatBytes(-value)}` : formatBytes(value);
    case null:
      return String(Number(value.toPrecision(6)));
    default:
      return `${Number(value.toPrecision(6))} ${unit}`;
  }
}

/** The same with its sign, as differences are written. */
export const differenceText = (value: number, unit: string | null): string =>
  value > 0 ? `+${metricText(value, unit)}` : metricText(value, unit).replace(/^-/, '−');

const ENDED = ['done', 'failed', 'cancelled', 'interrupted'] as const;
export const endedOf = (runs: RunCounts): number => ENDED.reduce((sum, state) => sum + runs[state], 0);
export const totalOf = (runs: RunCounts): number => Object.values(runs).reduce((sum, n) => sum + n, 0);
export const isUnderWay = ({ runs }: Pick<Experiment, 'runs'>): boolean => runs.queued + runs.running > 0;

/** Kinds whose runs are queued all at once, so that what was cut short can be gone on with. */
const OF_CELLS: readonly ExperimentKind[] = ['matrix', 'scenario', 'fairness', 'compare'];
export const isOfCells = ({ kind }: Pick<Experiment, 'kind'>): boolean => OF_CELLS.includes(kind);
/** Runs that were asked for and did not come to a result. */
export const missingOf = ({ failed, cancelled, interrupted }: RunCounts): number =>
  failed + cancelled + interrupted;

/** What its kind and its manifest say of the paths that were measured. */
export function marksOf(experiment: Pick<Experiment, 'kind' | 'imported' | 'manifest'>): {
  emulated: boolean;
  insecure: boolean;
  imported: boolean;
} {
  return {
    emulated: isEmulated(experiment),
    insecure: pathsOf(experiment.manifest).some((path) => path['insecure'] === true),
    imported: experiment.imported,
  };
}

export interface MetricSummary {
  /** Which part of the experiment; null where there is but one. */
  key: string | null;
  name: string;
  unit: string | null;
  n: number;
  median: number | null;
  /** At 95 %; null with fewer than six runs. */
  interval: { low: number; high: number } | null;
  min: number | null;
  max: number | null;
}

/** The names of all metrics of the runs, in the order they come. */
export const metricNames = (runs: readonly Pick<Run, 'result'>[]): string[] => [
  ...new Set(runs.flatMap(({ result }) => Object.keys(result ?? {}))),
];

const USUAL = ['goodput_down', 'goodput_up', 'goodput', 'rtt_p50', 'handshake_p50'];
/** The metric that is shown where one is: the one asked for, else one that most want to see; null where there is none. */
export function shownMetric(runs: readonly Pick<Run, 'result'>[], asked: string | null): string | null {
  const names = metricNames(runs);
  if (asked !== null && names.includes(asked)) return asked;
  return USUAL.find((each) => names.includes(each)) ?? names[0] ?? null;
}

/** Every metric over the repetitions of each part: of runs that are done. */
export function summariseRuns(runs: readonly Run[]): MetricSummary[] {
  const done = runs.filter(({ state }) => state === 'done');
  const isKeyed = new Set(runs.map(({ key }) => key)).size > 1;
  return [...Map.groupBy(done, ({ key }) => key)].flatMap(([key, own]) =>
    metricNames(own).map((name) => {
      const found = own.flatMap(({ result }) => result?.[name] ?? []) as MetricValue[];
      const values = found.flatMap(({ value }) => (value === null ? [] : [value]));
      const { n, median, low, high } = medianInterval(values);
      return {
        key: isKeyed ? key : null,
        name,
        unit: found[0]!.unit,
        n,
        median,
        interval: low === null || high === null ? null : { low, high },
        min: n === 0 ? null : values.reduce((a, b) => Math.min(a, b)),
        max: n === 0 ? null : values.reduce((a, b) => Math.max(a, b)),
      };
    }),
  );
}

/** Seconds until `left` more runs are over, by how long those that are done took at the median; null where none is. */
export function etaS(runs: readonly Run[], left: number, nowMs: number): number | null {
  const took = runs.flatMap(({ state, startedAtMs, endedAtMs }) =>
    state === 'done' && startedAtMs !== null && endedAtMs !== null ? [(endedAtMs - startedAtMs) / 1e3] : [],
  );
  const { median } = medianInterval(took);
  if (median === null || left <= 0) return null;
  const running = runs.find(({ state }) => state === 'running');
  const spent = running?.startedAtMs ? (nowMs - running.startedAtMs) / 1e3 : 0;
  return Math.max(0, median * left - Math.min(spent, median));
}

export const VERDICTS: Readonly<Record<NonNullable<ComparedMetric['verdict']>, string>> = {
  better: 'better',
  worse: 'worse',
  differs: 'differs',
  inconclusive: 'inconclusive',
  too_few: 'too few runs',
};

/** How a metric's axis is labelled. */
export function axisOf(unit: string | null): { title: string; scale: number } {
  switch (unit) {
    case 'us':
      return { title: 'ms', scale: 1e-3 };
    case 'bps':
      return { title: 'Mbit/s', scale: 1e-6 };
    case 'ratio':
      return { title: '%', scale: 100 };
    case 'bytes':
      return { title: 'MB', scale: 1e-6 };
    default:
      return { title: unit ?? '', scale: 1 };
  }
}
