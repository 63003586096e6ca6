/**
 * Congestion control governs what is sent: a capture of a probe's packets follows the pacing rate that its controller reports,
 * and with it the parameter that makes the rate. Real time, about 10 s.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CongestionSeries } from '../../src/shared/congestion-series.ts';
import { type Capture, captureBefore } from './capture.ts';
import { type Running, run, start, startServer } from './run.ts';

const folder = mkdtempSync(join(tmpdir(), 'routelab-pacing-'));
const data = join(folder, 'data');
/** Room in the window below which it is the window that holds packets back, not the pacer. */
const WINDOW_MARGIN = 3 * 1472;
let server: Running & { port: number };

beforeAll(async () => {
  server = await startServer([], data);
});
afterAll(async () => {
  server.child.kill('SIGTERM');
  await server.finished;
  rmSync(folder, { recursive: true });
});

interface Sent {
  series: CongestionSeries;
  sent: Capture['sent'];
}

/** Uploads over 4 Mbit/s and 100 ms with room for a queue, and what the capture and the controller say of it. */
async function upload(name: string, ...args: string[]): Promise<Sent> {
  const path = ['--to', `127.0.0.1:${server.port}`, '--rate', '4mbit', '--delay', '50ms', '--buffer', '1mb'];
  const emulator = start(['emulate', '--listen', '127.0.0.1:0', ...path]);
  try {
    const [, port] = await emulator.line(/127\.0\.0\.1:(\d+)/);
    await using capture = await captureBefore(Number(port));
    const file = join(folder, `${name}.json`);
    const target = ['probe', `127.0.0.1:${capture.port}`, '--data', data, '--emulated'];
    const result = await run([...target, '--mode', 'upload', '--duration', '7s', '--series', file, ...args]);
    expect(result.code, result.stderr).toBe(0);
    return { series: JSON.parse(readFileSync(file, 'utf8')).client, sent: [...capture.sent] };
  } finally {
    emulator.child.kill('SIGTERM');
    await emulator.finished;
  }
}

/**
 * Rates of one kind of phase while the pacer ruled: as packets left, each its size by the time since the one before, and as
 * reported. Medians, bits per second: a machine that is late now and then does not move them.
 */
function paced(
  { series, sent }: Sent,
  state: string,
): { packets: number; sentBps: number; reportedBps: number } {
  const stateAt = (tUs: number): string | undefined =>
    series.phases.findLast((each) => each.fromUs <= tUs)?.state;
  const rates: number[] = [];
  const reported: number[] = [];
  let row = 0;
  for (let i = 1; i < sent.length; i++) {
    const { tUs, bytes } = sent[i]!;
    while (row + 1 < series.tUs.length && series.tUs[row + 1]! <= tUs) row++;
    const isPaced = series.inFlightBytes[row]! + WINDOW_MARGIN < series.cwndBytes[row]!;
    if (!isPaced || stateAt(tUs) !== state) continue;
    rates.push((bytes * 8e6) / (tUs - sent[i - 1]!.tUs));
    reported.push(series.pacingBps[row]!);
  }
  return { packets: rates.length, sentBps: median(rates), reportedBps: median(reported) };
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1]!;

describe('a capture of bbr3', () => {
  // Other work on the machine makes packets late now and then.
  it('shows the pacing rate of ProbeBW UP following --bbr-probe-bw', {
    timeout: 120_000,
    retry: 2,
  }, async () => {
    const bbr = (x: string) => upload(x, '--congestion', 'bbr3', '--bbr-probe-bw', x);
    const [gentle, bold] = await Promise.all([bbr('0.1'), bbr('0.5')]);
    for (const each of [gentle, bold]) {
      for (const state of ['ProbeBW_UP', 'ProbeBW_CRUISE']) {
        const { packets, sentBps, reportedBps } = paced(each, state);
        expect(packets).toBeGreaterThan(20);
        expect(sentBps / reportedBps, state).toBeGreaterThan(0.85);
        expect(sentBps / reportedBps, state).toBeLessThan(1.15);
      }
    }
    const gain = (each: Sent): number =>
      paced(each, 'ProbeBW_UP').sentBps / paced(each, 'ProbeBW_CRUISE').sentBps;
    // Told: 1.1 and 1.5.
    expect(gain(gentle)).toBeGreaterThan(1);
    expect(gain(gentle)).toBeLessThan(1.25);
    expect(gain(bold)).toBeGreaterThan(1.3);
    expect(gain(bold)).toBeLessThan(1.7);
  });
});
