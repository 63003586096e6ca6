/** Sessions resumed by the command line, and requests ahead of the handshake. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Finished, type Running, run, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-resume-'));
const data = join(folder, 'data');
let early: Running & { port: number };
let plain: Running & { port: number };

beforeAll(async () => {
  early = await startServer(['--early-data'], data);
  plain = await startServer([], data);
});
afterAll(async () => {
  for (const { child, finished } of [early, plain]) {
    child.kill('SIGTERM');
    await finished;
  }
  rmSync(folder, { recursive: true });
});

const probe = async (...args: string[]): Promise<Finished & { result: Record<string, unknown> }> => {
  const finished = await run(['probe', ...args, '--data', data, '--json']);
  return { ...finished, result: JSON.parse(finished.stdout) as Record<string, unknown> };
};

it('every handshake of --resume resumes the session before', async () => {
  const { code, result } = await probe(
    `127.0.0.1:${plain.port}`,
    '--mode',
    'handshake',
    '--resume',
    '--count',
    '4',
  );
  expect(code).toBe(0);
  expect(result).toMatchObject({ sent: 4, received: 4, resumed: 4 });
  const cold = await probe(`127.0.0.1:${plain.port}`, '--mode', 'handshake', '--count', '2');
  expect(cold.result).not.toHaveProperty('resumed');
});

it('requests of --resume go over resumed sessions, those of --early-data ahead of the handshake', async () => {
  const resumed = await probe(`https://127.0.0.1:${plain.port}/`, '--resume', '--count', '2');
  expect(resumed.result).toMatchObject({
    received: 2,
    resumed: 2,
    requests: [
      { status: 200, resumed: true },
      { status: 200, resumed: true },
    ],
  });
  expect(resumed.result).not.toHaveProperty('early_data_accepted');
  const sent = await probe(`https://127.0.0.1:${early.port}/bytes/5000`, '--early-data', '--count', '2');
  const request = { status: 200, body_bytes: 5000, resumed: true, early_data: 'accepted' };
  expect(sent.result).toMatchObject({
    received: 2,
    resumed: 2,
    early_data_accepted: 2,
    requests: [request, request],
  });
});

it.each([
  ['a server that takes none', () => [`https://127.0.0.1:${plain.port}/`], 'RL_PEER_UNSUPPORTED', 3],
  [
    'a method that does something',
    () => [`https://127.0.0.1:${early.port}/`, '--method', 'POST'],
    'RL_USAGE',
    2,
  ],
  ['pings', () => [`127.0.0.1:${early.port}`], 'RL_USAGE', 2],
] as const)('early data is refused for %s', async (_name, target, code, exit) => {
  const finished = await probe(...target(), '--early-data');
  expect(finished.code).toBe(exit);
  expect(finished.result).toMatchObject({ code });
});
