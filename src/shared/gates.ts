/** The parts of an experiment, each by the median of its repetitions, and what limits say of them. */
import type { Run } from './experiments.ts';
import type { Gate } from './report.ts';
import { type GateLimits, judge } from './sla.ts';
import { medianInterval } from './statistics.ts';

/** Of its repetitions that are done; null where there is none, or one could not tell. */
export function medianOf(runs: readonly Run[], key: string, metric: string): number | null {
  const done = runs.filter((run) => run.key === key && run.state === 'done');
  const values = done.flatMap(({ result }) => result?.[metric]?.value ?? []);
  return values.length < done.length ? null : medianInterval(values).median;
}

export const keysOf = (runs: readonly Run[]): string[] => [...new Set(runs.map(({ key }) => key))];

/** Each part by the median of its repetitions. One that was not measured meets nothing. */
export function gatesOf(runs: readonly Run[], limits: GateLimits): Gate[] {
  const keys = keysOf(runs);
  return keys.flatMap((key) => {
    const names = new Set(runs.flatMap((run) => (run.key === key ? Object.keys(run.result ?? {}) : [])));
    const medians = [...names].map((name) => {
      const value = medianOf(runs, key, name);
      return [name, { value, unit: null, better: null }] as const;
    });
    return judge(limits, Object.fromEntries(medians), keys.length > 1 ? key : '');
  });
}
