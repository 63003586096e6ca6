/** Probe runs, and qlog files taken as such. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { ProbeInput, ProbeRun, ProbeSeries, ProbeUpdate, REMOVED_KEPT_DAYS, Vantage } from '../probes.ts';
import { queryNumber } from './query.ts';

/** An import's text comes in parts of so many characters, since a message over any carrier has at most 1 MB. */
export const IMPORT_PART_CHARS = 400_000;

const probeRef = z.strictObject({ id: queryNumber });

export const probes = {
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
  /** At most `limit`, by default 100, of those whose id is less than `before`. */
  list: oc
    .route({ method: 'GET', path: '/probes', summary: 'Probe runs, newest first', tags: ['probes'] })
    .input(z.strictObject({ limit: queryNumber.optional(), before: queryNumber.optional() }).optional())
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
      summary: `Remove a probe run; cancels it first, and deletes it after ${REMOVED_KEPT_DAYS} days`,
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
};
