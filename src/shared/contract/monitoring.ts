/** The system the lab runs on, and the health of the lab's parts. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { MonitoringNow, SystemSeries } from '../monitoring.ts';
import { queryNumber } from './query.ts';

const tags = ['monitoring'];

export const monitoring = {
  now: oc
    .route({
      method: 'GET',
      path: '/monitoring',
      summary: 'The newest sample of the system, and health',
      tags,
    })
    .output(MonitoringNow),
  /** Yields at once, then after every sample and every check of the alert rules. */
  watch: oc
    .route({ method: 'GET', path: '/monitoring/watch', summary: 'The same, live (SSE)', tags })
    .output(eventIterator(MonitoringNow)),
  series: oc
    .route({ method: 'GET', path: '/monitoring/series', summary: 'History of the system, decimated', tags })
    .input(z.strictObject({ fromMs: queryNumber, toMs: queryNumber, buckets: queryNumber.optional() }))
    .output(SystemSeries),
};
