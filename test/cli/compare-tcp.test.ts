import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Finished, type Running, run, start, startServer } from './run.ts';

const data = mkdtempSync(join(tmpdir(), 'routelab-compare-'));
let server: Running & { port: number };
let target: string;

beforeAll(async () => {
  server = await startServer(['--tcp'], data);
  await server.line(new RegExp(`^listening on 127.0.0.1:${server.port} \\(TCP\\), routelab-tcp/1$`));
  target = `127.0.0.1:${server.port}`;
});
afterAll(async () => {
  server.child.kill('SIGTERM');
  await server.finished;
  rmSync(data, { recursive: true });
});

const compare = (...args: string[]): Promise<Finished> =>
  run(['probe', target, '--compare-tcp', ...args, '--data', data]);

describe('routelab probe --compare-tcp', () => {
  it('gives medians, intervals and a verdict of each figure, and every turn', async () => {
    const result = await compare('--pairs', '6', '--bytes', '200kb', '--seed', '5', '--json');
    expect(result).toMatchObject({ code: 0, stderr: '' });
    const fields = JSON.parse(result.stdout);
    const number = expect.any(Number);
    const interval = { estimate: number, low: number, high: number };
    const median = { n: 6, median: number, low: number, high: number };
    const metric = {
      n: 6,
      quic: median,
      tcp: median,
      difference: interval,
      ratio: interval,
      verdict: expect.stringMatching(/^(better|worse|inconclusive)$/),
      words: expect.stringContaining('6 pairs'),
    };
    expect(fields).toMatchObject({
      target,
      mode: 'download',
      tcp_path: 'direct',
      seed: 5,
      congestion: { quic: 'cubic' },
      pairs: 6,
      failed_pairs: 0,
      metrics: { goodput_bps: metric, handshake_ms: metric },
    });
    expect(fields.turns).toHaveLength(6);
    expect(new Set(fields.turns.map(({ first }: { first: string }) => first))).toEqual(
      new Set(['quic', 'tcp']),
    );
  });

  it('prints a table and sentences', async () => {
    const { code, stdout } = await compare('--mode', 'handshake', '--pairs', '6');
    expect(code).toBe(0);
    expect(stdout).toMatch(/^handshake +[\d.]+ +[\d.]+ ms/m);
    expect(stdout).toMatch(/^handshake: .*TCP/m);
    expect(stdout).toContain('TCP is the kernel’s, over the same network');
  });

  it('says what a stream relay’s TCP is, and that few pairs are too few', async () => {
    const { stdout } = await compare('--pairs', '1', '--bytes', '10kb', '--emulated');
    expect(stdout).toContain('too few');
    expect(stdout).toContain('its segments are modelled');
  });

  it('says that it was interrupted before any pair, instead of an empty table', async () => {
    const args = ['probe', target, '--compare-tcp', '--duration', '600', '--data', data];
    const secrets = join(data, 'begun.keys');
    const probe = start([...args, '--keylog', secrets]);
    await vi.waitFor(() => expect(existsSync(secrets)).toBe(true), { timeout: 20_000 });
    probe.child.kill('SIGINT');
    const { code, stdout } = await probe.finished;
    expect(stdout).toMatch(/QUIC against TCP {2}interrupted\nno pair of turns was completed\n$/);
    expect(code).toBe(0);
  });

  it('refuses what cannot be compared', async () => {
    for (const [args, code] of [
      [['--mode', 'ping'], 'RL_INPUT_INVALID'],
      [['--pairs', '0'], 'RL_INPUT_INVALID'],
      [['--resume', '--mode', 'handshake'], 'RL_USAGE'],
    ] as const) {
      const result = await compare(...args);
      expect(result.stderr).toContain(code);
      expect(result.code).toBe(2);
    }
    const alone = await run(['probe', target, '--pairs', '3', '--data', data]);
    expect(alone.stderr).toContain('--pairs goes with --compare-tcp');
  });

  it('says how to start a server where there is none', async () => {
    const plain = await startServer([], data);
    const result = await run(['probe', `127.0.0.1:${plain.port}`, '--compare-tcp', '--data', data]);
    plain.child.kill('SIGTERM');
    await plain.finished;
    expect(result.stderr).toContain('RL_PORT_CLOSED');
    expect(result.stderr).toContain('--tcp');
    expect(result.code).toBe(3);
  });
});
