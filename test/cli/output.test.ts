import { describe, expect, it } from 'vitest';
import { table } from '../../src/main/cli/output.ts';
import { handshakeFields, pingFields, resultTable } from '../../src/main/cli/probe-result.ts';

describe('tables', () => {
  it('align numbers to the right and keep the unit beside them', () => {
    const rows = [
      ['rtt p50', '9.5', 'ms'],
      ['sent', '5000', 'pings'],
    ];
    expect(table(rows, ['left', 'right', 'unit'])).toBe('rtt p50   9.5 ms\nsent     5000 pings');
  });
});

describe('probe result', () => {
  it('puts pings into sending order before it computes jitter', () => {
    const fields = pingFields([
      { atMs: 2, rttUs: 10_000, loaded: false },
      { atMs: 3, rttUs: 10_000, loaded: false },
      { atMs: 0, rttUs: 26_000, loaded: false },
      { atMs: 1, rttUs: null, loaded: false },
    ]);
    expect(fields).toMatchObject({ sent: 4, received: 3, loss_ratio: 0.25 });
    // RFC 3550: 16 ms / 16 = 1 ms after the first pair, 1 − 1/16 after the second.
    expect(fields.jitter_ms).toBe(0.938);
    expect(fields.rtt_ms).toEqual({ min: 10, mean: 15.333, p50: 10, p95: 24.4, p99: 25.68 });
  });

  it('leaves out what was not measured', () => {
    expect(pingFields([])).toEqual({ sent: 0, received: 0 });
    expect(pingFields([{ atMs: 0, rttUs: null, loaded: false }])).toEqual({
      sent: 1,
      received: 0,
      loss_ratio: 1,
    });
    expect(handshakeFields([{ durationUs: null }])).toEqual({});
  });

  it('shows each measured field once, with its unit', () => {
    const text = resultTable({
      target: 'localhost:4433',
      mode: 'download',
      congestion: 'cubic',
      duration_s: 10,
      goodput_bps: { down: 812_340_000 },
      handshake_ms: { p50: 3.2, p95: 3.2 },
      started_at: '2026-11-21T00:00:00.000Z',
    });
    expect(text).toBe(
      ['download   812.340 Mbit/s', 'handshake    3.200 ms', 'time          10.0 s'].join('\n'),
    );
  });
});
