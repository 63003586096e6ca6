/** What is read from other systems, as `data_sources` of lab.yaml says. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { LabFailure } from '../domain.ts';
import { queryNumber } from './query.ts';

const DataSourceStatus = z.object({
  url: z.string(),
  metrics: z.array(z.string()),
  /** When it was last read without an error; null before. */
  readAtMs: z.number().nullable(),
  /** Values that the newest reading brought. */
  values: z.number().int(),
  /** Why the newest attempt failed. */
  error: LabFailure.nullable(),
});
export type DataSourceStatus = z.infer<typeof DataSourceStatus>;

const CollectedSeries = z.object({
  source: z.string(),
  labels: z.record(z.string(), z.string()),
  tMs: z.array(z.number()),
  values: z.array(z.number()),
});
export type CollectedSeries = z.infer<typeof CollectedSeries>;

export const dataSources = {
  list: oc
    .route({
      method: 'GET',
      path: '/data-sources',
      summary: 'Data sources and their last error',
      tags: ['lab'],
    })
    .output(z.array(DataSourceStatus)),
  /** Of a window [fromMs, toMs). */
  values: oc
    .route({
      method: 'GET',
      path: '/data-sources/values',
      summary: 'What was read of a metric',
      tags: ['lab'],
    })
    .input(z.strictObject({ metric: z.string().min(1).max(200), fromMs: queryNumber, toMs: queryNumber }))
    .output(z.array(CollectedSeries)),
};
