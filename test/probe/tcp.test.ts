import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createServer as createTlsServer, connect as startTls } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { answerEchoes, pingOverStream } from '../../src/main/probe/echo.ts';
import { AppError, encodeGreeting, encodeRequest, TCP_ALPN } from '../../src/main/probe/protocol.ts';
import { SERVICE_LIMITS } from '../../src/main/probe/service-limits.ts';
import { kernelCongestionControl } from '../../src/main/probe/tcp-service.ts';
import { download, type Received, upload } from '../../src/main/probe/throughput.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import type { QuicStream } from '../../src/main/quic/udp/api.ts';
import type { LabError } from '../../src/shared/errors.ts';
import { startLoopback } from './loopback.ts';
import { startTcpLoopback, type TcpLoopback } from './tcp-loopback.ts';

let loopback: TcpLoopback;
beforeAll(async () => {
  loopback = await startTcpLoopback();
});
afterAll(async () => {
  await loopback[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const settled = (check: () => void) => vi.waitFor(check, { timeout: 10_000, interval: 20 });

describe('measuring a server over TCP', () => {
  it('shakes hands in TLS 1.3 and tells how long each part took', async () => {
    const connection = await loopback.connect();
    const { handshake, congestion } = connection;
    await connection.close();
    expect(handshake.cipherSuite).toMatch(/^TLS_/);
    expect(handshake.connectUs).toBeGreaterThan(0);
    expect(handshake.durationUs).toBeGreaterThan(handshake.connectUs);
    expect(congestion).toEqual({ client: kernelCongestionControl(), server: null });
  });

  it.each([1, 20_000, 20_000_000])('downloads exactly %i bytes', async (bytes) => {
    const connection = await loopback.connect();
    const progress: Received[] = [];
    const received = await download(connection, { bytes, onProgress: (now) => progress.push(now) });
    expect(received.bytes).toBe(bytes);
    expect(progress.at(-1)).toEqual(received);
    expect(connection.congestion.server).toBe(kernelCongestionControl());
  });

  it.each([1, 20_000, 20_000_000])('uploads exactly %i bytes, as the server counts them', async (bytes) => {
    expect((await upload(await loopback.connect(), { bytes })).bytes).toBe(bytes);
  });

  it('downloads and uploads for a while, with a rate over the receiver’s time', async () => {
    for (const run of [download, upload]) {
      const received = await run(await loopback.connect(), { durationMs: 300 });
      expect(received.bytes).toBeGreaterThan(0);
      expect(received.durationUs).toBeGreaterThan(0);
    }
  });

  it('pings over its stream, each answered once and in order', async () => {
    const over = Promise.withResolvers<void>();
    const pinging = pingOverStream(await loopback.connect(), {
      ratePerS: 200,
      until: over.promise,
      signal: never,
    });
    await download(await loopback.connect(), { durationMs: 300 });
    over.resolve();
    const { sent, rttUs } = await pinging;
    expect(sent).toBeGreaterThan(5);
    expect(rttUs).toHaveLength(sent);
    expect(rttUs.every((us) => us > 0)).toBe(true);
  });

  it('pings over a stream of QUIC as well', async () => {
    await using quic = await startLoopback();
    const session = await quic.connect();
    const over = Promise.withResolvers<void>();
    const pinging = pingOverStream(session, { ratePerS: 200, until: over.promise, signal: never });
    await download(session, { durationMs: 200 });
    over.resolve();
    const { sent, rttUs } = await pinging;
    expect(rttUs).toHaveLength(sent);
    await settled(() => expect(quic.counters.activeTransfers).toBe(0));
  });

  it('gives what was received so far when it is interrupted', async () => {
    for (const run of [download, upload]) {
      const stop = new AbortController();
      const onProgress = (): void => stop.abort();
      const received = await run(await loopback.connect(), {
        durationMs: 60_000,
        signal: stop.signal,
        onProgress,
      });
      expect(received.bytes).toBeGreaterThan(0);
    }
  });

  it('gives its places back', async () => {
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
  });

  it('says that the connection is gone when the server ends', async () => {
    await using other = await startTcpLoopback();
    const running = upload(await other.connect(), { durationMs: 60_000 });
    const refused = expect(running).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
    await settled(() => expect(other.counters.bytesUp).toBeGreaterThan(0));
    await other.listener.close();
    await refused;
  });
});

describe('a connection that cannot be made', () => {
  const code = (options: Parameters<TcpLoopback['connect']>[0]) =>
    loopback.connect(options).then(
      () => undefined,
      (error: LabError) => error.code,
    );

  it('is told by the catalogue', async () => {
    const { trust } = loopback.options;
    const stranger = await createAuthority(Date.now());
    expect(await code({ trust: { ...trust, ca: [stranger.certPem] } })).toBe('RL_CERT_UNTRUSTED');
    expect(await code({ serverName: 'example.test' })).toBe('RL_CERT_HOST_MISMATCH');
    expect(await code({ host: 'no-such-host.invalid' })).toBe('RL_HOST_UNKNOWN');
    await (await loopback.connect({ trust: { ca: [], system: false, insecure: true } })).close();
    expect(await code({ signal: AbortSignal.abort() })).toBe('RL_CANCELLED');
  });

  it('is told where nothing, somebody else or nobody at all answers', async () => {
    const server = createServer();
    // Of no port that the system gives out: another test must not have it once it is closed.
    for (let isListening = false; !isListening; ) {
      server.listen(randomInt(10_000, 30_000), '127.0.0.1');
      isListening = await once(server, 'listening').then(
        () => true,
        () => false,
      );
    }
    const { port } = server.address() as AddressInfo;
    const held: Socket[] = [];
    server.on('connection', (socket) => held.push(socket.on('error', () => {})));
    expect(await code({ port, timeoutMs: 100 })).toBe('RL_CONNECT_TIMEOUT');
    server
      .removeAllListeners('connection')
      .on('connection', (socket) => socket.resume().end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    expect(await code({ port })).toBe('RL_TLS_FAILED');
    for (const socket of held) socket.destroy();
    server.close();
    await once(server, 'close');
    expect(await code({ port })).toBe('RL_PORT_CLOSED');
  });

  it('is told where the certificate is old, or another protocol is spoken', async () => {
    const authority = await createAuthority(Date.now());
    const serve = async (nowMs: number, alpn: string) => {
      const { certPem, keyPem } = await issueCertificate(authority, { names: ['127.0.0.1'], days: 1, nowMs });
      const server = createTlsServer({ cert: certPem, key: keyPem, ALPNProtocols: [alpn] });
      server.on('tlsClientError', () => {});
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    };
    const trust = { ca: [authority.certPem], system: false, insecure: false };
    for (const [nowMs, alpn, expected] of [
      [Date.now() - 10 * 86_400_000, TCP_ALPN, 'RL_CERT_EXPIRED'],
      [Date.now(), 'h2', 'RL_ALPN_MISMATCH'],
    ] as const) {
      const server = await serve(nowMs, alpn);
      expect(await code({ port: (server.address() as AddressInfo).port, trust })).toBe(expected);
      server.close();
    }
  });
});

describe('a client that does not keep to the protocol', () => {
  /** A TLS connection of its own that says `bytes`, and what it is answered until the server ends. */
  const say = async (bytes: Buffer): Promise<Buffer> => {
    const { port, trust } = loopback.options;
    const socket = startTls({ host: '127.0.0.1', port, ca: [...trust.ca], ALPNProtocols: [TCP_ALPN] });
    const answer: Buffer[] = [];
    socket.on('data', (data: Buffer) => answer.push(data));
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    socket.write(bytes);
    await Promise.race([once(socket, 'end'), once(socket, 'close')]);
    socket.destroy();
    return Buffer.concat(answer);
  };

  it('is refused with a code', async () => {
    const { congestion } = { congestion: kernelCongestionControl() };
    const refused = (code: number) => encodeGreeting({ code, congestion });
    expect(await say(Buffer.alloc(16))).toEqual(refused(AppError.BAD_REQUEST));
    expect(await say(Buffer.from('GET / HTTP/1.1\r\n\r\n'))).toEqual(refused(AppError.BAD_REQUEST));
    expect(await say(encodeRequest({ kind: 'observe', everyUs: 1000, wishBytes: 0 }))).toEqual(
      refused(AppError.BAD_REQUEST),
    );
    const tooMuch = { kind: 'download', bytes: SERVICE_LIMITS.bytes + 1, durationMs: 0 } as const;
    expect(await say(encodeRequest(tooMuch))).toEqual(refused(AppError.OVER_LIMIT));
    const upload10 = encodeRequest({ kind: 'upload', bytes: 10, durationMs: 0 });
    expect(await say(Buffer.concat([upload10, Buffer.alloc(11)]))).toEqual(refused(AppError.OVER_LIMIT));
  });

  it('hears that the server is busy', async () => {
    const { counters } = loopback;
    counters.activeTransfers += SERVICE_LIMITS.transfers;
    const connection = await loopback.connect();
    await expect(download(connection, { bytes: 1 })).rejects.toThrow('busy');
    counters.activeTransfers -= SERVICE_LIMITS.transfers;
  });

  it('is let go of when there are too many', async () => {
    const { counters } = loopback;
    counters.activeSessions += SERVICE_LIMITS.sessions;
    await expect(loopback.connect()).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
    counters.activeSessions -= SERVICE_LIMITS.sessions;
  });

  it('costs nothing once it is gone, whatever it left unsaid', async () => {
    const { port } = loopback.options;
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
    const before = loopback.counters.activeSessions;
    for (const bytes of ['', 'not TLS at all', '\x16\x03\x01\x00\xff']) {
      const socket = connect(port, '127.0.0.1').on('error', () => {});
      await once(socket, 'connect');
      socket.write(bytes);
      socket.resetAndDestroy();
    }
    const asking = startTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: [TCP_ALPN],
    });
    asking.on('error', () => {});
    await once(asking, 'secureConnect');
    asking.write(encodeRequest({ kind: 'download', bytes: 0, durationMs: 60_000 }));
    await once(asking, 'data');
    asking.destroy();
    await settled(() => expect(loopback.counters.activeSessions).toBeLessThanOrEqual(before));
    await settled(() => expect(loopback.counters.activeTransfers).toBe(0));
  });

  it('makes the server keep no more than one read of what it does not take back', () => {
    const calls: string[] = [];
    const stream = {
      write: () => false,
      pause: () => calls.push('pause'),
      resume: () => calls.push('resume'),
    };
    const answer = answerEchoes(stream as unknown as QuicStream, () => {});
    answer(Buffer.alloc(16));
    expect(calls).toEqual(['pause']);
    (stream as unknown as QuicStream).onDrain!();
    expect(calls).toEqual(['pause', 'resume']);
  });
});

describe('a server that does not keep to the protocol', () => {
  const against = async (answer: (socket: Socket) => void): Promise<unknown> => {
    const authority = await createAuthority(Date.now());
    const { certPem, keyPem } = await issueCertificate(authority, {
      names: ['127.0.0.1'],
      days: 1,
      nowMs: Date.now(),
    });
    const server = createTlsServer({ cert: certPem, key: keyPem, ALPNProtocols: [TCP_ALPN] });
    server.on('secureConnection', (socket) => {
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const connection = await loopback.connect({
      port,
      trust: { ca: [authority.certPem], system: false, insecure: false },
    });
    const error = await download(connection, { bytes: 1000 }).then(
      () => null,
      (thrown: unknown) => thrown,
    );
    await connection.close();
    server.close();
    return error;
  };

  it('is told of, whatever it says', async () => {
    const greeting = encodeGreeting({ code: 0, congestion: 'cubic' });
    const answers: ((socket: Socket) => void)[] = [
      (socket) => socket.end(),
      (socket) => socket.end(greeting.subarray(0, 7)),
      (socket) => socket.end(Buffer.alloc(16, 0xff)),
      (socket) => socket.end(encodeGreeting({ code: 99, congestion: null })),
      (socket) => socket.end(Buffer.concat([greeting, Buffer.alloc(999)])),
      (socket) => socket.destroy(),
    ];
    for (const answer of answers) expect(await against(answer)).toMatchObject({ code: 'RL_PEER_CLOSED' });
  });
});
