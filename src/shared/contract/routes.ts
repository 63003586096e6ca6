/** Routes, their live measurements and their history. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import {
  Route,
  RouteEvent,
  RouteId,
  RouteInput,
  RoutePatch,
  RouteStatus,
  Series,
  StoredPingStats,
  TransportSnapshot,
} from '../domain.ts';
import { queryNumber } from './query.ts';

const routeRef = z.strictObject({ id: RouteId });

export const routes = {
  list: oc
    .route({ method: 'GET', path: '/routes', summary: 'All routes', tags: ['routes'] })
    .output(z.array(Route)),
  create: oc
    .route({
      method: 'POST',
      path: '/routes',
      summary: 'Add a route',
      tags: ['routes'],
      successStatus: 201,
    })
    .input(RouteInput)
    .output(Route),
  update: oc
    .route({ method: 'PATCH', path: '/routes/{id}', summary: 'Change a route', tags: ['routes'] })
    .input(RoutePatch.extend({ id: RouteId }))
    .output(Route),
  remove: oc
    .route({
      method: 'DELETE',
      path: '/routes/{id}',
      summary: 'Remove a route; its measurements are kept',
      tags: ['routes'],
    })
    .input(routeRef)
    .output(z.object({ removed: z.literal(true) })),
  restore: oc
    .route({ method: 'POST', path: '/routes/{id}/restore', summary: 'Undo a removal', tags: ['routes'] })
    .input(routeRef)
    .output(Route),
  start: oc
    .route({
      method: 'POST',
      path: '/routes/{id}/start',
      summary: 'Start probing a route',
      tags: ['routes'],
    })
    .input(routeRef)
    .output(Route),
  stop: oc
    .route({ method: 'POST', path: '/routes/{id}/stop', summary: 'Stop probing a route', tags: ['routes'] })
    .input(routeRef)
    .output(Route),
  status: oc
    .route({
      method: 'GET',
      path: '/routes/status',
      summary: 'The newest measurements of every route',
      tags: ['routes'],
    })
    .output(z.array(RouteStatus)),
  /** Yields the statuses of all routes: at once, then whenever any changed, at most twice a second. */
  watch: oc
    .route({ method: 'GET', path: '/routes/watch', summary: 'Live measurements (SSE)', tags: ['routes'] })
    .output(eventIterator(z.array(RouteStatus))),
  /** Over any window, exact while its samples are few; `source` says what they were made of. */
  stats: oc
    .route({
      method: 'GET',
      path: '/routes/{id}/stats',
      summary: 'Ping statistics of a window, from the store',
      tags: ['routes'],
    })
    .input(z.strictObject({ id: RouteId, fromMs: queryNumber, toMs: queryNumber }))
    .output(StoredPingStats),
  /** In 300 buckets unless told otherwise, or fewer: those of roll-ups are whole minutes or hours. */
  series: oc
    .route({
      method: 'GET',
      path: '/routes/{id}/series',
      summary: 'History of a route, decimated to buckets',
      tags: ['routes'],
    })
    .input(
      z.strictObject({
        id: RouteId,
        fromMs: queryNumber,
        toMs: queryNumber,
        buckets: queryNumber.optional(),
      }),
    )
    .output(Series),
  /** The newest snapshot of each bucket, oldest first; 300 buckets unless told otherwise. As long as samples are kept. */
  transport: oc
    .route({
      method: 'GET',
      path: '/routes/{id}/transport',
      summary: 'Congestion window, pacing and counters of a route’s connections, from the store',
      tags: ['routes'],
    })
    .input(
      z.strictObject({
        id: RouteId,
        fromMs: queryNumber,
        toMs: queryNumber,
        buckets: queryNumber.optional(),
      }),
    )
    .output(z.array(TransportSnapshot)),
  /** The newest, oldest first, at most 1000 unless told otherwise. */
  events: oc
    .route({
      method: 'GET',
      path: '/routes/{id}/events',
      summary: 'When a route came up and went down, and why',
      tags: ['routes'],
    })
    .input(
      z.strictObject({
        id: RouteId,
        fromMs: queryNumber,
        toMs: queryNumber,
        limit: queryNumber.optional(),
      }),
    )
    .output(z.array(RouteEvent)),
  /**
   * Yields first the backlog of `windowMs`, then each bucket once all its pings are resolved. A transfer counts
   * in the bucket it began in: when it ends after that bucket was sent, the buckets from there on come again.
   */
  watchSeries: oc
    .route({
      method: 'GET',
      path: '/routes/{id}/series/watch',
      summary: 'Live history (SSE)',
      tags: ['routes'],
    })
    .input(z.strictObject({ id: RouteId, windowMs: queryNumber, bucketMs: queryNumber }))
    .output(eventIterator(Series)),
};
