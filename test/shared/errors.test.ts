import { expect, it } from 'vitest';
import { CATALOGUE, toLabError } from '../../src/shared/errors.ts';

it('a full disk is told as that, whoever wrote to it, and is no defect', () => {
  const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  expect(toLabError(full)).toMatchObject({
    code: 'RL_DISK_FULL',
    exitCode: CATALOGUE.RL_FILE_UNWRITABLE.exit,
  });
  expect(toLabError(new Error('else'))).toMatchObject({ code: 'RL_INTERNAL', exitCode: 5 });
  expect(toLabError(null)).toMatchObject({ code: 'RL_INTERNAL' });
});
