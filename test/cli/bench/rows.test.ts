import { expect, it } from 'vitest';
import { figure, missing, rowTable, unjudged } from '../../../src/main/cli/bench/rows.ts';

it('of a quick run, what has a reach is not judged', () => {
  const rows = [
    figure('slow', 9, 's', { max: 1 }),
    figure('plain', 3, 's'),
    missing('none', 's', 'no peer', { max: 1 }),
    { ...missing('silent', 's', 'nothing arrived', { max: 1 }), ok: false },
  ];
  expect(rowTable(rows)).toMatch(/^slow .* missed$/m);
  const quick = unjudged(rows);
  expect(quick.map(({ ok }) => ok)).toEqual([null, true, null, false]);
  const [slow, plain, none, silent] = rowTable(quick).split('\n');
  expect(slow).toMatch(/not judged$/);
  expect(plain).not.toContain('judged');
  expect(none).toMatch(/no peer +≤ 1$/);
  expect(silent).toMatch(/missed$/);
});
