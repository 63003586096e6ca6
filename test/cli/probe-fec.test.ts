import { describe, expect, it } from 'vitest';
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
