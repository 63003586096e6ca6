/** The settings of the lab: what holds, where it is from, and changing what the lab itself keeps. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { Setting } from '../config/settings.ts';
import { LabFailure } from '../domain.ts';

const LabSettings = z.object({
  /** lab.yaml, where there is one or one is looked for. */
  file: z
    .object({
      path: z.string(),
      present: z.boolean(),
      readAtMs: z.number().nullable(),
      /** Why the newest version of it is not in use. */
      error: LabFailure.nullable(),
    })
    .nullable(),
  settings: z.array(Setting),
});
export type LabSettings = z.infer<typeof LabSettings>;

export const settings = {
  get: oc
    .route({ method: 'GET', path: '/settings', summary: 'Every setting and where it is from', tags: ['lab'] })
    .output(LabSettings),
  /** All of them or none; null goes back to the default. */
  update: oc
    .route({
      method: 'PATCH',
      path: '/settings',
      summary: 'Change settings that the lab keeps',
      tags: ['lab'],
    })
    .input(
      z.strictObject({
        values: z.record(z.string().max(64), z.union([z.string().max(256), z.number(), z.null()])),
      }),
    )
    .output(LabSettings),
};
