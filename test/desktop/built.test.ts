/** What `electron-vite build` made, run to its end: the bundle, its worker entries, the pages and the port to the lab. */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const bundle = join(root, 'out/main/desktop.js');
const isBuilt = existsSync(bundle);

function runBundle(...args: string[]): Promise<{ stdout: string; stderr: string; code: unknown }> {
  const hooks = join(import.meta.dirname, 'fixtures/register.mjs');
  return new Promise((done) => {
    execFile(
      process.execPath,
      ['--import', hooks, bundle, ...args],
      { cwd: root, timeout: 60_000 },
      (error, stdout, stderr) => done({ stdout, stderr, code: error?.code ?? 0 }),
    );
  });
}

it.skipIf(!isBuilt)('refuses options it does not know, before anything is opened', async () => {
  const result = await runBundle('--prot', '9');
  expect(result.code).toBe(2);
  expect(result.stderr).toContain('RL_USAGE: unknown option --prot');
});

it.skipIf(!isBuilt)(
  `starts the lab from the bundle and measures${isBuilt ? '' : ' (skipped: run npm run build)'}`,
  async () => {
    const data = mkdtempSync(join(tmpdir(), 'routelab-built-'));
    const result = await runBundle('--data', join(data, 'lab'), '--port=0');
    expect(result.code, result.stderr).toBe(0);
    const seen = JSON.parse(result.stdout.trim().split('\n').at(-1)!);
    expect(seen).toMatchObject({ page: 200, title: 'RouteLab', host: 'desktop', routesUp: 6, waited: true });
    expect(seen.windows).toBe(2);
    expect(seen.imported).toEqual([['demo', 1]]);
    expect(existsSync(join(data, 'lab', 'lab.db'))).toBe(true);
    expect(new URL(seen.metricsUrl).port).not.toBe('8080');
    rmSync(data, { recursive: true });
  },
);

it.skipIf(!isBuilt)('keeps the preload one CommonJS file that requires nothing but electron', () => {
  const source = readFileSync(join(root, 'out/preload/index.cjs'), 'utf8');
  expect([...source.matchAll(/require\(["'](.+?)["']\)/g)].map((match) => match[1])).toEqual(['electron']);
});
