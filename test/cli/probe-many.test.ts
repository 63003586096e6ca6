/** Several targets at once from one process, and measurements again and again. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Running, run, start, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-many-'));
const data = join(folder, 'data');
let server: Running & { port: number };
let here: string;

beforeAll(async () => {
  server = await startServer(['--json'], data);
  here = `127.0.0.1:${server.port}`;
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('several targets', () => {
  it('are measured at once, each under its name, and one that fails stops no other', async () => {
    const named = ['--route', `home=${here}`];
    const args = ['--count', '5', '--rate', '100', '--data', data];
    const { code, stdout, stderr } = await run(['probe', here, '127.0.0.1:1', ...named, ...args, '--json']);
    expect(code).toBe(3);
    expect(stderr).toContain('127.0.0.1:1: RL_PORT_CLOSED');
    const { targets } = JSON.parse(stdout);
    expect(targets).toMatchObject([
      { label: here, target: here, received: 5 },
      { label: '127.0.0.1:1', mode: 'ping', error: { code: 'RL_PORT_CLOSED' } },
      { label: 'home', target: here, received: 5 },
    ]);
  });

  it('are rows of one table', async () => {
    const args = ['--route', `a=${here}`, '--route', `b=${here}`, '--count', '3', '--data', data];
    const { code, stdout } = await run(['probe', ...args]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^target +rtt p50 ms .*\na +\d+\.\d{3} .*\nb +\d+\.\d{3} /);
    expect(stdout).toMatch(/^target .* loss % .*\na .* {2}0\.00 /);
    const marked = await run(['probe', ...args, '--emulated', '--insecure']);
    expect(marked.stdout).toMatch(/^emulated {2}insecure: certificate not checked\ntarget /);
  });
});

it('a single target can have a name, which is not asked of DNS', async () => {
  const { code, stdout } = await run(['probe', `home=${here}`, '--count', '1', '--data', data, '--json']);
  expect(code).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ label: 'home', target: here, received: 1 });
});

describe('repetitions', () => {
  it('come one row each until Ctrl-C, which sums them up', async () => {
    const args = ['--count', '2', '--rate', '100', '--every', '200ms', '--jitter', '10%', '--seed', '3'];
    const running = start(['probe', here, '--duration', '0', ...args, '--data', data, '--json']);
    const row = /^\d\d:\d\d:\d\d {2}127\.0\.0\.1:\d+ {2}rtt p50 ms \d/;
    await running.line(row);
    running.child.kill('SIGINT');
    const { code, stdout } = await running.finished;
    expect(code).toBe(0);
    const result = JSON.parse(stdout);
    expect(result).toMatchObject({
      target: here,
      mode: 'ping',
      schedule: { every_s: 0.2, jitter: 0.1, seed: 3 },
      repetitions_failed: 0,
      interrupted: true,
    });
    expect(result.repetitions_made).toBeGreaterThanOrEqual(1);
    expect(result.repetitions).toHaveLength(result.repetitions_made);
    // Ctrl-C may have cut the last one before its first echo.
    const medians = result.repetitions.flatMap(
      (each: { rtt_ms?: { p50: number } }) => each.rtt_ms?.p50 ?? [],
    );
    const { n, min, max } = result.summary.rtt_p50_ms;
    expect({ n, min, max }).toEqual({
      n: medians.length,
      min: Math.min(...medians),
      max: Math.max(...medians),
    });
  });

  it('of any mode end with the whole duration, and one that fails is counted', async () => {
    const args = [
      '--mode',
      'handshake',
      '--count',
      '1',
      '--every',
      '100ms',
      '--duration',
      '1s',
      '--data',
      data,
    ];
    const good = await run(['probe', here, ...args, '--json']);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.stdout).summary.handshake_p50_ms.n).toBeGreaterThanOrEqual(1);
    const bad = await run(['probe', '127.0.0.1:1', ...args, '--json']);
    expect(bad.code).toBe(3);
    const { repetitions_made, repetitions_failed, summary } = JSON.parse(bad.stdout);
    expect(repetitions_failed).toBe(repetitions_made);
    expect(summary).toEqual({});
  });
});

it('repetitions of every mode are summed up by its own figures, also those of FEC', async () => {
  const once = ['--every', '300ms', '--duration', '300ms', '--data', data, '--json'];
  const summary = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(['probe', here, ...args, ...once]);
    expect({ code, stderr }).toMatchObject({ code: 0 });
    return { row: stderr, figures: JSON.parse(stdout).summary };
  };
  const [fec, streams, migration] = await Promise.all([
    summary('--mode', 'fec', '--each', '200ms'),
    summary('--mode', 'streams', '--bytes', '50kb'),
    summary('--mode', 'migration', '--each', '600ms'),
  ]);
  for (const way of ['up', 'down']) {
    expect(fec.figures[`redundancy_${way}_ratio`]).toMatchObject({ n: 1, mean: 0.2 });
    expect(fec.figures[`residual_loss_${way}_ratio`]).toMatchObject({ n: 1, mean: 0 });
    expect(fec.row).toContain(`residual ${way} % 0.00  redundancy ${way} % 20.00`);
  }
  expect(streams.figures.fairness.mean).toBeGreaterThan(0);
  expect(streams.figures.slowest_later_ms.n).toBe(1);
  expect(migration.figures.gap_rebinding_ms.n).toBe(1);
  expect(migration.figures.gap_active_ms.n).toBe(1);
});

it('the server tells of each session what it counted', async () => {
  server.child.kill('SIGTERM');
  const { stdout } = await server.finished;
  const { sessions, session_counters, ...counted } = JSON.parse(stdout);
  expect(counted).toMatchObject({ fec: 2, fec_recovered: 0, fec_unrecoverable: 0 });
  expect(session_counters).toHaveLength(sessions);
  const pings = session_counters.find((each: { streams: number }) => each.streams === 1);
  expect(pings).toMatchObject({ alpn: 'routelab/1', closed_by: 'peer', migrations: 0 });
  expect(pings.packets_sent).toBeGreaterThan(3);
  expect(pings.bytes_received).toBeGreaterThan(1200);
});
