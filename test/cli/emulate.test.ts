import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer } from 'node:net';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

const MAIN = new URL('../../src/main/cli/main.ts', import.meta.url).pathname;

let server: Socket;
let client: Socket;
let child: ChildProcess | null = null;
beforeEach(async () => {
  server = createSocket('udp4', (data, from) => server.send(data, from.port, from.address));
  client = createSocket('udp4');
  server.bind(0, '127.0.0.1');
  client.bind(0, '127.0.0.1');
  await Promise.all([once(server, 'listening'), once(client, 'listening')]);
});
afterEach(() => {
  server.close();
  client.close();
  child?.kill('SIGKILL');
});

interface Run {
  stdout: string;
  stderr: string;
  /** Resolves with the line that says what is emulated. */
  introduction: Promise<{ line: string; port: number }>;
  exit: Promise<number | null>;
}

function emulate(...args: string[]): Run {
  const started = spawn(process.execPath, [MAIN, 'emulate', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const { stdout, stderr } = started;
  child = started;
  let found: (introduction: { line: string; port: number }) => void;
  const run: Run = {
    stdout: '',
    stderr: '',
    introduction: new Promise((resolve) => {
      found = resolve;
    }),
    exit: once(started, 'close').then(([code]) => code as number | null),
  };
  for (const [name, stream] of Object.entries({ stdout, stderr })) {
    stream.on('data', (chunk) => {
      run[name as 'stdout' | 'stderr'] += chunk;
      const match = /^127\.0\.0\.1:(\d+) to .*$/m.exec(run.stdout + run.stderr);
      if (match) found({ line: match[0], port: Number(match[1]) });
    });
  }
  return run;
}

const target = (): string => `127.0.0.1:${server.address().port}`;
async function ping(port: number): Promise<void> {
  const echo = once(client, 'message');
  client.send('ping', port, '127.0.0.1');
  await echo;
}

test('says what it emulates, carries traffic and ends on Ctrl-C with a summary', async () => {
  const path = ['--delay', '4ms', '--jitter', '1ms', '--seed', '5'];
  const run = emulate('--listen', '0', '--to', target(), ...path, '--data', 'lab');
  const { line, port } = await run.introduction;
  expect(line).toBe(
    `127.0.0.1:${port} to ${target()} (UDP): each way unlimited rate, 4 ms ± 1 ms, 0 % loss, seed 5`,
  );
  await ping(port);
  child!.kill('SIGINT');
  expect(await run.exit).toBe(0);
  expect(run.stdout).toContain(`probe 127.0.0.1:${port} --server-name localhost --data lab --emulated`);
  expect(run.stdout).toMatch(/^packets +1 +1$/m);
  expect(run.stdout).toMatch(/^delivered +1 +1$/m);
  expect(run.stdout).toMatch(/^payload +4 B +4 B$/m);
});

test('with --json prints one object on standard output and the rest on standard error', async () => {
  const run = emulate('--listen', '0', '--to', target(), '--profile', 'wifi-5g', '--loss', '0', '--json');
  const { port } = await run.introduction;
  await ping(port);
  child!.kill('SIGTERM');
  expect(await run.exit).toBe(0);
  const direction = {
    rate_bps: 40e6,
    delay_ms: 5,
    jitter_ms: 1,
    loss_ratio: 0,
    buffer_bytes: null,
    packets: 1,
    delivered: 1,
    delivered_bytes: 4,
    lost: 0,
    queue_drops: 0,
    outage_drops: 0,
    overload_drops: 0,
  };
  expect(JSON.parse(run.stdout)).toMatchObject({
    listen: `127.0.0.1:${port}`,
    to: target(),
    profile: 'custom',
    seed: expect.any(Number),
    duration_s: expect.any(Number),
    clients: 1,
    up: direction,
    down: direction,
  });
  expect(run.stderr).toContain(`to ${target()}`);
});

test('ends by itself after --duration', async () => {
  const run = emulate('--listen', '0', '--to', target(), '--duration', '50ms', '--json');
  expect(await run.exit).toBe(0);
  expect(JSON.parse(run.stdout).duration_s).toBeGreaterThan(0);
});

describe('refuses, with its code and the option at fault:', () => {
  test.each([
    ['an unknown target', ['--to', 'nowhere.invalid:1'], 'RL_HOST_UNKNOWN', '--to', 3],
    ['a port in use', ['--listen', 'IN USE'], 'RL_PORT_IN_USE', '--listen', 2],
    ['an address of another machine', ['--listen', '192.0.2.1:0'], 'RL_ADDRESS_UNAVAILABLE', '--listen', 2],
    ['an unknown profile', ['--profile', 'pigeon'], 'RL_INPUT_INVALID', '--profile', 2],
    ['a profile beyond the machine', ['--profile', 'datacenter'], 'RL_INPUT_INVALID', '--profile', 2],
    ['a rate beyond the machine', ['--rate', '90gbit'], 'RL_INPUT_INVALID', '--rate', 2],
    ['a rate of nothing', ['--rate', '0mbit'], 'RL_INPUT_INVALID', '--rate', 2],
    ['a delay of another kind', ['--delay', '40mbit'], 'RL_INPUT_INVALID', '--delay', 2],
    ['more jitter than delay', ['--delay', '10ms', '--jitter', '11ms'], 'RL_INPUT_INVALID', '--jitter', 2],
    ['more loss than there is', ['--loss', '101%'], 'RL_INPUT_INVALID', '--loss', 2],
    ['a fraction of a seed', ['--seed', '1.5'], 'RL_INPUT_INVALID', '--seed', 2],
  ])('%s', async (_, args, code, field, exit) => {
    const at = (flag: string, otherwise: string): string[] => (args.includes(flag) ? [] : [flag, otherwise]);
    const given = args.map((arg) => (arg === 'IN USE' ? String(server.address().port) : arg));
    const run = emulate(...at('--listen', '0'), ...at('--to', target()), ...given, '--json');
    expect(await run.exit).toBe(exit);
    expect(JSON.parse(run.stdout)).toMatchObject({
      code,
      field,
      message: expect.stringContaining(field),
      hint: expect.any(String),
    });
  });

  test('a missing option', async () => {
    const run = emulate('--listen', '0');
    expect(await run.exit).toBe(2);
    expect(run.stderr).toContain('RL_USAGE');
    expect(run.stderr).toContain('--to');
  });
});

describe('routelab emulate --tcp', () => {
  test('carries TCP through the same links, and says what was sent again', async () => {
    const echo = createServer((socket) => socket.on('error', () => {}).pipe(socket));
    echo.listen(0, '127.0.0.1');
    await once(echo, 'listening');
    const to = `127.0.0.1:${(echo.address() as AddressInfo).port}`;
    const run = emulate(
      '--listen',
      '0',
      '--to',
      to,
      '--tcp',
      '0',
      '--delay',
      '1ms',
      '--loss-every',
      '5',
      '--json',
    );
    const told = /^127\.0\.0\.1:(\d+) to .* \(TCP\): the same links, losses modelled$/m;
    await vi.waitFor(() => expect(run.stderr).toMatch(told), { timeout: 20_000 });
    const port = Number(told.exec(run.stderr)![1]);
    const socket = connect(port, '127.0.0.1');
    const payload = Buffer.alloc(50_000, 'x');
    let back = 0;
    socket.write(payload);
    for await (const data of socket) {
      back += (data as Buffer).length;
      if (back === payload.length) break;
    }
    child!.kill('SIGTERM');
    expect(await run.exit).toBe(0);
    const { tcp, up } = JSON.parse(run.stdout);
    expect(tcp).toMatchObject({ connections: 1, refused: 0 });
    expect(tcp.retransmitted).toBeGreaterThan(0);
    expect(up.lost).toBeGreaterThan(0);
    echo.close();
  });
});
