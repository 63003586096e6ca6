import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { placesOf } from '../../src/shared/input-issues.ts';
import { Scenario } from '../../src/shared/scenario.ts';

const PAGE = new URL('../../docs/simulator.md', import.meta.url).pathname;

it('docs/simulator.md lists every field of a scenario, and no other', () => {
  const fields = [...placesOf(Scenario)]
    // Documented as `loss`.
    .filter(([place]) => place !== 'reverse.loss')
    .flatMap(([place, names]) => names.map((name) => (place === '' ? name : `${place}.${name}`)));
  const listed = [...readFileSync(PAGE, 'utf8').matchAll(/^\| `([\w.[\]]+)` \|/gm)]
    .map(([, field]) => field!.replaceAll('[]', ''))
    .filter((field) => field !== 'profile');
  expect(listed.toSorted()).toEqual(fields.toSorted());
});
