import { describe, expect, it } from 'vitest';
import { table } from '../../src/main/cli/output.ts';
import { probeFields, resultTable } from '../../src/main/cli/probe-result.ts';
import { pingFigures } from '../../src/main/probe/modes/ping.ts';
import { transportOf } from '../../src/main/probe/observation.ts';
import { NOTHING_MEASURED } from '../../src/shared/probes.ts';
import { NO_FIGURES } from '../probe/stand-in-session.ts';

describe('tables', () => {
  it('align numbers to the right and keep the unit beside them', () => {
    const rows = [
      ['rtt p50', '9.5', 'ms'],
      ['sent', '5000', 'pings'],
    ];
    expect(table(rows, ['left', 'right', 'unit'])).toBe('rtt p50   9.5 ms\nsent     5000 pings');
  });
});

const HEAD = {
  target: 'localhost:4433',
  congestion: 'cubic',
  started_at: '2026-11-21T00:00:00.000Z',
} as const;
const SERVER = {
  ...transportOf('server', NO_FIGURES),
  controller: 'newreno',
  pacingBps: 8e6,
  packetsLost: 7,
};

describe('probe result', () => {
  it('is the figures of the measurement, in milliseconds', () => {
    const { sent, received, lossRatio, rttUs, jitterUs } = pingFigures([
      { atMs: 2, rttUs: 10_000, loaded: false },
      { atMs: 3, rttUs: 10_000, loaded: false },
      { atMs: 0, rttUs: 26_000, loaded: false },
      { atMs: 1, rttUs: null, loaded: false },
    ]);
    const measured = { ...NOTHING_MEASURED, sent, received, lossRatio, rttUs, jitterUs };
    const fields = probeFields({ ...HEAD, mode: 'ping' }, measured, {});
    expect(fields).toMatchObject({ sent: 4, received: 3, loss_ratio: 0.25 });
    // Pings in sending order. RFC 3550: 16 ms / 16 = 1 ms after the first pair, 1 − 1/16 after the second.
    expect(fields.jitter_ms).toBe(0.938);
    expect(fields.rtt_ms).toEqual({ min: 10, mean: 15.333, p50: 10, p95: 24.4, p99: 25.68 });
  });

  it('leaves out what was not measured', () => {
    const fields = probeFields({ ...HEAD, mode: 'ping' }, NOTHING_MEASURED, {});
    expect(fields).toEqual({ ...HEAD, mode: 'ping', duration_s: 0 });
  });

  it('of a download shows the controller of the server, which sends, where it tells', () => {
    const own = transportOf('client', NO_FIGURES);
    const head = { ...HEAD, mode: 'download' } as const;
    expect(probeFields(head, { ...NOTHING_MEASURED, transport: [SERVER, own] }, {})).toMatchObject({
      sender: 'server',
      congestion: 'newreno',
      cwnd_bytes: 13_500,
      pacing_bps: 8e6,
      transport: { packets_lost: 0 },
      server_transport: { packets_lost: 7 },
    });
    const untold = probeFields(head, { ...NOTHING_MEASURED, transport: [own] }, {});
    expect(untold).toMatchObject({ congestion: null, transport: { packets_lost: 0 } });
    for (const field of ['sender', 'cwnd_bytes', 'server_transport'])
      expect(untold).not.toHaveProperty(field);
  });

  it('shows each measured field once, with its unit', () => {
    const text = resultTable({
      target: 'localhost:4433',
      mode: 'download',
      congestion: 'cubic',
      duration_s: 10,
      goodput_bps: { down: 812_340_000 },
      transfer_s: { down: 9.98 },
      handshake_ms: { p50: 3.2, p95: 3.2 },
      started_at: '2026-11-21T00:00:00.000Z',
    });
    expect(text).toBe(
      [
        'download     812.340 Mbit/s',
        '  over         9.980 s',
        'handshake      3.200 ms',
        'time in all     10.0 s',
      ].join('\n'),
    );
  });
});
