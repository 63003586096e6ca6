/**
 * A live server, and a live client, under datagrams that went wrong: mutations, splices and replays of real ones, from many
 * sources. `ROUTELAB_HOSTILE_DATAGRAMS=1000000` runs as many; the figures are printed then.
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, expect, it } from 'vitest';
import { Rng } from '../../../src/main/path/rng.ts';
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import type { ListenOptions, QuicListener, QuicSession } from '../../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../../src/main/quic/udp/server.ts';
import { parseHeader } from '../../../src/main/quic/wire/header.ts';
import { mutate } from '../../fuzz/mutate.ts';
import { clientInitial } from '../initial.ts';

const BY_HAND = Number(process.env['ROUTELAB_HOSTILE_DATAGRAMS'] ?? 0);
const COUNT = BY_HAND || 50_000;
/** Datagrams between two looks at the healthy connections: few enough for the socket's buffer. */
const BATCH = 200;

const authority = await createAuthority(Date.now());
const identity = await issueCertificate(authority, { names: ['127.0.0.1'], days: 7, nowMs: Date.now() });
const toClose: (QuicListener | Socket | QuicSession)[] = [];

afterEach(async () => {
  for (const open of toClose.splice(0).reverse()) await open.close();
});

/** Who has to hear of it when a session ends that should not. */
const onEnded = new WeakMap<QuicSession, (error: Error) => void>();

async function listen(options: Pick<ListenOptions, 'onSession' | 'stallTimeoutMs'>): Promise<QuicListener> {
  const { certPem: certificate, keyPem: privateKey } = identity;
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    alpn: ['test'],
    certificate,
    privateKey,
    ...options,
  });
  toClose.push(listener);
  return listener;
}

/** A server that echoes streams. */
const echo = (): Promise<QuicListener> =>
  listen({
    onSession: (session) => {
      session.onStream = (stream) => {
        stream.onData = (data) => stream.write(Buffer.from(data));
        stream.onEnd = () => stream.end();
      };
    },
  });

async function connect(port: number): Promise<QuicSession> {
  const trust = { ca: [authority.certPem], system: false, insecure: false };
  const session = await connectQuic({ host: '127.0.0.1', port, alpn: ['test'], trust });
  void session.closed.then((info) => onEnded.get(session)?.(new Error(JSON.stringify(info))));
  toClose.push(session);
  return session;
}

async function socketTo(port: number): Promise<Socket> {
  const socket = createSocket('udp4');
  toClose.push(socket);
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** What is asked of a healthy connection now and then: every byte comes back. */
async function roundTrip(session: QuicSession, bytes: number): Promise<void> {
  const sent = randomBytes(bytes);
  const received: Buffer[] = [];
  const stream = session.openStream();
  stream.onData = (data) => received.push(Buffer.from(data));
  await new Promise<void>((resolve, reject) => {
    onEnded.set(session, reject);
    stream.onEnd = resolve;
    stream.end(sent);
  });
  expect(Buffer.concat(received).equals(sent)).toBe(true);
}

/** A wire to the server that keeps a copy of what passes; `toClient` says something in the server's name. */
async function tapped(serverPort: number) {
  const near = createSocket('udp4').bind(0, '127.0.0.1');
  toClose.push(near);
  await once(near, 'listening');
  const far = await socketTo(serverPort);
  const seen = { up: [] as Buffer[], down: [] as Buffer[] };
  let client: RemoteInfo | null = null;
  const toClient = (datagram: Buffer): void => {
    if (client) near.send(datagram, client.port, client.address);
  };
  near.on('message', (datagram, remote) => {
    client = remote;
    seen.up.push(Buffer.from(datagram));
    far.send(datagram);
  });
  far.on('message', (datagram) => {
    seen.down.push(Buffer.from(datagram));
    toClient(datagram);
  });
  return { port: near.address().port, seen, toClient };
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
/** Megabytes in use once all garbage is gone. */
async function memory(): Promise<number> {
  for (let i = 0; i < 3; i++) {
    await new Promise(setImmediate);
    collect();
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return (heapUsed + arrayBuffers) / 1e6;
}

it(
  `survives ${COUNT} mutated datagrams, and so do its connections and their peers`,
  async () => {
    const listener = await echo();
    const { port } = listener;
    const healthy = await Promise.all(Array.from({ length: 4 }, () => connect(port)));
    const wire = await tapped(port);
    const watched = await connect(wire.port);
    await roundTrip(watched, 100_000);
    healthy.push(watched);
    // Of the handshake and the first transfer, and the newest, which are never far from what is expected next.
    const first = { up: wire.seen.up.slice(0, 60), down: wire.seen.down.slice(0, 60) };
    const seeds = { up: first.up, down: first.down };
    const sources = await Promise.all(Array.from({ length: 16 }, () => socketTo(port)));
    let answered = 0;
    for (const source of sources) source.on('message', () => answered++);

    const rng = Rng.fromSeed(1);
    const pick = <T>(from: readonly T[]): T => from[Math.floor(rng.float() * from.length)]!;
    const before = await memory();
    const startedAt = performance.now();
    for (let sent = 0; sent < COUNT; sent += BATCH) {
      for (const direction of ['up', 'down'] as const) {
        seeds[direction] = [...first[direction], ...wire.seen[direction].slice(-20)];
        wire.seen[direction] = [];
      }
      for (let i = 0; i < BATCH; i++) {
        const [direction, send] =
          rng.float() < 0.8
            ? (['up', (datagram: Buffer) => pick(sources).send(datagram)] as const)
            : (['down', wire.toClient] as const);
        const datagram = rng.float() < 0.1 ? pick(seeds[direction]) : mutate(rng, seeds[direction]);
        if (datagram.length > 0) send(datagram);
      }
      // Behind what was just sent, in the same queue.
      for (const session of healthy) await roundTrip(session, 100);
    }
    const seconds = (performance.now() - startedAt) / 1000;
    const after = await memory();
    if (BY_HAND) {
      const rate = Math.round(COUNT / seconds);
      console.log(`${COUNT} datagrams in ${seconds.toFixed(1)} s (${rate}/s), ${answered} answered`);
      console.log(`memory ${before.toFixed(1)} MB before, ${after.toFixed(1)} MB after`);
      await expect.poll(memory, { timeout: 30_000 }).toBeLessThan(before + 4);
      console.log(`memory ${(await memory()).toFixed(1)} MB once half-open handshakes were given up`);
    }
    for (const session of healthy) await roundTrip(session, 100_000);
    // Who sends to a connection without its keys moves it nowhere.
    for (const session of listener.sessions) expect(session.stats().migrations).toBe(0);
    // Half-open handshakes of replayed Initials are there for some seconds yet, no more of them than do without a Retry.
    expect(after - before).toBeLessThan(16);
  },
  60_000 + COUNT,
);

it('gives no source of a handshake flood more than three times its bytes, and still lets clients in', async () => {
  const listener = await echo();
  const { port } = listener;
  const sources = await Promise.all(
    Array.from({ length: 64 }, async () => {
      const socket = await socketTo(port);
      const tally = { sent: 0, received: 0, retries: 0 };
      socket.on('message', (datagram) => {
        tally.received += datagram.length;
        const header = parseHeader(datagram, 0, 8);
        if (header?.form === 'long' && header.type === 'retry') tally.retries++;
      });
      return { socket, tally };
    }),
  );
  for (let round = 0; round < 12; round++) {
    for (const { socket, tally } of sources) {
      const initial = clientInitial();
      tally.sent += initial.length;
      socket.send(initial);
    }
    await new Promise(setImmediate);
  }
  const session = await connect(port);
  expect(session.handshake.retried).toBe(true);
  await roundTrip(session, 100_000);
  expect(listener.sessions.size).toBe(1);
  let retries = 0;
  for (const { tally } of sources) {
    expect(tally.received).toBeLessThanOrEqual(3 * tally.sent);
    retries += tally.retries;
  }
  expect(retries).toBeGreaterThan(64 * 12 - 128 - 1);
});

it('lets go of a client that asks for much and reads nothing, and keeps the others', async () => {
  const ends: unknown[] = [];
  const { port } = await listen({
    stallTimeoutMs: 500,
    onSession: (session) => {
      void session.closed.then(({ by, reason }) => ends.push({ by, reason }));
      session.onStream = (stream) => {
        const chunk = Buffer.alloc(64 * 1024);
        const fill = (): void => {
          while (stream.write(chunk));
        };
        stream.onDrain = fill;
        fill();
      };
    },
  });
  const reader = await connect(port);
  let read = 0;
  const wanted = reader.openStream();
  wanted.onData = (data) => {
    read += data.length;
  };
  wanted.end(Buffer.from('please'));
  const sluggard = await connect(port);
  sluggard.openStream().end(Buffer.from('please'));
  expect(await sluggard.closed).toMatchObject({ by: 'peer', code: 0, application: false });
  expect(ends).toEqual([{ by: 'timeout', reason: expect.stringContaining('takes next to nothing') }]);
  const before = read;
  await expect.poll(() => read).toBeGreaterThan(before);
});

it('keeps nothing of streams that were opened and reset before anybody asked for them', async () => {
  const arrived = Promise.withResolvers<QuicSession>();
  const { port } = await listen({ onSession: arrived.resolve });
  const session = await connect(port);
  const served = await arrived.promise;
  let opened = 0;
  const openOne = (): boolean => {
    try {
      session.openStream({ unidirectional: true }).reset(1);
      return ++opened === 2000;
    } catch {
      return false;
    }
  };
  await expect.poll(openOne, { interval: 0, timeout: 20_000 }).toBe(true);
  let kept = 0;
  served.onStream = () => kept++;
  expect(kept).toBeLessThanOrEqual(128);
});
