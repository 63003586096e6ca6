import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { runHandshakes } from '../../src/main/probe/handshake.ts';
import { Pinger } from '../../src/main/probe/ping.ts';
import {
  AppError,
  encodeReport,
  encodeRequest,
  type TransferRequest,
} from '../../src/main/probe/protocol.ts';
import { SERVICE_LIMITS } from '../../src/main/probe/service-limits.ts';
import { download, type Received, upload } from '../../src/main/probe/throughput.ts';
import type { QuicSession, QuicStream } from '../../src/main/quic/udp/api.ts';
import type { PingSample } from '../../src/shared/samples.ts';
import { type Loopback, startLoopback } from './loopback.ts';

let loopback: Loopback;
beforeAll(async () => {
  loopback = await startLoopback();
});
afterAll(async () => {
  await loopback[Symbol.asyncDispose]();
});

const settled = (check: () => void) => vi.waitFor(check, { timeout: 5000, interval: 20 });

describe('measuring a server over loopback', () => {
  it('pings: every ping is echoed and its RTT is positive', async () => {
    const session = await loopback.connect();
    const pings: PingSample[] = [];
    const pinger = new Pinger(session, { ratePerS: 500, count: 200, onPing: (ping) => pings.push(ping) });
    await pinger.finished;
    expect(pings).toHaveLength(200);
    expect(pinger.ledger).toMatchObject({ sent: 200, received: 200, lost: 0, late: 0, duplicates: 0 });
    expect(pings.every((ping) => ping.rttUs! > 0)).toBe(true);
  });

  it.each([1, 20_000, 5_000_000])('downloads exactly %i bytes', async (bytes) => {
    const session = await loopback.connect();
    const progress: Received[] = [];
    const received = await download(session, { bytes, onProgress: (now) => progress.push(now) });
    expect(received.bytes).toBe(bytes);
    expect(progress.at(-1)).toEqual(received);
  });

  it.each([1, 20_000, 5_000_000])('uploads exactly %i bytes, as the server counts them', async (bytes) => {
    const session = await loopback.connect();
    const received = await upload(session, { bytes });
    expect(received.bytes).toBe(bytes);
  });

  it('downloads and uploads for a while, with a rate over the receiver’s time', async () => {
    const session = await loopback.connect();
    for (const run of [download, upload]) {
      const received = await run(session, { durationMs: 300 });
      expect(received.bytes).toBeGreaterThan(0);
      expect(received.durationUs).toBeGreaterThan(0);
    }
  });

  it('ends at the bytes when they come before the time', async () => {
    const session = await loopback.connect();
    for (const run of [download, upload]) {
      expect((await run(session, { bytes: 100_000, durationMs: 60_000 })).bytes).toBe(100_000);
    }
  });

  it('gives what was received so far when it is interrupted', async () => {
    const session = await loopback.connect();
    for (const run of [download, upload]) {
      const stop = new AbortController();
      const received = await run(session, {
        durationMs: 60_000,
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      expect(received.bytes).toBeGreaterThan(0);
    }
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
  });

  it('makes cold handshakes and hands each one over', async () => {
    const times: (number | undefined)[] = [];
    await runHandshakes(loopback.options, {
      count: 5,
      signal: new AbortController().signal,
      start: 'cold',
      onHandshake: (_, info) => times.push(info?.durationUs),
    });
    expect(times).toHaveLength(5);
    expect(times.every((us) => us !== undefined && us > 0)).toBe(true);
  });

  it('says that the connection is gone when the server closes it', async () => {
    await using other = await startLoopback();
    const session = await other.connect();
    const running = download(session, { durationMs: 60_000 });
    const refused = expect(running).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
    await settled(() => expect(other.counters.bytesDown).toBeGreaterThan(0));
    await other.listener.close();
    await refused;
  });
});

describe('a transfer against servers that do not keep to the protocol', () => {
  const server = (onRequest: (stream: QuicStream) => void) =>
    startLoopback(undefined, (session) => {
      session.onStream = (stream) => {
        let isAsked = false;
        stream.onData = () => {
          if (!isAsked) onRequest(stream);
          isAsked = true;
        };
      };
    });

  it('counts the silence at the end of a download that is cut short', async () => {
    await using stalling = await server((stream) => stream.write(Buffer.alloc(1000)));
    const received = await download(await stalling.connect(), { durationMs: 300 });
    expect(received.bytes).toBe(1000);
    expect(received.durationUs).toBeGreaterThanOrEqual(290_000);
  });

  it('gives no result for an upload whose reports stopped', async () => {
    await using stalling = await server((stream) => stream.write(encodeReport({ bytes: 1, durationUs: 1 })));
    const running = upload(await stalling.connect(), { durationMs: 1000 });
    await expect(running).rejects.toMatchObject({ code: 'RL_CONNECTION_LOST' });
  });

  it('refuses a download that ends early and an upload without a report', async () => {
    await using ending = await server((stream) => stream.end(Buffer.alloc(10)));
    const session = await ending.connect();
    await expect(download(session, { bytes: 11 })).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
    await expect(upload(session, { bytes: 11 })).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
  });

  it('refuses a report whose numbers cannot be', async () => {
    await using lying = await server((stream) => stream.write(Buffer.alloc(16, 0xff)));
    const running = upload(await lying.connect(), { bytes: 1e6 });
    await expect(running).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
  });
});

describe('a server against clients that do not keep to the protocol', () => {
  /** Opens a stream, writes `bytes` and resolves with the code the server resets it with. */
  const resetOf = (session: QuicSession, bytes: Buffer, end = false): Promise<number> =>
    new Promise((resolve) => {
      const stream = session.openStream();
      stream.onReset = resolve;
      stream.onData = () => {};
      stream.write(bytes);
      if (end) stream.end();
    });

  it.each<[string, TransferRequest, number]>([
    [
      'too many bytes',
      { kind: 'download', bytes: SERVICE_LIMITS.bytes + 1, durationMs: 0 },
      AppError.OVER_LIMIT,
    ],
    [
      'too much time',
      { kind: 'upload', bytes: 0, durationMs: SERVICE_LIMITS.durationMs + 1 },
      AppError.OVER_LIMIT,
    ],
  ])('refuses %s instead of shortening it', async (_, request, code) => {
    const session = await loopback.connect();
    expect(await resetOf(session, encodeRequest(request))).toBe(code);
  });

  it('refuses unknown kinds, truncated requests and payload on a download', async () => {
    const session = await loopback.connect();
    const request = encodeRequest({ kind: 'download', bytes: 1e6, durationMs: 0 });
    const unknown = Buffer.from(request);
    unknown[0] = 9;
    expect(await resetOf(session, unknown)).toBe(AppError.BAD_REQUEST);
    expect(await resetOf(session, request.subarray(0, 7), true)).toBe(AppError.BAD_REQUEST);
    expect(await resetOf(session, Buffer.concat([request, Buffer.from('more')]))).toBe(AppError.BAD_REQUEST);
  });

  it('refuses an upload that exceeds what it announced', async () => {
    const session = await loopback.connect();
    const request = encodeRequest({ kind: 'upload', bytes: 10, durationMs: 0 });
    expect(await resetOf(session, Buffer.concat([request, Buffer.alloc(11)]))).toBe(AppError.OVER_LIMIT);
  });

  it('serves so many transfers at once on a session and refuses one more', async () => {
    const session = await loopback.connect();
    const open: QuicStream[] = [];
    for (let i = 0; i < SERVICE_LIMITS.transfersPerSession; i++) {
      const stream = session.openStream();
      stream.write(encodeRequest({ kind: 'upload', bytes: 1e6, durationMs: 0 }));
      open.push(stream);
    }
    await settled(() => expect(loopback.counters.activeTransfers).toBe(SERVICE_LIMITS.transfersPerSession));
    expect(await resetOf(session, encodeRequest({ kind: 'download', bytes: 1, durationMs: 0 }))).toBe(
      AppError.BUSY,
    );
    await expect(download(session, { bytes: 1 })).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
    for (const stream of open) stream.reset(AppError.NONE);
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
    expect((await download(session, { bytes: 1 })).bytes).toBe(1);
  });

  it('stops working for a client that wants no more', async () => {
    const session = await loopback.connect();
    const stream = session.openStream();
    stream.write(encodeRequest({ kind: 'download', bytes: 0, durationMs: 600_000 }));
    await new Promise<void>((resolve) => {
      stream.onData = () => resolve();
    });
    stream.stopSending(AppError.NONE);
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
  });

  it('stops working for a client that is gone', async () => {
    const session = await loopback.connect();
    const running = download(session, { durationMs: 600_000 }).catch((error: unknown) => error);
    await settled(() => expect(loopback.counters.activeTransfers).toBe(1));
    await session.close();
    expect(await running).toMatchObject({ code: 'RL_CONNECTION_LOST' });
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
    await settled(() => expect(loopback.counters.activeSessions).toBeLessThan(loopback.counters.sessions));
  });

  it('drops datagrams too short to be an echo, and refuses unidirectional streams', async () => {
    const session = await loopback.connect();
    const dropped = loopback.counters.echoesDropped;
    const refused = loopback.counters.refused;
    session.sendDatagram(Buffer.alloc(7));
    session.openStream({ unidirectional: true }).write(Buffer.from('hello'));
    await settled(() => {
      expect(loopback.counters.echoesDropped).toBe(dropped + 1);
      expect(loopback.counters.refused).toBe(refused + 1);
    });
  });

  it('completes handshakes of another protocol and serves nothing on them', async () => {
    await using other = await startLoopback(['other/9']);
    const session = await other.connect();
    expect(session.handshake.alpn).toBe('other/9');
    expect(await resetOf(session, Buffer.from('GET / please'))).toBe(AppError.NOT_SERVED);
    expect(other.counters).toMatchObject({ sessions: 1, transfers: 0, activeTransfers: 0 });
  });
});
