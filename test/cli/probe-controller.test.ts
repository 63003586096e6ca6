import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CONGESTION_COLUMNS, CongestionSeries } from '../../src/shared/congestion-series.ts';
import { type Finished, type Running, run, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-cli-'));
const data = join(folder, 'data');
let server: Running & { port: number };

beforeAll(async () => {
  server = await startServer(['--clients-choose'], data);
});
afterAll(async () => {
  server.child.kill('SIGTERM');
  await server.finished;
  rmSync(folder, { recursive: true });
});

const probe = (...args: string[]): Promise<Finished> =>
  run(['probe', `127.0.0.1:${server.port}`, ...args, '--data', data]);

const json = (result: Finished) => JSON.parse(result.stdout);

describe('the controller of a probe', () => {
  it.each([
    ['upload', 'reno', 'newreno'],
    ['upload', 'BBR', 'bbr3'],
    ['download', 'bbrv2', 'bbr2'],
  ])('in an %s by any of its names: %s', async (mode, name, controller) => {
    const result = json(await probe('--mode', mode, '--bytes', '500kb', '--congestion', name, '--json'));
    expect(result).toMatchObject({ congestion: controller, asked: { congestion: controller } });
    expect(result.asked.followed).toBe(mode === 'download' ? true : undefined);
  });

  it('is refused under a name that is none, and with what is not its own', async () => {
    for (const [args, message] of [
      [['--congestion', 'vegas'], /--congestion: "vegas" is none of newreno, cubic/],
      [['--set', 'StartupPacingGain=2.5'], /Unknown parameter StartupPacingGain; known are .*HyStart/],
      [
        ['--congestion', 'bbr', '--set', 'probebwuppacinggian=1.2'],
        /Unknown parameter probebwuppacinggian \(did you mean ProbeBwUpPacingGain\?\)/,
      ],
      [['--congestion', 'bbr', '--set', 'Beta=2'], /Beta is 2; accepted are 0.5 to 0.95 \(ratio\)/],
      [['--bbr-probe-bw', '0.3'], /--bbr-probe-bw: is for controllers of the BBR family, not for cubic/],
      [['--congestion', 'bbr', '--bbr-probe-bw', '0.9'], /--bbr-probe-bw: 0.9 is not from 0.05 to 0.5/],
      [
        ['--congestion', 'bbr', '--bbr-probe-bw', '0.3', '--set', 'ProbeBwUpPacingGain=1.2'],
        /ProbeBwUpPacingGain is set with --set too/,
      ],
      [
        ['--congestion', 'bbr', '--bbr-probe-rtt-interval', '1s'],
        /--bbr-probe-rtt-interval: 1s is not from 2s to 20s\s*$/,
      ],
    ] as const) {
      const result = await probe(...args);
      expect(result.stderr).toMatch(message);
      expect(result.code).toBe(2);
    }
  });

  it('is recorded as a series, of both ends where both send', async () => {
    const file = join(folder, 'series.json');
    await probe('--mode', 'bidi', '--bytes', '2mb', '--congestion', 'cubic', '--series', file);
    const series = JSON.parse(readFileSync(file, 'utf8'));
    expect(Object.keys(series).sort()).toEqual(['client', 'server']);
    for (const each of Object.values(series)) {
      const { tUs, cwndBytes, phases } = CongestionSeries.parse(each);
      expect(cwndBytes.length).toBe(tUs.length);
      expect(Math.max(...(cwndBytes as number[]))).toBeGreaterThan(13_500);
      expect(phases[0]!.state).toBe('slow-start');
    }
  });

  it('is recorded as CSV', async () => {
    const file = join(folder, 'series.csv');
    await probe('--mode', 'upload', '--bytes', '1mb', '--series', file);
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    expect(lines[0]).toBe(
      'vantage,t_us,cwnd_bytes,in_flight_bytes,pacing_bps,bandwidth_bps,rtt_us,min_rtt_us,lost_packets,state',
    );
    const cells = lines[1]!.split(',');
    expect(cells).toHaveLength(3 + CONGESTION_COLUMNS.length);
    expect([cells[0], cells.at(-1)]).toEqual(['client', 'slow-start']);
  });

  it('a series goes to a file of a known kind, and not with handshakes', async () => {
    expect((await probe('--series', join(folder, 'series.txt'))).stderr).toMatch(
      /ends in neither .csv nor .json/,
    );
    const handshakes = await probe('--mode', 'handshake', '--series', join(folder, 'series.csv'));
    expect(handshakes.stderr).toMatch(/--series does not apply to --mode handshake/);
  });
});
