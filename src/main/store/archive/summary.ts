/** How many raw samples an experiment has, by table. */
import type { SampleSummary } from '../../../shared/experiments.ts';
import type { ReadHandle } from '../handles.ts';
import { SAMPLES } from './tables.ts';

export function sampleSummary(db: ReadHandle): (experimentId: number) => SampleSummary[] {
  const queries = SAMPLES.map(({ name }) => ({
    name,
    query: db.query<[number], { n: number; first: number | null; last: number | null }>(
      `SELECT count(*) AS n, min(at_us) AS first, max(at_us) AS last FROM ${name}
       WHERE run_id IN (SELECT id FROM run WHERE experiment_id = ?)`,
    ),
  }));
  return (experimentId) =>
    queries.flatMap(({ name, query }) => {
      const { n, first, last } = query.get(experimentId)!;
      if (n === 0) return [];
      return [{ table: name, rows: n, fromMs: first! / 1000, toMs: last! / 1000 }];
    });
}
