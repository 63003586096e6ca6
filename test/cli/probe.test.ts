import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { issueCertificate } from '../../src/main/quic/tls/authority.ts';
import { loadAuthority } from '../../src/main/store/secrets.ts';
import { startLoopback } from '../probe/loopback.ts';
import { type Finished, type Running, run, start, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-cli-'));
const data = join(folder, 'data');
const servers: Running[] = [];
let server: Running & { port: number };
let target: string;

beforeAll(async () => {
  server = await startServer([], data);
  servers.push(server);
  target = `127.0.0.1:${server.port}`;
});
afterAll(async () => {
  for (const { child } of servers) child.kill('SIGTERM');
  await Promise.all(servers.map(({ finished }) => finished));
  rmSync(folder, { recursive: true });
});

const probe = (...args: string[]): Promise<Finished> => run(['probe', ...args, '--data', data]);

/** The one JSON object on standard output. */
const json = (result: Finished) => JSON.parse(result.stdout);

const isError = (result: Finished, code: string, exit: number): void => {
  expect(result.stderr).toMatch(
    new RegExp(`^error ${code}: .+${code === 'RL_INPUT_INVALID' ? '' : '\\nhint: .+'}$`, 'm'),
  );
  expect(result.stderr).not.toMatch(/^\s+at /m);
  expect(result.code).toBe(exit);
};

/** A server of its own with a certificate made by `issue` options, signed by the lab's authority. */
async function serverWithCertificate(
  name: string,
  options: { names: string[]; days: number; nowMs?: number },
) {
  const { certPem, keyPem } = await issueCertificate(loadAuthority(data)!, { nowMs: Date.now(), ...options });
  const cert = join(folder, `${name}.pem`);
  const key = join(folder, `${name}-key.pem`);
  writeFileSync(cert, certPem);
  writeFileSync(key, keyPem);
  const other = await startServer(['--cert', cert, '--key', key], data);
  servers.push(other);
  return `127.0.0.1:${other.port}`;
}

describe('routelab probe measures', () => {
  it('pings, and ends with one JSON object of the stated fields', async () => {
    const result = await probe(target, '--count', '50', '--rate', '100', '--json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const ms = expect.any(Number);
    const transport = {
      min_rtt_ms: ms,
      smoothed_rtt_ms: ms,
      rtt_var_ms: ms,
      in_flight_bytes: expect.any(Number),
      datagram_bytes: expect.any(Number),
      packets_sent: expect.any(Number),
      packets_received: expect.any(Number),
      packets_lost: expect.any(Number),
      bytes_lost: expect.any(Number),
      spurious_losses: expect.any(Number),
      congestion_events: expect.any(Number),
      persistent_congestions: expect.any(Number),
      ptos: expect.any(Number),
      delivery_rate_bps: expect.any(Number),
      app_limited: expect.any(Boolean),
    };
    expect(json(result)).toEqual({
      target,
      mode: 'ping',
      congestion: 'cubic',
      duration_s: ms,
      sent: 50,
      received: 50,
      rtt_ms: { min: ms, mean: ms, p50: ms, p95: ms, p99: ms },
      jitter_ms: ms,
      loss_ratio: 0,
      handshake_ms: { p50: ms, p95: ms },
      negotiated: { alpn: 'routelab/1', cipher_suite: 'TLS_AES_128_GCM_SHA256', group: 'X25519' },
      cwnd_bytes: expect.any(Number),
      pacing_bps: expect.any(Number),
      transport,
      server_transport: transport,
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('handshakes', async () => {
    const result = json(await probe(target, '--mode', 'handshake', '--count', '3', '--json'));
    expect(result).toMatchObject({ mode: 'handshake', sent: 3, received: 3 });
    expect(result.handshake_ms.p95).toBeGreaterThanOrEqual(result.handshake_ms.p50);
    expect(result).not.toHaveProperty('rtt_ms');
  });

  it('downloads, by bytes', async () => {
    const result = json(await probe(target, '--mode', 'download', '--bytes', '2mb', '--json'));
    expect(result.goodput_bps).toEqual({ down: expect.any(Number) });
    // The server sends, and tells what its controller did.
    expect(result).toMatchObject({ sender: 'server', cwnd_bytes: expect.any(Number), bytes: 2_000_000 });
    expect(result.rtt_ms).toEqual({ min: expect.any(Number), smoothed: expect.any(Number) });
    // Rounded to milliseconds.
    expect(Math.abs(16e6 / result.goodput_bps.down - result.transfer_s.down)).toBeLessThan(0.001);
    expect(result.server_transport.packets_sent).toBeGreaterThan(result.transport.packets_sent);
  });

  it('says so where the server sends with a controller of its own', async () => {
    const args = ['--mode', 'download', '--bytes', '100kb', '--json'];
    const other = await probe(target, ...args, '--congestion', 'bbr3', '--set', 'Beta=0.8');
    expect(json(other)).toMatchObject({
      congestion: 'cubic',
      asked: { congestion: 'bbr3', parameters: { Beta: 0.8 }, followed: false },
    });
    expect(other.stderr).toMatch(
      /not of bbr3 Beta=0\.8: the server sends with its own cubic.*--clients-choose/,
    );
    // The name is the same here, the parameters are not.
    const tuned = await probe(target, ...args, '--set', 'C=1');
    expect(json(tuned)).toMatchObject({ congestion: 'cubic', asked: { followed: false } });
    const upload = await probe(target, '--mode', 'upload', '--bytes', '100kb', '--set', 'C=1');
    expect(upload.stderr).not.toContain('not of');
  });

  it('both directions at once', async () => {
    const result = json(await probe(target, '--mode', 'bidi', '--bytes', '1mb', '--json'));
    expect(result).toMatchObject({ mode: 'bidi', bytes: 2_000_000 });
    expect(result.goodput_bps).toEqual({ down: expect.any(Number), up: expect.any(Number) });
  });

  it('uploads, by time, with the controller it was told', async () => {
    const args = ['--mode', 'upload', '--duration', '300ms', '--congestion', 'newreno', '--json'];
    const result = json(await probe(target, ...args));
    expect(result).toMatchObject({ congestion: 'newreno', goodput_bps: { up: expect.any(Number) } });
    expect(result.retransmit_ratio).toBeGreaterThanOrEqual(0);
  });

  it('over IPv6', async () => {
    const other = start(['server', '--listen', '[::1]:0', '--data', data]);
    servers.push(other);
    const [, port] = await other.line(/^listening on \[::1\]:(\d+) /);
    const result = await probe(`[::1]:${port}`, '--count', '3', '--rate', '100', '--json');
    expect(json(result)).toMatchObject({ target: `[::1]:${port}`, received: 3 });
  });

  it('as a table with units and without colour where it is not a terminal', async () => {
    const result = await probe(target, '--count', '5', '--rate', '100');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    expect(result.stdout).toMatch(/^sent +5 pings$/m);
    expect(result.stdout).toMatch(/^loss +0\.00 %$/m);
    expect(result.stdout).toMatch(/^rtt p50 +\d+\.\d{3} ms$/m);
    expect(result.stdout).not.toContain('\x1b');
  });

  it('and marks what was measured without checking the certificate, and over an emulated path', async () => {
    const args = ['probe', target, '--count', '2', '--rate', '100', '--data', join(folder, 'none')];
    const result = await run([...args, '--insecure', '--emulated', '--json']);
    expect(json(result)).toMatchObject({ insecure: true, emulated: true, received: 2 });
    expect(result.stderr).toContain('--insecure');
  });

  it('and writes TLS secrets only for their owner', async () => {
    const file = join(folder, 'keys.log');
    await probe(target, '--mode', 'handshake', '--count', '1', '--keylog', file);
    expect(readFileSync(file, 'utf8')).toMatch(/^CLIENT_HANDSHAKE_TRAFFIC_SECRET [0-9a-f]{64} [0-9a-f]+$/m);
    expect(statSync(file).mode & 0o077).toBe(0);
  });
});

describe('routelab probe ends cleanly', () => {
  it('on Ctrl-C, with what was measured so far', async () => {
    const echoes = start(['server', '--listen', '127.0.0.1:0', '--data', data, '--json']);
    servers.push(echoes);
    const [, port] = await echoes.line(/^listening on .*:(\d+) /);
    for (const mode of ['ping', 'handshake', 'download', 'upload']) {
      const args = ['--mode', mode, '--duration', '5m', '--json', '--data', data];
      const keys = join(folder, `${mode}.log`);
      const running = start(['probe', `127.0.0.1:${port}`, ...args, '--keylog', keys]);
      // The application's secrets are logged when the handshake is through: from then on it is measuring.
      await until(() => fileHas(keys, 'CLIENT_TRAFFIC_SECRET_0'));
      running.child.kill('SIGINT');
      const result = await running.finished;
      expect(result).toMatchObject({ code: 0 });
      expect(json(result)).toMatchObject({ mode, interrupted: true });
    }
  });

  it('when the server goes away, with the result so far and the error', async () => {
    const leaving = await startLoopback();
    const ca = join(folder, 'leaving.pem');
    writeFileSync(ca, leaving.options.trust.ca.join(''));
    const target = `127.0.0.1:${leaving.listener.port}`;
    const running = start(['probe', target, '--duration', '1h', '--json', '--data', data, '--ca', ca]);
    await until(() => leaving.counters.echoes > 2);
    await leaving.listener.close();
    const result = await running.finished;
    isError(result, 'RL_PEER_CLOSED', 3);
    expect(json(result)).toMatchObject({ mode: 'ping', error: { code: 'RL_PEER_CLOSED' } });
    expect(json(result).received).toBeGreaterThan(0);
  });

  it('when the reader of its output goes away', async () => {
    const running = start(['probe', target, '--count', '1']);
    running.child.stdout!.destroy();
    expect(await running.finished).toMatchObject({ stderr: expect.not.stringContaining('EPIPE') });
  });
});

describe.concurrent('routelab probe fails with a code, a hint and the exit code of the catalogue', () => {
  it('an unknown host', async () => {
    isError(await probe('no-such-host.invalid:4433'), 'RL_HOST_UNKNOWN', 3);
  });

  it('a closed port', async () => {
    const socket = await bound();
    const { port } = socket.address();
    socket.close();
    await once(socket, 'close');
    isError(await probe(`127.0.0.1:${port}`), 'RL_PORT_CLOSED', 3);
  });

  it('no answer within the timeout', async () => {
    const silent = await bound();
    isError(await probe(`127.0.0.1:${silent.address().port}`, '--timeout', '300ms'), 'RL_CONNECT_TIMEOUT', 3);
    silent.close();
  });

  it('another application protocol', async () => {
    isError(await probe(target, '--mode', 'handshake', '--alpn', 'other/9'), 'RL_ALPN_MISMATCH', 4);
  });

  it('an expired certificate', async () => {
    const nowMs = Date.now() - 20 * 86_400_000;
    const expired = await serverWithCertificate('expired', { names: ['127.0.0.1'], days: 10, nowMs });
    isError(await probe(expired), 'RL_CERT_EXPIRED', 4);
  });

  it('a certificate for another name, which --server-name can accept', async () => {
    const other = await serverWithCertificate('other', { names: ['lab.example'], days: 1 });
    isError(await probe(other), 'RL_CERT_HOST_MISMATCH', 4);
    const named = await probe(other, '--server-name', 'lab.example', '--mode', 'handshake', '--count', '1');
    expect(named.code).toBe(0);
  });

  it('an authority nobody trusts here, which --ca can add', async () => {
    const none = join(folder, 'none');
    isError(await run(['probe', target, '--data', none]), 'RL_CERT_UNTRUSTED', 4);
    const ca = join(data, 'authority', 'ca.pem');
    const args = ['--mode', 'handshake', '--count', '1', '--data', none, '--ca', ca];
    expect((await run(['probe', target, ...args])).code).toBe(0);
  });

  it('as the one JSON object on standard output with --json', async () => {
    const result = await run(['probe', target, '--data', join(folder, 'none'), '--json']);
    expect(json(result)).toEqual({
      code: 'RL_CERT_UNTRUSTED',
      message: expect.any(String),
      hint: expect.any(String),
    });
  });

  it.each([
    [[], 'RL_USAGE'],
    [['127.0.0.1'], 'RL_INPUT_INVALID'],
    [['127.0.0.1:70000'], 'RL_INPUT_INVALID'],
    [['::1:4433'], 'RL_INPUT_INVALID'],
    [['a:1', '--mode', 'teleport'], 'RL_INPUT_INVALID'],
    [['a:1', '--count', 'many'], 'RL_INPUT_INVALID'],
    [['a:1', '--duration', '0.5ms'], 'RL_INPUT_INVALID'],
    [['https://a/', '--duration', '1s'], 'RL_USAGE'],
    [['a:1', '--congestion', 'bbr9'], 'RL_INPUT_INVALID'],
    [['a:1', '--set', 'beta'], 'RL_INPUT_INVALID'],
    [['a:1', '--set', 'NoSuchParameter=1'], 'RL_INPUT_INVALID'],
    [['a:1', '--mode', 'download', '--count', '3'], 'RL_USAGE'],
    [['a:1', '--alpn', 'h3'], 'RL_USAGE'],
    [['a:1', '--ca', '/no/such/file'], 'RL_FILE_UNREADABLE'],
    [['a:1', '--no-such-option'], 'RL_USAGE'],
    [['a:1', 'a:1'], 'RL_USAGE'],
    [['a:1', '--jitter', '10%'], 'RL_USAGE'],
    [['a:1', '--mode', 'download', '--warm-up', '5s', '--duration', '5s'], 'RL_USAGE'],
    [['--route', 'a:1'], 'RL_INPUT_INVALID'],
  ])('bad usage: %j', async (args, code) => {
    isError(await probe(...args), code, 2);
  });
});

const bound = async (): Promise<Socket> => {
  const socket = createSocket('udp4');
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
};

const fileHas = (path: string, text: string): boolean => {
  try {
    return readFileSync(path, 'utf8').includes(text);
  } catch {
    return false;
  }
};

/** Polls: what is waited for happens in another process. */
async function until(check: () => boolean): Promise<void> {
  while (!check()) await new Promise((resolve) => setTimeout(resolve, 20));
}
