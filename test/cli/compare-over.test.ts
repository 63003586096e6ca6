import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { portOf } from '../../src/main/cli/compare-over.ts';

/** More than any pipe holds. */
const MUCH = 1 << 20;

test('a server that goes on telling what it does is not held up by it', async () => {
  const program = `
    process.stderr.write('listening on 127.0.0.1:4433 (TCP), x\\n');
    process.stderr.write('x'.repeat(${MUCH}));
    process.stdout.write('x'.repeat(${MUCH}));`;
  const server = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(server, 'close');
  expect(await portOf(server)).toBe(4433);
  expect((await closed)[0]).toBe(0);
});
