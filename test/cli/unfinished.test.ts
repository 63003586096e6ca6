import { expect, test } from 'vitest';
import { whyUnfinished } from '../../src/main/cli/unfinished.ts';
import type { Run } from '../../src/shared/experiments.ts';

const run = (state: Run['state'], repetition: number, code: string | null = null) => ({
  key: 'a',
  repetition,
  state,
  error: code === null ? null : { code, message: 'gone', hint: '' },
});

test('a command whose runs are all done has nothing to say', () => {
  expect(whyUnfinished([run('done', 0), run('done', 1)])).toBeNull();
});

test('any run that is not done is a failure, also one that only was not stored', () => {
  const why = whyUnfinished([run('done', 0), run('interrupted', 1), run('interrupted', 2)]);
  expect(why).toMatchObject({
    code: 'RL_DATA_UNWRITABLE',
    message: 'Run 1 of a was interrupted, and 1 more are not done',
  });
  expect(whyUnfinished([run('queued', 0), run('cancelled', 1)])).toMatchObject({ code: 'RL_CANCELLED' });
});

test('what one failed of is told before what was merely not measured', () => {
  const why = whyUnfinished([run('cancelled', 0), run('failed', 1, 'RL_PORT_CLOSED')]);
  expect(why).toMatchObject({ code: 'RL_PORT_CLOSED', message: 'gone' });
});
