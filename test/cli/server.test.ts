import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { run, start, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-server-'));
const data = join(folder, 'data');
afterAll(() => rmSync(folder, { recursive: true }));

describe('routelab server', () => {
  it('says where it listens, how to probe it and whom to trust, and sums up on Ctrl-C', async () => {
    const server = await startServer([], data);
    const probed = await run([
      'probe',
      `127.0.0.1:${server.port}`,
      '--count',
      '7',
      '--rate',
      '100',
      '--data',
      data,
    ]);
    expect(probed.code).toBe(0);
    server.child.kill('SIGINT');
    const { code, stdout } = await server.finished;
    expect(code).toBe(0);
    expect(stdout).toContain(`routelab probe 127.0.0.1:${server.port} --data ${data}`);
    expect(stdout).toContain(join(data, 'authority', 'ca.pem'));
    expect(existsSync(join(data, 'authority', 'ca.pem'))).toBe(true);
    expect(stdout).toMatch(/^echoes +7$/m);
  });

  it('ends with one JSON object on standard output with --json', async () => {
    const server = await startServer(['--json'], data);
    server.child.kill('SIGTERM');
    const { code, stdout } = await server.finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ alpn: ['routelab/1', 'h3'], sessions: 0, bytes_down: 0 });
  });

  it('survives garbage on its port', async () => {
    const server = await startServer([], data);
    const socket = createSocket('udp4');
    for (let i = 0; i < 2000; i++) {
      const garbage = randomBytes(1 + Math.floor(Math.random() * 1400));
      // Some that begin like a QUIC v1 Initial.
      if (i % 2 === 0 && garbage.length > 7) garbage.set([0xc0 | (garbage[0]! & 0x0f), 0, 0, 0, 1, 8], 0);
      await new Promise((resolve) => socket.send(garbage, server.port, '127.0.0.1', resolve));
    }
    socket.close();
    const probed = await run([
      'probe',
      `127.0.0.1:${server.port}`,
      '--count',
      '3',
      '--rate',
      '100',
      '--data',
      data,
    ]);
    expect(probed.code).toBe(0);
    server.child.kill('SIGTERM');
    expect((await server.finished).code).toBe(0);
  });

  it('says which port is in use', async () => {
    const server = await startServer([], data);
    const second = await run(['server', '--listen', `127.0.0.1:${server.port}`, '--data', data]);
    expect(second.code).toBe(2);
    expect(second.stderr).toMatch(new RegExp(`^error RL_PORT_IN_USE: .*${server.port}`, 'm'));
    server.child.kill('SIGTERM');
    await server.finished;
  });

  it.each([
    [['--cert', 'only.pem'], 'RL_USAGE'],
    [['--cert', '/no/such/file', '--key', '/no/such/file'], 'RL_FILE_UNREADABLE'],
    [['--listen', 'nowhere'], 'RL_INPUT_INVALID'],
    [['--listen', '192.0.2.1:4433'], 'RL_ADDRESS_UNAVAILABLE'],
    [['--name', 'a b'], 'RL_INPUT_INVALID'],
  ])('refuses %j', async (args, code) => {
    const result = await run(['server', '--data', data, ...args]);
    expect(result.stderr).toMatch(new RegExp(`^error ${code}: `, 'm'));
    expect(result.code).toBe(2);
  });

  it('says when the data folder cannot be made', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    const result = await run(['server', '--listen', '0', '--data', join(file, 'data')]);
    expect(result.stderr).toMatch(/^error RL_DATA_UNWRITABLE: /m);
    expect(result.code).toBe(2);
  });
});

describe('routelab', () => {
  it('shows its commands', async () => {
    const result = await run(['--help']);
    expect(result).toMatchObject({ code: 0, stderr: '' });
    for (const name of ['server', 'probe', 'emulate', 'bench', 'doctor']) expect(result.stdout).toMatch(name);
  });

  it('shows the options of one command', async () => {
    expect(await run(['probe', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--insecure'),
    });
  });

  it('refuses an unknown command and no command', async () => {
    expect(await run(['measure'])).toMatchObject({ code: 2, stderr: expect.stringContaining('RL_USAGE') });
    expect((await run([])).code).toBe(2);
  });

  it('colours only where it is asked to', async () => {
    expect((await run(['measure'], { FORCE_COLOR: '1' })).stderr).toContain('\x1b[31merror');
    expect((await run(['measure'], { NO_COLOR: '1' })).stderr).not.toContain('\x1b');
  });
});

describe('routelab doctor', () => {
  it('lists its checks with what to do about each that is not ok', async () => {
    const result = await run(['doctor', '--json', '--data', join(folder, 'new')]);
    const { checks } = JSON.parse(result.stdout);
    const names = checks.map((check: { name: string }) => check.name);
    for (const name of ['node', 'crypto', 'database', 'data folder', 'port 4433/udp', 'timers', 'loopback']) {
      expect(names).toContain(name);
    }
    for (const check of checks) {
      expect(['ok', 'warn', 'fail']).toContain(check.state);
      expect(check.hint === undefined).toBe(check.state === 'ok');
    }
    expect(existsSync(join(folder, 'new'))).toBe(false);
  });
});

describe('routelab bench quic', () => {
  it('lists each row with its peer, ratio and reach, and processor profiles on request', async () => {
    const profiles = join(folder, 'profiles');
    const running = start([
      'bench',
      'quic',
      ...['--quick', '--duration', '200ms', '--profile', profiles, '--json'],
    ]);
    const { stdout, code } = await running.finished;
    const { rows } = JSON.parse(stdout);
    const names = rows.map((row: { name: string }) => row.name);
    expect(names).toEqual(
      expect.arrayContaining(['download goodput', 'upload goodput', 'ping p50', 'handshake p50 of 20']),
    );
    for (const { note, ...row } of rows) {
      expect(Object.keys(row)).toEqual(['name', 'value', 'unit', 'peer', 'ratio', 'reach', 'ok']);
      if (note === 'not installed') expect(row.value).toBe(null);
      // What the memory of few connections grows by may be nothing.
      else expect(row.value).toBeGreaterThan(row.unit === 'KB' ? -Infinity : 0);
    }
    expect(code).toBe(rows.some((row: { ok: boolean | null }) => row.ok === false) ? 1 : 0);
    for (const end of ['sender', 'receiver']) {
      const { nodes } = JSON.parse(readFileSync(join(profiles, `${end}.cpuprofile`), 'utf8'));
      expect(nodes.length).toBeGreaterThan(10);
    }
  }, 90_000);
});
