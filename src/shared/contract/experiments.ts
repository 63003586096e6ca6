/** Experiments and their runs: what was measured, again, compared, out of the lab and into it. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { Experiment, ExperimentKind, ExperimentPatch, Run, SampleSummary } from '../experiments.ts';
import { queryNumber } from './query.ts';

const ref = z.strictObject({ id: queryNumber });
const id = z.number().int();
const tags = ['experiments'];

export const experiments = {
  /** Newest first, 50 unless told otherwise. */
  list: oc
    .route({ method: 'GET', path: '/experiments', summary: 'Experiments, filtered, newest first', tags })
    .input(
      z
        .strictObject({
          kind: ExperimentKind.optional(),
          tag: z.string().min(1).max(32).optional(),
          /** In name or notes, whatever the letter case. */
          text: z.string().max(200).optional(),
          /** Those removed instead of those present. */
          removed: z.stringbool().or(z.boolean()).optional(),
          limit: queryNumber.optional(),
          offset: queryNumber.optional(),
        })
        .default({}),
    )
    .output(z.object({ experiments: z.array(Experiment), total: z.number().int() })),
  get: oc
    .route({ method: 'GET', path: '/experiments/{id}', summary: 'One experiment and its manifest', tags })
    .input(ref)
    .output(Experiment),
  /** In order of creation, 200 unless told otherwise. */
  runs: oc
    .route({ method: 'GET', path: '/experiments/{id}/runs', summary: 'The runs of an experiment', tags })
    .input(z.strictObject({ id: queryNumber, limit: queryNumber.optional(), offset: queryNumber.optional() }))
    .output(z.object({ runs: z.array(Run), total: z.number().int() })),
  samples: oc
    .route({
      method: 'GET',
      path: '/experiments/{id}/samples',
      summary: 'How many raw samples there are',
      tags,
    })
    .input(ref)
    .output(z.array(SampleSummary)),
  update: oc
    .route({
      method: 'PATCH',
      path: '/experiments/{id}',
      summary: 'Change name, notes and tags',
      tags,
    })
    .input(ExperimentPatch.extend({ id }))
    .output(Experiment),
  pin: oc
    .route({
      method: 'POST',
      path: '/experiments/{id}/pin',
      summary: 'Make it the baseline of its kind, or not',
      tags,
    })
    .input(z.strictObject({ id, pinned: z.boolean() }))
    .output(Experiment),
  /** Refused with RL_CONFLICT while a monitor of it runs; other runs are cancelled first. */
  remove: oc
    .route({
      method: 'DELETE',
      path: '/experiments/{id}',
      summary: 'Remove an experiment; final after seven days',
      tags,
    })
    .input(ref)
    .output(z.object({ removed: z.literal(true) })),
  restore: oc
    .route({ method: 'POST', path: '/experiments/{id}/restore', summary: 'Undo a removal', tags })
    .input(ref)
    .output(Experiment),
};
