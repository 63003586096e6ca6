/** The lint that keeps clocks and randomness out of protocol and controller code: it sees each of them, there and only there. */
import { execFile } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
// Within the checkout, since the linter resolves its plugin and its binary from there.
mkdirSync(join(root, '.cache'), { recursive: true });
const house = mkdtempSync(join(root, '.cache/ambient-'));
afterAll(() => rmSync(house, { recursive: true }));
copyFileSync(join(root, 'biome.json'), join(house, 'biome.json'));
symlinkSync(join(root, 'scripts'), join(house, 'scripts'));

/** Lines of the fixture at which the linter finds fault when it lies in `room`. */
async function faults(room: string): Promise<number[]> {
  mkdirSync(join(house, room), { recursive: true });
  copyFileSync(join(import.meta.dirname, 'fixtures/ambient/ambient.ts'), join(house, room, 'ambient.ts'));
  const args = [
    join(root, 'node_modules/@biomejs/biome/bin/biome'),
    'lint',
    '--reporter=github',
    '--vcs-enabled=false',
    '--config-path=.',
    join(room, 'ambient.ts'),
  ];
  const output = await new Promise<string>((done) => {
    execFile(process.execPath, args, { cwd: house }, (_error, stdout, stderr) => done(stdout + stderr));
  });
  const lines = [...output.matchAll(/line=(\d+)/g)].map((match) => Number(match[1]));
  return [...new Set(lines)].sort((a, b) => a - b);
}

it.each([
  'src/main/recovery',
  'src/main/congestion',
  'src/main/path',
  'src/main/quic/connection',
  'src/main/quic/tls',
  'src/main/quic/wire',
  'src/main/quic/streams',
  'src/shared',
])('refuses every one of them in %s', async (room) => {
  expect(await faults(room)).toEqual([1, 4, 5, 6, 7, 8, 9, 10, 11, 13]);
});

it.each(['src/main/probe', 'src/main/path/relay', 'src/main/quic/udp'])('leaves %s alone', async (room) => {
  expect(await faults(room)).toEqual([]);
});
