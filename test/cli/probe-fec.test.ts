import { describe, expect, it, onTestFinished } from 'vitest';
import { checkOptions } from '../../src/main/cli/probe-checks.ts';
import { fecOf } from '../../src/main/cli/probe-options.ts';
import { temporaryDir } from '../lab/open-lab.ts';
import { run, startServer } from './run.ts';

const base = { timeout: 10e6, mtuDiscovery: true };

describe('--fec', () => {
  it('is refused on streams, with the reason', () => {
    for (const mode of ['download', 'upload', 'bidi', 'streams'] as const)
      expect(() => checkOptions(mode, { ...base, fec: true })).toThrow(/QUIC streams are reliable/);
  });

  it('refuses groups that take too long or have too many repair packets', () => {
    expect(() => checkOptions('fec', { ...base, fecGroup: 64, rate: 1 })).toThrow(/longer than 10 s/);
    expect(() => checkOptions('fec', { ...base, fecGroup: 64, fecRedundancy: 1 })).toThrow(/at most 32/);
    expect(() => checkOptions('fec', { ...base, fec: 'xor', rate: 100 })).not.toThrow();
  });

  it('is Reed–Solomon of 2 for 10 unless it is told otherwise', () => {
    expect(fecOf({ ...base, fec: true })).toEqual({ scheme: 'rs', k: 10, redundancy: 0.2, adaptive: false });
    // What adapts begins with the most, and takes from it what it can.
    expect(fecOf({ ...base, fecAdaptive: true })).toMatchObject({ redundancy: 0.5, adaptive: true });
    expect(fecOf({ ...base, fecAdaptive: true, fecRedundancy: 0.1 })).toMatchObject({ redundancy: 0.1 });
  });

  it('is held to the gates of a level, and a gate that is missed ends with exit code 1', async () => {
    const data = temporaryDir();
    const server = await startServer([], data);
    const probe = ['probe', `127.0.0.1:${server.port}`, '--data', data, '--mode', 'fec', '--duration', '1s'];
    const [strict, lenient] = await Promise.all([
      run([...probe, '--sla', 'strict', '--json']),
      run([...probe, '--sla', 'lenient']),
    ]);
    server.child.kill('SIGTERM');
    await server.finished;
    expect(strict.code).toBe(1);
    expect(strict.stderr).toContain('missed FEC redundancy: at most 0.1, measured 0.200');
    const { gates } = JSON.parse(strict.stdout);
    expect(gates[0]).toMatchObject({ metric: 'fec_redundancy', limit: 0.1, measured: 0.2, passed: false });
    expect(lenient).toMatchObject({ code: 0, stdout: expect.stringMatching(/^gates: all [12] met$/m) });
  });

  it('has gates of no other mode', () => {
    expect(() => checkOptions('ping', { ...base, sla: 'default' })).toThrow(
      '--sla does not apply to --mode ping',
    );
  });
});

it('is measured against a server of its own process, whose account is exported as the server’s', async () => {
  const data = temporaryDir();
  const server = await startServer(['--prometheus-port', '0'], data);
  onTestFinished(() => void server.child.kill('SIGKILL'));
  const [metrics] = await server.line(/http:\/\/127\.0\.0\.1:\d+\/metrics/);
  const args = ['--mode', 'fec', '--duration', '500ms', '--fec-group', '5', '--data', data, '--json'];
  const { code, stdout, stderr } = await run(['probe', `127.0.0.1:${server.port}`, ...args]);
  expect({ code, stderr }).toMatchObject({ code: 0 });
  const { detail } = JSON.parse(stdout);
  expect(detail).toMatchObject({ scheme: 'rs', k: 5, r: 1, rate_per_s: 100, packet_bytes: 200 });
  for (const way of [detail.up, detail.down]) {
    expect(way.sent_source + way.skipped).toBe(50);
    expect(way).toMatchObject({
      erasures: 0,
      residual_loss: 0,
      received_source: way.sent_source,
    });
  }
  const exposition = await (await fetch(metrics)).text();
  const labels = `server="127.0.0.1:${server.port}",congestion="cubic",role="server"`;
  for (const sample of ['recovered_packets_total{*} 0', 'unrecoverable_packets_total{*} 0'])
    expect(exposition).toContain(`\nquic_fec_${sample.replace('*', labels)}\n`);
  // A machine that holds the sender up has it skip packets, and the last group with fewer has as many repair packets.
  expect(exposition).toContain(`\nquic_fec_redundancy_ratio{${labels}} 0.2`);
});
