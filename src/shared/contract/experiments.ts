/** Experiments and their runs. */
import { oc } from '@orpc/contract';
import { z } from 'zod';
import { Experiment, Run } from '../domain.ts';
import { queryNumber } from './query.ts';

export const experiments = {
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
};
