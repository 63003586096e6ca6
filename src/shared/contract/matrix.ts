/** Experiments of cells: matrices, scenarios, fairness and comparisons, each cell a run. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import { Experiment } from '../experiments.ts';
import { MatrixSettings, MatrixUpdate, ScenarioSettings } from '../matrix.ts';
import { CompareSettings, FairnessSettings } from '../shared-paths.ts';
import { queryNumber } from './query.ts';

const seed = z.number().int().min(0).max(0xffff_ffff).optional();
const ref = z.strictObject({ id: queryNumber });
const tags = ['matrix'];

export const matrix = {
  /** Without `seed` one is drawn. Comparisons with TCP start `routelab` again, which the desktop cannot: there RL_INPUT_INVALID. The experiment as begun: its cells are queued and follow one after another. */
  start: oc
    .route({
      method: 'POST',
      path: '/matrix',
      summary: 'Measure a matrix or a scenario',
      tags,
      successStatus: 201,
    })
    .input(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('matrix'), settings: MatrixSettings, seed }),
        z.strictObject({ kind: z.literal('scenario'), settings: ScenarioSettings, seed }),
        z.strictObject({ kind: z.literal('fairness'), settings: FairnessSettings, seed }),
        z.strictObject({ kind: z.literal('compare'), settings: CompareSettings, seed }),
      ]),
    )
    .output(Experiment),
  /** Cells that are done stay; those that were cancelled, interrupted or failed are measured again. */
  resume: oc
    .route({ method: 'POST', path: '/matrix/{id}/resume', summary: 'Measure what is missing of one', tags })
    .input(ref)
    .output(Experiment),
  /** Yields at once and then several times a second, and ends when nothing of it is under way. */
  watch: oc
    .route({ method: 'GET', path: '/matrix/{id}/watch', summary: 'How far one is (SSE)', tags })
    .input(ref)
    .output(eventIterator(MatrixUpdate)),
  cancel: oc
    .route({ method: 'POST', path: '/matrix/{id}/cancel', summary: 'End one early', tags })
    .input(ref)
    .output(Experiment),
};
