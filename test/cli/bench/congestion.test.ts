/** `routelab bench congestion --only cases`: the agreement table as it is printed, all of it within its bands. */
import { expect, it } from 'vitest';
import { start } from '../run.ts';

interface Row {
  name: string;
  value: number | null;
  ok: boolean | null;
}

it('finds every case within its band, with one seed each', { timeout: 300_000 }, async () => {
  const { finished } = start(['bench', 'congestion', '--only', 'cases', '--quick', '--json']);
  const { code, stdout } = await finished;
  const { rows } = JSON.parse(stdout) as { rows: Row[] };
  expect(rows.filter(({ ok }) => !ok)).toEqual([]);
  const ids = new Set(rows.map(({ name }) => name.slice(0, 3)));
  expect([...ids].sort()).toEqual(Array.from({ length: 24 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`));
  expect(rows.every(({ value }) => value !== null)).toBe(true);
  expect(code).toBe(0);
});
