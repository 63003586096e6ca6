/**
 * The contract: every request and stream the UI, the CLI and the API use, once. Three carriers serve it:
 * Electron MessagePort and WebSocket (RPC), and REST described by OpenAPI. Input is parsed on arrival at each.
 */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import {
  Experiment,
  LabInfo,
  PingStats,
  Profile,
  Route,
  RouteId,
  RouteInput,
  RoutePatch,
  RouteStatus,
  Run,
  Series,
} from '../domain.ts';
import { ControllerInfo, ProbeInput, ProbeRun, ProbeSeries, ProbeUpdate, Vantage } from '../probes.ts';

/** An import's text comes in parts of so many characters, since a message over any carrier has at most 1 MB. */
export const IMPORT_PART_CHARS = 400_000;

const routeRef = z.strictObject({ id: RouteId });

/** REST query strings carry text; RPC carriers carry numbers. Both are accepted, neither is guessed at. */
const queryNumber = z.union([
  z.number(),
  z
    .string()
    .regex(/^-?\d+(\.\d+)?$/, 'not a number')
    .transform(Number),
]);

const probeRef = z.strictObject({ id: queryNumber });

export const contract = {
  lab: {
    info: oc
      .route({ method: 'GET', path: '/info', summary: 'What this lab is', tags: ['lab'] })
      .output(LabInfo),
  },
  routes: {
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
    /** Ping statistics recomputed from the store over any window. */
    stats: oc
      .route({
        method: 'GET',
        path: '/routes/{id}/stats',
        summary: 'Ping statistics of a window, from the store',
        tags: ['routes'],
      })
      .input(z.strictObject({ id: RouteId, fromMs: queryNumber, toMs: queryNumber }))
      .output(PingStats),
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
  },
  probes: {
    /** Runs at once; more than there may be are `queued`. */
    start: oc
      .route({
        method: 'POST',
        path: '/probes',
        summary: 'Measure a target once',
        tags: ['probes'],
        successStatus: 201,
      })
      .input(ProbeInput)
      .output(ProbeRun),
    list: oc
      .route({ method: 'GET', path: '/probes', summary: 'All probe runs, newest first', tags: ['probes'] })
      .output(z.array(ProbeRun)),
    get: oc
      .route({
        method: 'GET',
        path: '/probes/{id}',
        summary: 'One probe run and its result',
        tags: ['probes'],
      })
      .input(probeRef)
      .output(ProbeRun),
    /** Yields at once, then at most ten times a second while anything changes, and ends when the run has. */
    watch: oc
      .route({
        method: 'GET',
        path: '/probes/{id}/watch',
        summary: 'A probe run as it goes (SSE)',
        tags: ['probes'],
      })
      .input(probeRef)
      .output(eventIterator(ProbeUpdate)),
    /** What was measured by then is kept. */
    cancel: oc
      .route({
        method: 'POST',
        path: '/probes/{id}/cancel',
        summary: 'End a probe run early',
        tags: ['probes'],
      })
      .input(probeRef)
      .output(ProbeRun),
    /** Microseconds since the flow began; by default all of it, of the payload's sender, in 2000 points. */
    series: oc
      .route({
        method: 'GET',
        path: '/probes/{id}/series',
        summary: 'What the congestion controller of a run did, decimated',
        tags: ['probes'],
      })
      .input(
        z.strictObject({
          id: queryNumber,
          vantage: Vantage.optional(),
          fromUs: queryNumber.optional(),
          toUs: queryNumber.optional(),
          points: queryNumber.optional(),
        }),
      )
      .output(ProbeSeries),
    remove: oc
      .route({
        method: 'DELETE',
        path: '/probes/{id}',
        summary: 'Remove a probe run; cancels it first',
        tags: ['probes'],
      })
      .input(probeRef)
      .output(z.object({ removed: z.literal(true) })),
    restore: oc
      .route({ method: 'POST', path: '/probes/{id}/restore', summary: 'Undo a removal', tags: ['probes'] })
      .input(probeRef)
      .output(ProbeRun),
    /**
     * Reads a qlog file, ours or another implementation's. A longer text comes in parts: the first answers with a run that is
     * `running`; the others name it as `continues`, and all but the last have `more`.
     */
    importQlog: oc
      .route({
        method: 'POST',
        path: '/probes/import',
        summary: 'Take a qlog file as a run',
        tags: ['probes'],
        successStatus: 201,
      })
      .input(
        z.strictObject({
          /** What the run is called: the file's name. */
          name: z.string().trim().min(1).max(256),
          text: z.string().max(IMPORT_PART_CHARS),
          continues: z.number().int().optional(),
          more: z.boolean().default(false),
        }),
      )
      .output(ProbeRun),
  },
  controllers: {
    list: oc
      .route({
        method: 'GET',
        path: '/controllers',
        summary: 'Congestion controllers and their parameters',
        tags: ['controllers'],
      })
      .output(z.array(ControllerInfo)),
  },
  profiles: {
    list: oc
      .route({
        method: 'GET',
        path: '/profiles',
        summary: 'Network profiles a route can be emulated with',
        tags: ['profiles'],
      })
      .output(z.array(Profile)),
  },
  demo: {
    start: oc
      .route({
        method: 'POST',
        path: '/demo/start',
        summary: 'Start the demo lab: six emulated routes',
        tags: ['demo'],
      })
      .output(z.array(Route)),
    stop: oc
      .route({
        method: 'POST',
        path: '/demo/stop',
        summary: 'Stop the demo lab and remove its routes',
        tags: ['demo'],
      })
      .output(z.object({ stopped: z.literal(true) })),
  },
  experiments: {
    list: oc
      .route({ method: 'GET', path: '/experiments', summary: 'All experiments', tags: ['experiments'] })
      .output(z.array(Experiment)),
    runs: oc
      .route({
        method: 'GET',
        path: '/experiments/{id}/runs',
        summary: 'The runs of an experiment',
        tags: ['experiments'],
      })
      .input(z.strictObject({ id: queryNumber }))
      .output(z.array(Run)),
  },
};

export type Contract = typeof contract;
