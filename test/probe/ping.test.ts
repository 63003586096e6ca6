import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pinger, type PingOptions } from '../../src/main/probe/ping.ts';
import type { PingSample } from '../../src/shared/samples.ts';
import { type Path, standInSession } from './stand-in-session.ts';
import { stallFor, startVirtualTime } from './virtual-time.ts';

vi.mock('../../src/main/quic/udp/clock.ts', async () => (await import('./virtual-time.ts')).virtualClock());

beforeEach(startVirtualTime);
afterEach(() => vi.useRealTimers());

function startPings(path: Path, options: Omit<PingOptions, 'onPing'>) {
  const session = standInSession(path);
  const pings: PingSample[] = [];
  const pinger = new Pinger(session, { ...options, onPing: (ping) => pings.push(ping) });
  let isFinished = false;
  void pinger.finished.then(() => {
    isFinished = true;
  });
  return { session, pings, pinger, isFinished: () => isFinished };
}

const lossless: Path = () => 40;

describe('Pinger', () => {
  it('sends at start + k / rate and finishes when the last echo is back', async () => {
    const run = startPings(lossless, { ratePerS: 10, count: 5 });
    await vi.advanceTimersByTimeAsync(439);
    expect(run.session.sentAtMs).toEqual([0, 100, 200, 300, 400]);
    expect(run.isFinished()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(run.isFinished()).toBe(true);
    expect(run.pings.map((ping) => ping.rttUs)).toEqual([40_000, 40_000, 40_000, 40_000, 40_000]);
    expect(run.pings.map((ping) => ping.atMs)).toEqual([0, 100, 200, 300, 400]);
  });

  it('sends as many pings as the duration has slots', async () => {
    const run = startPings(lossless, { ratePerS: 10, durationMs: 1000 });
    await vi.advanceTimersByTimeAsync(5000);
    expect(run.session.sentAtMs).toHaveLength(10);
    expect(run.isFinished()).toBe(true);
  });

  it('counts a ping without an echo as lost after its timeout, and an echo after that as late', async () => {
    const run = startPings((sequence) => (sequence === 1 ? null : sequence === 2 ? 1500 : 40), {
      ratePerS: 10,
      count: 4,
    });
    await vi.advanceTimersByTimeAsync(3000);
    expect(run.isFinished()).toBe(true);
    expect(run.pings).toEqual([
      { atMs: 0, rttUs: 40_000, loaded: false },
      { atMs: 300, rttUs: 40_000, loaded: false },
      { atMs: 100, rttUs: null, loaded: false },
      { atMs: 200, rttUs: null, loaded: false },
    ]);
    expect(run.pinger.ledger).toMatchObject({ sent: 4, received: 2, lost: 2 });
  });

  it('waits for a slow path as the handshake has shown it', async () => {
    const session = standInSession(() => 1800);
    session.figures.smoothedRttUs = 600_000;
    const pings: PingSample[] = [];
    new Pinger(session, { ratePerS: 1, count: 1, onPing: (ping) => pings.push(ping) });
    await vi.advanceTimersByTimeAsync(2400);
    expect(pings).toEqual([{ atMs: 0, rttUs: 1_800_000, loaded: false }]);
  });

  it('sends what a short stall held up as soon as the loop is free', async () => {
    const run = startPings(lossless, { ratePerS: 100, count: 10 });
    await vi.advanceTimersByTimeAsync(15);
    stallFor(50);
    await vi.advanceTimersByTimeAsync(2000);
    expect(run.session.sentAtMs).toHaveLength(10);
    // Two before the stall; 20 ms to 70 ms came due while the loop stood still and go out at its end.
    expect(run.session.sentAtMs.filter((at) => at === 70)).toHaveLength(6);
    expect(run.session.sentAtMs.at(-1)).toBe(90);
    expect(run.pinger.skipped).toBe(0);
  });

  it('skips and counts what a long stall held up, and does not burst', async () => {
    const run = startPings(lossless, { ratePerS: 100, durationMs: 1000 });
    await vi.advanceTimersByTimeAsync(15);
    stallFor(500);
    await vi.advanceTimersByTimeAsync(2000);
    expect(run.pinger.skipped).toBe(50);
    expect(run.session.sentAtMs).toHaveLength(50);
    expect(new Set(run.session.sentAtMs).size).toBe(50);
  });

  it('leaves pings that are pending out when it is stopped', async () => {
    const run = startPings(lossless, { ratePerS: 10 });
    await vi.advanceTimersByTimeAsync(420);
    run.pinger.stop();
    await vi.advanceTimersByTimeAsync(5000);
    expect(run.isFinished()).toBe(true);
    expect(run.session.sentAtMs).toHaveLength(5);
    expect(run.pings).toHaveLength(4);
  });

  it('ends with its session', async () => {
    const run = startPings(lossless, { ratePerS: 10 });
    await vi.advanceTimersByTimeAsync(420);
    run.session.end({ by: 'peer', code: 0, application: true, reason: '' });
    await vi.advanceTimersByTimeAsync(0);
    expect(run.isFinished()).toBe(true);
    expect(vi.getTimerCount()).toBeLessThanOrEqual(1);
  });

  it('does not send into a full congestion window, where a ping would measure its own queue', async () => {
    const run = startPings(lossless, { ratePerS: 10, durationMs: 1000 });
    await vi.advanceTimersByTimeAsync(250);
    run.session.figures.bytesInFlight = run.session.figures.cwndBytes;
    await vi.advanceTimersByTimeAsync(2000);
    expect(run.session.sentAtMs).toEqual([0, 100, 200]);
    expect(run.pinger.skipped).toBe(7);
    expect(run.pinger.ledger.lost).toBe(0);
  });

  it('knows through which moment all pings are resolved', async () => {
    const run = startPings((sequence) => (sequence === 0 ? null : 40), { ratePerS: 10 });
    await vi.advanceTimersByTimeAsync(990);
    expect(run.pinger.resolvedThroughUs).toBe(0);
    await vi.advanceTimersByTimeAsync(20);
    expect(run.pinger.resolvedThroughUs).toBe(1_000_000);
    await vi.advanceTimersByTimeAsync(40);
    expect(run.pinger.resolvedThroughUs).toBe(1_050_000);
    run.pinger.stop();
  });

  it('refuses a peer that takes no datagrams', () => {
    const session = { ...standInSession(lossless), maxDatagramPayload: 0 };
    expect(() => new Pinger(session, { ratePerS: 1, onPing: () => {} })).toThrow(
      expect.objectContaining({ code: 'RL_PEER_UNSUPPORTED' }),
    );
  });
});
