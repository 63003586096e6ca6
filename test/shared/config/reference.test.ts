import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { effective } from '../../../src/shared/config/settings.ts';
import { parseDuration } from '../../../src/shared/units.ts';

const PAGE = new URL('../../../docs/configuration.md', import.meta.url).pathname;

test('docs/configuration.md lists every setting with its default and its use, and no other', () => {
  const listed = [
    ...readFileSync(PAGE, 'utf8').matchAll(/^\| `([\w.]+)` \| (\S+) \| (now|restart|later) \|/gm),
  ];
  const { list } = effective([]);
  expect(listed.map(([, path]) => path)).toEqual(list.map(({ path }) => path));
  for (const [index, [, path, written, use]] of listed.entries()) {
    const setting = list[index]!;
    expect(use, path).toBe(setting.use);
    const isDuration = /^\d+(ms|s|h)$/.test(written!);
    const value = isDuration ? parseDuration(written!, path!) / 1000 : written;
    const named = setting.default === 'bbr3' ? 'bbrv3' : setting.default;
    expect(String(value), path).toBe(typeof named === 'object' ? JSON.stringify(named) : String(named));
  }
});
