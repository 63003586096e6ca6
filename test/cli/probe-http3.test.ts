import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Http3Client } from '../../src/main/quic/http3/client.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { loadAuthority } from '../../src/main/store/secrets.ts';
import { type Loopback, startLoopback } from '../probe/loopback.ts';
import { type Finished, type Running, run, start, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-http3-'));
const data = join(folder, 'data');
const body = join(folder, 'body');
let server: Running & { port: number };
let base: string;

beforeAll(async () => {
  writeFileSync(body, Buffer.alloc(300_000, 'body'));
  server = await startServer([], data);
  base = `https://127.0.0.1:${server.port}`;
});
afterAll(async () => {
  server.child.kill('SIGTERM');
  await server.finished;
  rmSync(folder, { recursive: true });
});

const probe = (...args: string[]): Promise<Finished> => run(['probe', ...args, '--data', data]);
/** Turns of the loop until something is so; the test's own timeout ends what never becomes so. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setTimeout(resolve, 5));
}

/** A request that a server of ours does not get done with, and whom to trust for it. */
function endlessFrom({ listener, options }: Loopback): string[] {
  const ca = join(folder, `${listener.port}.pem`);
  writeFileSync(ca, options.trust.ca.join(''));
  return [`https://127.0.0.1:${listener.port}/bytes/100000000000`, '--ca', ca, '--data', data];
}

const ms = expect.any(Number);
const spread = { p50: ms, p95: ms };

describe('routelab probe https://…', () => {
  it('ends with one JSON object: every request, and the median and 95th percentile of each phase', async () => {
    const result = await probe(`${base}/bytes/100000`, '--count', '3', '--json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const request = {
      status: 200,
      handshake_ms: ms,
      ttfb_ms: ms,
      until_first_byte_ms: ms,
      total_ms: ms,
      body_bytes: 100_000,
      goodput_bps: ms,
      headers: { server: 'RouteLab', 'content-type': 'application/octet-stream', 'content-length': '100000' },
    };
    expect(JSON.parse(result.stdout)).toEqual({
      target: `${base}/bytes/100000`,
      mode: 'http3',
      duration_s: ms,
      method: 'GET',
      sent: 3,
      received: 3,
      handshake_ms: spread,
      ttfb_ms: spread,
      until_first_byte_ms: spread,
      total_ms: spread,
      bytes: 300_000,
      goodput_bps: { down: ms },
      requests: [request, request, request],
      started_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    });
  });

  it('times the name resolution where there is a name', async () => {
    const result = await probe(`https://localhost:${server.port}/`, '--json');
    expect(JSON.parse(result.stdout)).toMatchObject({ dns_ms: spread, requests: [{ dns_ms: ms }] });
  });

  it('prints a table of one request, and of several', async () => {
    const one = await probe(`${base}/bytes/1000`);
    expect(one.stdout).toMatch(/^status +200$/m);
    expect(one.stdout).toMatch(/^first byte +\d+\.\d{3} ms$/m);
    expect(one.stdout).toMatch(/^body +1000 B$/m);
    expect(one.stdout).toMatch(/^server +RouteLab$/m);
    const two = await probe(`${base}/bytes/1000`, '--count', '2');
    expect(two.stdout).toMatch(
      /^status +(?:dns +)?handshake +first byte +until first byte +total +body B +Mbit\/s$/m,
    );
    expect(two.stdout.match(/^ +200 .* 1000 +\d+\.\d{3}$/gm)).toHaveLength(2);
    expect(two.stdout).toMatch(/^total p95 +\d+\.\d{3} ms$/m);
  });

  it('sends a body, a method and header fields', async () => {
    const posted = JSON.parse((await probe(base, '--body', body, '--json')).stdout);
    // "300000" and a line break.
    expect(posted).toMatchObject({
      method: 'POST',
      congestion: 'cubic',
      sent_bytes: 300_000,
      bytes: 7,
      requests: [{ status: 200 }],
    });
    const head = await probe(`${base}/bytes/5`, '--method', 'head', '--header', 'X-Test: 1', '--json');
    expect(JSON.parse(head.stdout)).toMatchObject({
      method: 'HEAD',
      bytes: 0,
      requests: [{ headers: { 'content-length': '5' } }],
    });
  });

  it('ends with 1 where the server answers with an error, and shows what was measured', async () => {
    const result = await probe(`${base}/none`, '--json');
    expect(result).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('RL_HTTP_STATUS: The server answered 404\n'),
    });
    expect(JSON.parse(result.stdout)).toMatchObject({
      received: 1,
      ttfb_ms: spread,
      requests: [{ status: 404 }],
      error: { code: 'RL_HTTP_STATUS' },
    });
  });

  it('marks what was measured without checking the certificate', async () => {
    const result = await run(['probe', base, '--insecure', '--json', '--data', join(folder, 'none')]);
    expect(JSON.parse(result.stdout)).toMatchObject({ insecure: true, received: 1 });
  });

  it('ends on Ctrl-C with what was measured', async () => {
    await using endless = await startLoopback(['h3']);
    const running = start(['probe', ...endlessFrom(endless), '--json']);
    await until(() => endless.counters.bytesDown > 2_000_000);
    running.child.kill('SIGINT');
    const result = await running.finished;
    expect(result.code).toBe(0);
    const { requests, interrupted } = JSON.parse(result.stdout);
    expect(interrupted).toBe(true);
    expect(requests).toHaveLength(1);
    expect(requests[0]).toMatchObject({ status: 200, goodput_bps: ms });
    expect(requests[0]).not.toHaveProperty('total_ms');
  });

  it('is told when the server ends meanwhile, with what came', async () => {
    await using leaving = await startLoopback(['h3']);
    const running = start(['probe', ...endlessFrom(leaving), '--json']);
    await until(() => leaving.counters.bytesDown > 2_000_000);
    await leaving.listener.close();
    const result = await running.finished;
    expect(result.code).toBe(3);
    expect(JSON.parse(result.stdout)).toMatchObject({
      received: 0,
      error: { code: 'RL_PEER_CLOSED' },
      requests: [{ status: 200, error: { code: 'RL_PEER_CLOSED' } }],
    });
  });
});

describe('routelab server', () => {
  it('finishes the responses under way when it is told to end', async () => {
    const ending = await startServer(['--json'], data);
    const session = await connectQuic({
      host: '127.0.0.1',
      port: ending.port,
      alpn: ['h3'],
      trust: { ca: [loadAuthority(data)!.certPem], system: false, insecure: false },
    });
    let bytes = 0;
    await new Promise<void>((resolve, reject) => {
      // More than it has queued when the first of it comes.
      const head = {
        method: 'GET',
        scheme: 'https',
        authority: 'localhost',
        path: '/bytes/3000000',
        headers: [],
      };
      new Http3Client(session).request(head, {
        onHead: () => ending.child.kill('SIGTERM'),
        onData: (piece) => {
          bytes += piece.length;
        },
        onEnd: resolve,
        onError: reject,
      });
    });
    expect(bytes).toBe(3_000_000);
    const { code, stdout } = await ending.finished;
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ requests: 1, transfers: 1, bytes_down: 3_000_000 });
    // It was the client who closed, having heard of the end.
    expect(await session.closed).toMatchObject({ by: 'local', code: 0x100 });
  });
});

describe.concurrent('routelab probe of an https URL refuses', () => {
  it.each([
    [['http://a/'], 'RL_INPUT_INVALID'],
    [['https://'], 'RL_INPUT_INVALID'],
    [['https://u:p@a/'], 'RL_INPUT_INVALID'],
    [['https://a:0/'], 'RL_INPUT_INVALID'],
    [['https://a/', '--header', 'x'], 'RL_INPUT_INVALID'],
    [['https://a/', '--header', 'connection: close'], 'RL_INPUT_INVALID'],
    [['https://a/', '--method', 'CONNECT'], 'RL_INPUT_INVALID'],
    [['https://a/', '--body', '/no/such/file'], 'RL_FILE_UNREADABLE'],
    [['https://a/', '--mode', 'ping'], 'RL_USAGE'],
    [['https://a/', '--rate', '5'], 'RL_USAGE'],
    [['https://a/', '--duration', '5s'], 'RL_USAGE'],
    [['https://a/', '--alpn', 'h3'], 'RL_USAGE'],
    [['a:1', '--mode', 'http3'], 'RL_USAGE'],
    [['a:1', '--method', 'HEAD'], 'RL_USAGE'],
  ])('%j', async (args, code) => {
    const result = await probe(...args);
    expect(result.stderr).toMatch(
      new RegExp(`^error ${code}: .+${code === 'RL_INPUT_INVALID' ? '' : '\\nhint: .+'}$`, 'm'),
    );
    expect(result.code).toBe(2);
  });

  it('a server whose certificate it does not trust', async () => {
    const result = await run(['probe', base, '--data', join(folder, 'none')]);
    expect(result.stderr).toMatch(/^error RL_CERT_UNTRUSTED: /m);
    expect(result.code).toBe(4);
  });
});
