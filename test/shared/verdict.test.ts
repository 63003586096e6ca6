import { describe, expect, it } from 'vitest';
import type { PingStats, Transfer } from '../../src/shared/domain.ts';
import { LEAST_PINGS, verdictOf } from '../../src/shared/verdict.ts';

const ping = (p95Ms: number, jitterMs: number, lossRatio: number, sent = 600): PingStats => {
  const rtt = p95Ms * 1e3;
  const lost = Math.round(sent * lossRatio);
  return {
    fromMs: 0,
    toMs: 60_000,
    sent,
    received: sent - lost,
    lost,
    skipped: 0,
    lossRatio,
    rttUs: { min: rtt, mean: rtt, p50: rtt, p95: rtt, p99: rtt, max: rtt },
    jitterUs: jitterMs * 1e3,
  };
};
const transfer = (mbps: number): Transfer => ({
  atMs: 0,
  bytes: 2e6,
  durationUs: 16e6 / mbps,
  goodputBps: mbps * 1e6,
});
const up = { state: 'up' as const, down: null, up: null };

describe('the verdict on a route', () => {
  it('names each use under its grade', () => {
    const words = verdictOf({ ...up, ping: ping(40, 2, 0), down: transfer(3), up: transfer(3) }).words;
    expect(words).toBe('good for calls, poor for bulk');
  });

  it('joins uses of one grade', () => {
    const words = verdictOf({ ...up, ping: ping(40, 2, 0), down: transfer(90), up: transfer(40) }).words;
    expect(words).toBe('good for calls and bulk');
  });

  it('grades a use by its worst criterion', () => {
    const { uses } = verdictOf({ ...up, ping: ping(40, 2, 0.03), down: transfer(90), up: transfer(6) });
    expect(uses.map((u) => u.grade)).toEqual(['fair', 'fair']);
  });

  it('counts a value at the bound as within it', () => {
    const { uses } = verdictOf({ ...up, ping: ping(200, 30, 0.01), down: transfer(20) });
    expect(uses.map((u) => u.grade)).toEqual(['good', 'good']);
  });

  it('says what was not measured instead of guessing', () => {
    const verdict = verdictOf({ ...up, ping: ping(40, 2, 0) });
    expect(verdict.words).toBe('good for calls, bulk not measured');
    expect(verdict.uses[1]!.grade).toBeNull();
  });

  it('grades total loss as poor though there is no RTT', () => {
    const lost = { ...ping(0, 0, 1), rttUs: null, jitterUs: null };
    expect(verdictOf({ ...up, ping: lost, down: transfer(90) }).words).toBe('good for bulk, poor for calls');
  });

  it('refuses below the least number of pings', () => {
    expect(verdictOf({ ...up, ping: ping(40, 2, 0, LEAST_PINGS - 1) }).words).toBe('too few pings yet');
    expect(verdictOf({ ...up, ping: null }).words).toBe('too few pings yet');
  });

  it('says that a route is down or stopped before anything about its past', () => {
    expect(verdictOf({ ...up, state: 'down', ping: ping(40, 2, 0) }).words).toBe('unreachable');
    expect(verdictOf({ ...up, state: 'stopped', ping: null }).words).toBe('not probed');
  });
});
