/** Experiments side by side: what of their manifests differs, and how their metrics lie to the baseline's. */
import { LabError } from '../../shared/errors.ts';
import type { ComparedMetric, Comparison, Experiment, MetricValue, Run } from '../../shared/experiments.ts';
import { metricTitle } from '../../shared/metrics.ts';
import { ratio, shift } from '../../shared/shift.ts';
import { medianInterval } from '../../shared/statistics.ts';
import type { Store } from '../store/index.ts';
import type { RunsOf } from './results.ts';

export async function compareExperiments(
  store: Store,
  runsOf: RunsOf,
  { ids, baselineId, all }: { ids: readonly number[]; baselineId?: number | undefined; all: boolean },
): Promise<Comparison> {
  if (new Set(ids).size !== ids.length)
    throw new LabError('RL_INPUT_INVALID', 'ids: names an experiment twice', { field: 'ids' });
  const experiments = withPinned(
    store,
    ids.map((id) => store.experiments.get(id)),
    baselineId,
  );
  const baseline =
    baselineId === undefined
      ? (experiments.find(({ pinned }) => pinned) ?? experiments[0]!)
      : experiments.find(({ id }) => id === baselineId);
  if (baseline === undefined)
    throw new LabError('RL_INPUT_INVALID', `baselineId: ${baselineId} is none of the experiments`, {
      field: 'baselineId',
    });
  const runs: Run[][] = [];
  for (const { id } of experiments) runs.push((await runsOf(id)).filter(({ state }) => state === 'done'));
  return {
    baselineId: baseline.id,
    experiments,
    parameters: parametersOf(experiments, all),
    metrics: metricsOf(runs, experiments.indexOf(baseline)),
  };
}

/** Where none is named, the baseline of their kind is one of them. */
function withPinned(store: Store, asked: Experiment[], baselineId: number | undefined): Experiment[] {
  const [kind, another] = new Set(asked.map((each) => each.kind));
  if (baselineId !== undefined || another !== undefined || asked.some(({ pinned }) => pinned)) return asked;
  const pinned = store.experiments.pinnedOf(kind!);
  return pinned === null ? asked : [pinned, ...asked];
}

/** Every leaf of a manifest by its path. */
function* leaves(value: unknown, path: string): Generator<[string, unknown]> {
  const inner = value !== null && typeof value === 'object' ? Object.entries(value) : [];
  if (inner.length === 0) yield [path, value];
  for (const [key, each] of inner) yield* leaves(each, path === '' ? key : `${path}.${key}`);
}

function parametersOf(experiments: readonly Experiment[], all: boolean): Comparison['parameters'] {
  const told = experiments.map(({ manifest }) => new Map(leaves(manifest, '')));
  const paths = new Set(told.flatMap((each) => [...each.keys()]));
  return [...paths].flatMap((path) => {
    const values = told.map((each) => each.get(path) ?? null);
    const differs = new Set(values.map((value) => JSON.stringify(value))).size > 1;
    return differs || all ? [{ path, differs, values }] : [];
  });
}

function metricsOf(runs: readonly (readonly Run[])[], baseline: number): Comparison['metrics'] {
  // Two monitors have a key each, which says nothing of what belongs together.
  const isKeyed = runs.some((each) => new Set(each.map(({ key }) => key)).size > 1);
  const rows = new Map<
    string,
    { key: string | null; name: string; metric: MetricValue; values: number[][] }
  >();
  for (const [i, each] of runs.entries()) {
    for (const { key, result } of each) {
      for (const [name, metric] of Object.entries(result ?? {})) {
        const at = isKeyed ? key : null;
        const id = JSON.stringify([at, name]);
        const row = rows.get(id) ?? { key: at, name, metric, values: runs.map(() => []) };
        rows.set(id, row);
        if (metric.value !== null) row.values[i]!.push(metric.value);
      }
    }
  }
  return [...rows.values()].map(({ key, name, metric, values }) => ({
    name,
    title: metricTitle(name),
    unit: metric.unit,
    key,
    cells: values.map((own, i) => compared(own, i === baseline ? null : values[baseline]!, metric.better)),
  }));
}

function compared(
  own: readonly number[],
  baseline: readonly number[] | null,
  better: MetricValue['better'],
): ComparedMetric {
  const { n, median, low, high } = medianInterval(own);
  const difference = baseline === null ? null : shift(own, baseline);
  return {
    n,
    median,
    interval: low === null || high === null ? null : { low, high },
    min: n === 0 ? null : own.reduce((a, b) => Math.min(a, b)),
    max: n === 0 ? null : own.reduce((a, b) => Math.max(a, b)),
    difference,
    ratio: baseline === null ? null : ratio(own, baseline),
    verdict: baseline === null ? null : verdictOf(difference, better),
  };
}

function verdictOf(
  difference: ComparedMetric['difference'],
  better: MetricValue['better'],
): ComparedMetric['verdict'] {
  if (difference === null) return 'too_few';
  const { low, high } = difference;
  if (low <= 0 && high >= 0) return 'inconclusive';
  if (better === null) return 'differs';
  return low > 0 === (better === 'higher') ? 'better' : 'worse';
}
