import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Relay } from '../../../src/main/path/relay/relay.ts';
import { StreamRelay } from '../../../src/main/path/relay/stream-relay.ts';
import type { LinkSettings } from '../../../src/shared/domain.ts';

const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function startTarget(serve: (socket: Socket) => void): Promise<Server> {
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket.on('error', () => {}));
    serve(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closers.push(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return server;
}

/** A path to a target of its own. */
async function startPath(link: Partial<LinkSettings>, serve: (socket: Socket) => void, seed = 1) {
  const to = { host: '127.0.0.1', port: ((await startTarget(serve)).address() as AddressInfo).port };
  const settings = { ...CLEAR, ...link };
  const listen = { host: '127.0.0.1', port: 0 };
  const emulation = { profile: 'test', up: settings, down: settings, flap: null };
  const relay = await Relay.open({ listen, to, emulation, seed });
  const streams = await StreamRelay.open({ listen, to, relay });
  closers.push(
    () => relay.close(),
    () => streams.close(),
  );
  const open = (): Socket => {
    const socket = connect({ port: streams.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => {});
    closers.push(async () => socket.destroy());
    return socket;
  };
  return { relay, streams, open };
}

const echo = (socket: Socket): void => void socket.pipe(socket);

async function collect(socket: Socket): Promise<Buffer> {
  const parts: Buffer[] = [];
  socket.on('data', (data: Buffer) => parts.push(data));
  await once(socket, 'end');
  return Buffer.concat(parts);
}

/** What comes back of `data` through an echoing target. */
async function round(socket: Socket, data: Buffer): Promise<Buffer> {
  const back = collect(socket);
  socket.end(data);
  return back;
}

describe('a stream relay', () => {
  const data = randomBytes(300_000);

  it.each([
    ['a clear path', {}],
    ['a slow one', { rateBps: 40e6, delayMs: 2 }],
    ['losses', { lossRatio: 0.05, delayMs: 1 }],
    ['reordering and jitter', { delayMs: 4, jitterMs: 2, reorderRatio: 0.1 }],
    ['duplicates and flipped bits', { duplicateRatio: 0.1, corruptRatio: 0.05, delayMs: 1 }],
    ['a tiny buffer', { rateBps: 50e6, delayMs: 1, bufferBytes: 3000 }],
    ['CoDel', { rateBps: 30e6, delayMs: 1, aqm: 'codel', codelTargetMs: 1, codelIntervalMs: 10 }],
  ] satisfies [string, Partial<LinkSettings>][])('carries every byte in order over %s', async (_, link) => {
    const { open } = await startPath(link, echo);
    expect((await round(open(), data)).equals(data)).toBe(true);
  });

  it('sends again what the link lost, and counts it', async () => {
    const { relay, streams, open } = await startPath({ lossRatio: 0.05, delayMs: 1 }, echo);
    await round(open(), data);
    const { up, down } = relay.counters();
    expect(up.lost).toBeGreaterThan(0);
    expect(streams.counters().retransmitted).toBeGreaterThanOrEqual(Math.floor((up.lost + down.lost) / 2));
    expect(up.packetsIn).toBeGreaterThanOrEqual(Math.ceil(data.length / 1448));
  });

  it('fills the queue and waits for room instead of losing to it', async () => {
    const { relay, open } = await startPath({ rateBps: 50e6, delayMs: 1, bufferBytes: 20_000 }, echo);
    await round(open(), data);
    const { up, down } = relay.counters();
    expect(up.queueDrops + down.queueDrops).toBe(0);
  });

  it('lets nothing pass before SYN and SYN-ACK have', async () => {
    // Each n-th packet is lost, and the first SYN is none of them: 60 ms pass before the target hears of a connection.
    const heard = Promise.withResolvers<number>();
    const { relay, open } = await startPath({ delayMs: 30 }, (socket) => {
      heard.resolve(relay.counters().up.packetsOut);
      echo(socket);
    });
    const socket = open();
    socket.write('hello');
    expect(await heard.promise).toBe(1);
    const [back] = (await once(socket, 'data')) as [Buffer];
    expect(back.toString()).toBe('hello');
    expect(relay.counters().down.packetsIn).toBeGreaterThanOrEqual(2);
  });

  it('shares its links with the datagrams', async () => {
    const { relay, streams, open } = await startPath({}, echo);
    await round(open(), Buffer.from('x'));
    expect(relay.counters().up).toMatchObject({ packetsIn: 3, bytesIn: 3 * 52 + 1 });
    expect(streams.counters()).toMatchObject({ connections: 1, refused: 0 });
  });

  it('passes the ends of both sides on, each after what was sent before', async () => {
    const got = Promise.withResolvers<string>();
    const { open, streams } = await startPath({ delayMs: 5 }, async (socket) => {
      socket.end('bye');
      got.resolve((await collect(socket)).toString());
    });
    const socket = open();
    expect((await collect(socket)).toString()).toBe('bye');
    socket.end('last words');
    expect(await got.promise).toBe('last words');
    await vi.waitFor(() => expect(streams.counters().active).toBe(0), { timeout: 10_000 });
  });

  it('resets the client when the target does, or is not there', async () => {
    const { open } = await startPath({ delayMs: 1 }, (socket) => socket.resetAndDestroy());
    const [error] = (await once(open(), 'error')) as [NodeJS.ErrnoException];
    expect(error.code).toBe('ECONNRESET');

    const gone = await startTarget(echo);
    const { port } = gone.address() as AddressInfo;
    gone.close();
    await once(gone, 'close');
    const listen = { host: '127.0.0.1', port: 0 };
    const to = { host: '127.0.0.1', port };
    const emulation = { profile: 'test', up: CLEAR, down: CLEAR, flap: null };
    const relay = await Relay.open({ listen, to, emulation, seed: 1 });
    const streams = await StreamRelay.open({ listen, to, relay });
    closers.push(
      () => relay.close(),
      () => streams.close(),
    );
    const refused = connect(streams.port, '127.0.0.1');
    expect(((await once(refused, 'error')) as [NodeJS.ErrnoException])[0].code).toBe('ECONNRESET');
  });

  it('stops reading a client whose target does not read', async () => {
    let target: Socket | null = null;
    const { open, relay } = await startPath({ delayMs: 1 }, (socket) => {
      target = socket.pause();
    });
    const socket = open();
    const all = randomBytes(64 << 20);
    socket.end(all);
    // Window, relay and kernels are full: far from all of it has come, and nothing more does until the target reads.
    await vi.waitFor(() => expect(relay.counters().up.deliveredBytes).toBeGreaterThan(1 << 20), {
      timeout: 10_000,
    });
    await vi.waitFor(() => expect(target).not.toBeNull());
    const before = relay.counters().up.deliveredBytes;
    expect(before).toBeLessThan(all.length);
    const back = collect(target!);
    target!.resume();
    expect((await back).equals(all)).toBe(true);
  });

  it('refuses a port that is taken', async () => {
    const { relay, streams } = await startPath({}, echo);
    const listen = { host: '127.0.0.1', port: streams.port };
    await expect(StreamRelay.open({ listen, to: listen, relay })).rejects.toMatchObject({
      code: 'RL_PORT_IN_USE',
      field: 'listen',
    });
  });
});
