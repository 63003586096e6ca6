import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { RouteMonitor } from '../../src/main/probe/monitor.ts';
import type { ConnectOptions } from '../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { PingSample } from '../../src/shared/samples.ts';
import { type StandInSession, standInSession } from './stand-in-session.ts';
import { startVirtualTime } from './virtual-time.ts';

vi.mock('../../src/main/quic/udp/clock.ts', async () => (await import('./virtual-time.ts')).virtualClock());
vi.mock('../../src/main/quic/udp/client.ts', () => ({ connectQuic: vi.fn() }));

const connect = vi.mocked(connectQuic);

beforeEach(startVirtualTime);
afterEach(() => {
  vi.useRealTimers();
  connect.mockReset();
});

function startMonitor(settings: { transferEveryS?: number } = {}) {
  const states: string[] = [];
  const batches: Parameters<ConstructorParameters<typeof RouteMonitor>[1]['onSamples']>[0][] = [];
  const monitor = new RouteMonitor(
    {
      host: '192.0.2.1',
      port: 4433,
      serverName: 'server.example',
      controller: 'cubic',
      parameters: {},
      pingRate: 10,
      transferEveryS: null,
      transferBytes: 100_000,
      trust: { ca: [], system: true, insecure: false },
      ...settings,
    },
    {
      onState: (state, error, atMs) => states.push(`${atMs} ${state}${error ? ` ${error.code}` : ''}`),
      onSamples: (samples) => batches.push(samples),
    },
  );
  monitor.start();
  const pings = (): PingSample[] => batches.flatMap((batch) => batch.pings);
  return { monitor, states, batches, pings };
}

const unreachable = new LabError('RL_PORT_CLOSED', 'Nothing listens there');

describe('RouteMonitor', () => {
  it('is up with the first echo and hands pings over four times a second', async () => {
    connect.mockResolvedValue(standInSession(() => 40));
    const { monitor, states, batches, pings } = startMonitor();
    await vi.advanceTimersByTimeAsync(2000);
    expect(states).toEqual(['0 connecting', '40 up']);
    expect(batches.length).toBeLessThanOrEqual(10);
    expect(pings().every((ping) => ping.rttUs === 40_000)).toBe(true);
    expect(pings().map((ping) => ping.atMs)).toEqual(Array.from({ length: 20 }, (_, i) => i * 100));
    await monitor.stop();
  });

  it('says through which moment every ping is resolved', async () => {
    connect.mockResolvedValue(standInSession((sequence) => (sequence === 3 ? null : 40)));
    const { monitor, batches } = startMonitor();
    await vi.advanceTimersByTimeAsync(3000);
    await monitor.stop();
    const handedOver = new Set<number>();
    for (const batch of batches) {
      for (const ping of batch.pings) handedOver.add(ping.atMs);
      for (let sent = 0; sent < batch.resolvedThroughMs && sent < 2900; sent += 100) {
        expect(handedOver).toContain(sent);
      }
    }
    expect(batches.some((batch) => batch.resolvedThroughMs === 300)).toBe(true);
  });

  it('sends a snapshot of the transport each second', async () => {
    connect.mockResolvedValue(standInSession(() => 40));
    const { monitor, batches } = startMonitor();
    await vi.advanceTimersByTimeAsync(5000);
    await monitor.stop();
    const snapshots = batches.flatMap((batch) => batch.transport ?? []);
    expect(snapshots).toHaveLength(6);
    expect(snapshots.at(-1)?.packetsSent).toBeGreaterThan(snapshots[0]!.packetsSent);
  });

  it('keeps one handshake sample for each attempt', async () => {
    connect.mockRejectedValueOnce(unreachable).mockResolvedValue(standInSession(() => 40));
    const { monitor, batches } = startMonitor();
    await vi.advanceTimersByTimeAsync(1000);
    await monitor.stop();
    expect(batches.flatMap((batch) => batch.handshakes)).toEqual([
      { atMs: 0, durationUs: null, errorCode: 'RL_PORT_CLOSED', purpose: 'ping' },
      { atMs: expect.any(Number), durationUs: 5000, errorCode: null, purpose: 'ping' },
    ]);
  });

  it('tries again after growing pauses of at most five seconds, for as long as it takes', async () => {
    const attempts: number[] = [];
    connect.mockImplementation(async () => {
      attempts.push(Date.now());
      throw unreachable;
    });
    const { monitor, states } = startMonitor();
    await vi.advanceTimersByTimeAsync(60_000);
    await monitor.stop();
    const pauses = attempts.slice(1).map((at, i) => at - attempts[i]!);
    for (const [i, pause] of pauses.entries()) {
      const full = Math.min(250 * 2 ** i, 5000);
      expect(pause).toBeGreaterThanOrEqual(full * 0.8 - 1);
      expect(pause).toBeLessThanOrEqual(full + 1);
    }
    expect(pauses.length).toBeGreaterThan(12);
    expect(states[1]).toBe('0 down RL_PORT_CLOSED');
  });

  it('goes down with its connection, makes a new one and starts over with short pauses', async () => {
    const sessions: StandInSession[] = [];
    connect.mockImplementation(async () => {
      const session = standInSession(() => 40);
      sessions.push(session);
      return session;
    });
    const { monitor, states } = startMonitor();
    await vi.advanceTimersByTimeAsync(1000);
    sessions[0]!.end({ by: 'timeout', code: 0, application: false, reason: 'nothing received' });
    await vi.advanceTimersByTimeAsync(1000);
    sessions[1]!.end({ by: 'peer', code: 0, application: true, reason: 'shutting down' });
    await vi.advanceTimersByTimeAsync(1000);
    await monitor.stop();
    expect(states.map((line) => line.replace(/^\d+ /, ''))).toEqual([
      'connecting',
      'up',
      'down RL_CONNECTION_LOST',
      'up',
      'down RL_PEER_CLOSED',
      'up',
    ]);
  });

  it('adds the packets of ended connections up, so that counters never go back', async () => {
    const sessions: StandInSession[] = [];
    connect.mockImplementation(async () => {
      sessions.push(standInSession(() => 40));
      return sessions.at(-1)!;
    });
    const { monitor, batches } = startMonitor();
    await vi.advanceTimersByTimeAsync(3000);
    sessions[0]!.end({ by: 'timeout', code: 0, application: false, reason: '' });
    await vi.advanceTimersByTimeAsync(3000);
    await monitor.stop();
    const sent = batches.flatMap((batch) => batch.transport?.packetsSent ?? []);
    expect(sent).toEqual(sent.toSorted((a, b) => a - b));
    expect(sent.at(-1)).toBeGreaterThan(50);
  });

  it('counts an outage shorter than ten seconds as loss, on the same connection', async () => {
    let isCut = false;
    connect.mockResolvedValue(standInSession(() => (isCut ? null : 40)));
    const { monitor, states, pings } = startMonitor();
    await vi.advanceTimersByTimeAsync(2050);
    isCut = true;
    await vi.advanceTimersByTimeAsync(4000);
    isCut = false;
    await vi.advanceTimersByTimeAsync(3000);
    await monitor.stop();
    expect(pings().filter((ping) => ping.rttUs === null)).toHaveLength(40);
    expect(states).toEqual(['0 connecting', '40 up']);
    expect(connect).toHaveBeenCalledTimes(1);
  });

  it('accounts for every slot of the schedule, also where there was no connection to send on', async () => {
    const sessions: StandInSession[] = [];
    let isCut = false;
    connect.mockImplementation(async () => {
      if (isCut) throw unreachable;
      const session = standInSession(() => (isCut ? null : 40));
      sessions.push(session);
      return session;
    });
    const { monitor, batches, pings } = startMonitor();
    await vi.advanceTimersByTimeAsync(3050);
    isCut = true;
    await vi.advanceTimersByTimeAsync(1500);
    sessions[0]!.end({ by: 'timeout', code: 0, application: false, reason: 'nothing received' });
    await vi.advanceTimersByTimeAsync(4000);
    isCut = false;
    await vi.advanceTimersByTimeAsync(10_000);
    await monitor.stop();
    // What was pending when the connection ended is lost: 15 pings went into the cut.
    expect(pings().filter(({ rttUs }) => rttUs === null)).toHaveLength(15);
    const skipped = batches.flatMap((batch) => batch.skips).reduce((sum, { count }) => sum + count, 0);
    expect(skipped).toBeGreaterThanOrEqual(39);
    const slots = 18_550 / 100;
    // The last pings are still pending when it stops; a new connection begins a schedule of its own.
    expect(Math.abs(pings().length + skipped - slots)).toBeLessThanOrEqual(3);
  });

  it('keeps a transfer that failed as a sample that says why', async () => {
    connect.mockResolvedValueOnce(standInSession(() => 40)).mockRejectedValue(unreachable);
    const { monitor, batches } = startMonitor({ transferEveryS: 5 });
    await vi.advanceTimersByTimeAsync(8000);
    await monitor.stop();
    expect(batches.flatMap((batch) => batch.transfers)[0]).toMatchObject({
      direction: 'down',
      bytes: 0,
      durationUs: 0,
      errorCode: 'RL_PORT_CLOSED',
    });
    expect(batches.flatMap((batch) => batch.handshakes)[1]).toMatchObject({
      purpose: 'transfer',
      errorCode: 'RL_PORT_CLOSED',
    });
  });

  it('flushes what is resolved and drops what is pending when it is stopped', async () => {
    const session = standInSession(() => 40);
    connect.mockResolvedValue(session);
    const { monitor, pings } = startMonitor();
    await vi.advanceTimersByTimeAsync(520);
    await monitor.stop();
    expect(session.sentAtMs).toHaveLength(6);
    expect(pings()).toHaveLength(5);
    await expect(session.closed).resolves.toMatchObject({ by: 'local' });
    expect(vi.getTimerCount()).toBe(1);
  });

  it('gives up connecting when it is stopped, and never starts after that', async () => {
    connect.mockImplementation(
      ({ signal }: ConnectOptions) =>
        new Promise((_, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))),
    );
    const { monitor, states, batches } = startMonitor();
    await vi.advanceTimersByTimeAsync(100);
    await monitor.stop();
    monitor.start();
    expect(states).toEqual(['0 connecting']);
    expect(batches).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
