import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { withTables } from '../../src/main/cli/controllers/page.ts';
import { controllerInfos } from '../../src/main/congestion/index.ts';
import { CONTROLLERS } from '../../src/shared/domain.ts';
import { run } from './run.ts';

const PAGE = new URL('../../docs/congestion.md', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'routelab-controllers-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('routelab controllers', () => {
  test('lists the controllers', async () => {
    const { code, stdout } = await run(['controllers']);
    expect(code).toBe(0);
    const names = stdout.split('\n').map((line) => line.split(' ')[0]);
    expect(names.slice(0, CONTROLLERS.length)).toEqual([...CONTROLLERS]);
  });

  test('tells of one, by any name it has, what --set takes', async () => {
    const { stdout } = await run(['controllers', 'BBRv1']);
    expect(stdout).toMatch(/^bbr1: /);
    for (const { name, default: value } of controllerInfos().find((each) => each.name === 'bbr1')!
      .parameters) {
      expect(stdout).toMatch(new RegExp(`^${name} +${value} `, 'm'));
    }
  });

  test('puts the schemas out as JSON, all or one', async () => {
    const all = await run(['controllers', '--json']);
    expect(JSON.parse(all.stdout)).toEqual({ controllers: controllerInfos() });
    const one = await run(['controllers', 'cubic', '--json']);
    expect(JSON.parse(one.stdout)).toEqual({
      controllers: controllerInfos().filter(({ name }) => name === 'cubic'),
    });
  });

  test('refuses a name that is none, with those there are', async () => {
    const { code, stderr } = await run(['controllers', 'vegas']);
    expect(code).toBe(2);
    expect(stderr).toContain('name: "vegas" is none of newreno, cubic, bbr1, bbr2, bbr3');
  });

  test('brings the tables of a page up to date, and leaves the rest of it alone', async () => {
    const path = join(folder, 'page.md');
    const page = readFileSync(PAGE, 'utf8');
    writeFileSync(path, page.replaceAll(/^\| `.*\n/gm, ''));
    expect((await run(['controllers', '--page', path])).code).toBe(0);
    expect(readFileSync(path, 'utf8')).toBe(page);
  });

  test('refuses a page that is not there, and one without its tables', async () => {
    const absent = await run(['controllers', '--page', join(folder, 'none.md')]);
    expect(absent.stderr).toContain('RL_FILE_UNREADABLE');
    const path = join(folder, 'bare.md');
    writeFileSync(path, '<!-- parameters of cubic -->\n<!-- end -->\n');
    const bare = await run(['controllers', '--page', path]);
    expect(bare.code).toBe(2);
    expect(bare.stderr).toContain('The page has tables of cubic; there are newreno, cubic');
    expect(readFileSync(path, 'utf8')).toBe('<!-- parameters of cubic -->\n<!-- end -->\n');
  });
});

test('docs/congestion.md has the parameters that the schemas have', () => {
  const page = readFileSync(PAGE, 'utf8');
  expect(withTables(page, controllerInfos())).toBe(page);
});
