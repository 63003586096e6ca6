/**
 * A server that goes away between two connections: stand-ins in virtual time, since the pauses are what is looked at, and a real clock
 * would be waited for.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { runHandshakes } from '../../src/main/probe/handshake.ts';
import { runRequests } from '../../src/main/probe/http3.ts';
import type { ConnectOptions } from '../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { LabError } from '../../src/shared/errors.ts';
import { standInSession } from './stand-in-session.ts';
import { startVirtualTime } from './virtual-time.ts';

vi.mock('../../src/main/quic/udp/clock.ts', async () => (await import('./virtual-time.ts')).virtualClock());
vi.mock('../../src/main/quic/udp/client.ts', () => ({ connectQuic: vi.fn() }));

const connect = { host: '192.0.2.1', port: 4433, alpn: ['routelab/1'] } as unknown as ConnectOptions;
const head = { method: 'GET', scheme: 'https', authority: 'a', path: '/', headers: [] } as const;
/** Virtual milliseconds at which connections were begun. */
let begunMs: number[];
let answered: (connection: number) => boolean;

beforeEach(() => {
  startVirtualTime();
  begunMs = [];
  answered = (connection) => connection === 0;
  vi.mocked(connectQuic).mockImplementation(async ({ onMark }) => {
    begunMs.push(Date.now());
    if (!answered(begunMs.length - 1)) throw new LabError('RL_PORT_CLOSED', 'nobody listens');
    onMark?.('confirmed', 0);
    return standInSession(() => null);
  });
});
afterEach(() => {
  vi.useRealTimers();
});

const gaps = (): number[] => begunMs.slice(1).map((at, i) => at - begunMs[i]!);

describe('handshakes of which one fails', () => {
  const shake = async (options: { count?: number; durationMs?: number; forMs: number }) => {
    const ending = new AbortController();
    let isOver = false;
    const over = runHandshakes(connect, {
      ...options,
      start: 'cold',
      signal: ending.signal,
      onHandshake: () => {},
    }).then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(options.forMs);
    const wasOver = isOver;
    ending.abort();
    await over;
    return wasOver;
  };

  it('pause for longer each time, up to 5 s, so that a minute makes few of them', async () => {
    expect(await shake({ durationMs: 60_000, forMs: 60_000 })).toBe(true);
    expect(gaps().slice(0, 8)).toEqual([0, 250, 500, 1000, 2000, 4000, 5000, 5000]);
    expect(begunMs).toHaveLength(17);
  });

  it('do not use up their count meanwhile, and pause no more once one succeeds', async () => {
    answered = (connection) => connection === 0 || connection > 3;
    await shake({ count: 7, forMs: 1 });
    expect(begunMs).toHaveLength(2);
    begunMs = [];
    expect(await shake({ count: 7, forMs: 2000 })).toBe(true);
    expect(gaps()).toEqual([0, 250, 500, 1000, 0, 0]);
  });

  it('end at once when they are stopped', async () => {
    expect(await shake({ count: 7, forMs: 300 })).toBe(false);
    expect(begunMs).toHaveLength(3);
  });
});

it('requests over HTTP/3 pause as handshakes do', async () => {
  const samples: unknown[] = [];
  const over = runRequests(connect, {
    head: { ...head, headers: [] },
    count: 5,
    signal: new AbortController().signal,
    onRequest: (sample) => samples.push(sample),
  });
  await vi.advanceTimersByTimeAsync(5000);
  await over;
  // The stand-in has no streams, so that the request over the first connection fails too.
  expect(gaps()).toEqual([250, 500, 1000, 2000]);
  expect(samples).toHaveLength(5);
});
