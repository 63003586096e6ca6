import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { Relay } from '../../../src/main/path/relay/relay.ts';
import type { Emulation, LinkSettings } from '../../../src/shared/domain.ts';

const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };
const path = (up: Partial<LinkSettings> = {}, down: Partial<LinkSettings> = up): Emulation => ({
  profile: 'test',
  up: { ...CLEAR, ...up },
  down: { ...CLEAR, ...down },
  flap: null,
});

const cleanups: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function socket(): Promise<Socket> {
  const s = createSocket({ type: 'udp4', recvBufferSize: 4_000_000 });
  cleanups.push(() => new Promise<void>((resolve) => s.close(() => resolve())));
  s.bind(0, '127.0.0.1');
  await once(s, 'listening');
  return s;
}

async function freePort(): Promise<number> {
  const s = createSocket('udp4');
  s.bind(0, '127.0.0.1');
  await once(s, 'listening');
  const { port } = s.address();
  await new Promise<void>((resolve) => s.close(() => resolve()));
  return port;
}

async function relay(to: Socket, emulation = path(), seed = 1): Promise<Relay> {
  const opened = await Relay.open({
    listen: { host: '127.0.0.1', port: 0 },
    to: { host: '127.0.0.1', port: to.address().port },
    emulation,
    seed,
  });
  cleanups.push(() => opened.close());
  return opened;
}

async function echoServer(): Promise<Socket> {
  const server = await socket();
  server.on('message', (data, from) => server.send(data, from.port, from.address));
  return server;
}

/** Waits until `check` holds: the relay and the kernel take their own time. */
const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 1 });

/** The first `count` datagrams that arrive, as text. */
const receive = (s: Socket, count: number): Promise<string[]> =>
  new Promise((resolve) => {
    const got: string[] = [];
    const collect = (data: Buffer): void => {
      if (got.push(data.toString()) < count) return;
      s.off('message', collect);
      resolve(got);
    };
    s.on('message', collect);
  });

test('carries datagrams to the target and its answers back', async () => {
  const through = await relay(await echoServer());
  const client = await socket();
  const answers = receive(client, 3);
  for (const text of ['one', 'two', 'three']) client.send(text, through.port, through.host);
  expect(await answers).toEqual(['one', 'two', 'three']);
  expect(through.counters()).toMatchObject({
    up: { packetsIn: 3, delivered: 3, deliveredBytes: 11, bytesIn: 11 + 3 * 28 },
    down: { packetsIn: 3, delivered: 3, deliveredBytes: 11 },
    clients: 1,
    socketErrors: 0,
  });
});

test('keeps the order through delay, jitter and a bottleneck', async () => {
  const sink = await socket();
  const through = await relay(sink, path({ delayMs: 5, jitterMs: 5, rateBps: 50e6 }));
  const client = await socket();
  const sent = Array.from({ length: 300 }, (_, i) => String(i));
  const arrived = receive(sink, sent.length);
  for (const text of sent) client.send(text, through.port, through.host);
  expect(await arrived).toEqual(sent);
});

test('gives each client a path of its own to the target and the right answers', async () => {
  const server = await socket();
  const ports = new Set<number>();
  server.on('message', (data, from) => {
    ports.add(from.port);
    server.send(`to ${data}`, from.port, from.address);
  });
  const through = await relay(server, path({ delayMs: 2, jitterMs: 1 }));
  const clients = await Promise.all(Array.from({ length: 40 }, socket));
  const answers = clients.map((client) => receive(client, 5));
  for (let round = 0; round < 5; round++) {
    clients.forEach((client, i) => {
      client.send(`client ${i} round ${round}`, through.port, through.host);
    });
  }
  const expected = clients.map((_, i) =>
    Array.from({ length: 5 }, (_, round) => `to client ${i} round ${round}`),
  );
  expect(await Promise.all(answers)).toEqual(expected);
  expect(ports.size).toBe(40);
  expect(through.counters().clients).toBe(40);
});

describe('loss', () => {
  test('of each direction is its own, and within five standard errors of its ratio', async () => {
    const through = await relay(await echoServer(), path({ lossRatio: 0.1 }, { lossRatio: 0.02 }));
    const client = await socket();
    const n = 5000;
    let answered = 0;
    client.on('message', () => answered++);
    for (let sent = 0; sent < n; ) {
      for (let i = 0; i < 50; i++, sent++) client.send('ping', through.port, through.host);
      // Paced by what the relay has taken, so that no socket buffer overflows.
      await eventually(() => expect(through.counters().up.packetsIn).toBe(sent));
    }
    await eventually(() => expect(through.counters().down.packetsIn).toBe(through.counters().up.packetsOut));
    await eventually(() => expect(answered).toBe(through.counters().down.packetsOut));
    const { up, down } = through.counters();
    expect(up.lost + up.packetsOut).toBe(n);
    expect(Math.abs(up.lost - 0.1 * n)).toBeLessThan(5 * Math.sqrt(n * 0.1 * 0.9));
    expect(Math.abs(down.lost - 0.02 * down.packetsIn)).toBeLessThan(5 * Math.sqrt(n * 0.02 * 0.98));
  });

  test('hits the same datagrams for the same seed', async () => {
    const survivors = async (seed: number): Promise<string[]> => {
      const sink = await socket();
      const through = await relay(sink, path({ lossRatio: 0.5 }), seed);
      const client = await socket();
      const got: string[] = [];
      sink.on('message', (data) => got.push(data.toString()));
      for (let i = 0; i < 100; i++) client.send(String(i), through.port, through.host);
      await eventually(() => expect(through.counters().up.packetsIn).toBe(100));
      await eventually(() => expect(got).toHaveLength(through.counters().up.packetsOut));
      return got;
    };
    const first = await survivors(7);
    expect(await survivors(7)).toEqual(first);
    expect(await survivors(8)).not.toEqual(first);
  });
});

test('a full queue drops the rest of a burst', async () => {
  const sink = await socket();
  // Room for two waiting packets of 1000 + 28 bytes beside the one in transmission, for which 1 s is needed.
  const through = await relay(sink, path({ rateBps: 1028 * 8, bufferBytes: 2 * 1028 }));
  const client = await socket();
  const data = Buffer.alloc(1000);
  for (let i = 0; i < 10; i++) client.send(data, through.port, through.host);
  await eventually(() => expect(through.counters().up.packetsIn).toBe(10));
  expect(through.counters().up).toMatchObject({ packetsOut: 3, queueDrops: 7 });
});

test('a duplicated datagram comes twice, a corrupted one with one bit flipped, and neither spoils the other', async () => {
  const sink = await socket();
  const through = await relay(sink, path({ duplicateRatio: 1, corruptRatio: 0.5 }));
  const client = await socket();
  const heard: Buffer[] = [];
  sink.on('message', (data) => heard.push(data));
  const sent = Buffer.alloc(100, 0xa5);
  for (let i = 0; i < 50; i++) client.send(sent, through.port, through.host);
  await eventually(() => expect(heard).toHaveLength(100));
  const flipped = heard.map((data) =>
    data.reduce((bits, byte, i) => bits + (byte ^ sent[i]!).toString(2).replaceAll('0', '').length, 0),
  );
  const { up } = through.counters();
  expect(up).toMatchObject({ packetsIn: 50, duplicated: 50, packetsOut: 100, delivered: 100 });
  expect(flipped.filter((bits) => bits === 1)).toHaveLength(up.corrupted);
  expect(flipped.filter((bits) => bits === 0)).toHaveLength(100 - up.corrupted);
  expect(up.corrupted).toBeGreaterThan(20);
});

test('CoDel drops from the head of what waits, and the rest goes on', async () => {
  const sink = await socket();
  // 2 ms for each; after 100 ms above TARGET one goes.
  const through = await relay(sink, path({ rateBps: 4e6, bufferBytes: 1e6, aqm: 'codel' }));
  const client = await socket();
  const heard = receive(sink, 90);
  for (let i = 0; i < 100; i++) client.send(Buffer.alloc(972, `${i} `), through.port, through.host);
  expect((await heard)[0]).toMatch(/^0 /);
  await eventually(() => {
    const { up } = through.counters();
    expect(up.aqmDrops).toBeGreaterThan(0);
    expect(up.delivered + up.aqmDrops).toBe(100);
  });
});

test('a cut path passes nothing', async () => {
  const through = await relay(await echoServer(), { ...path(), flap: { periodMs: 1000, downMs: 1000 } });
  const client = await socket();
  client.send('lost', through.port, through.host);
  await eventually(() => expect(through.counters().up).toMatchObject({ packetsIn: 1, outageDrops: 1 }));
});

test('a target that does not listen is counted and does not stop the relay', async () => {
  const port = await freePort();
  const through = await Relay.open({
    listen: { host: '127.0.0.1', port: 0 },
    to: { host: '127.0.0.1', port },
    emulation: path(),
    seed: 1,
  });
  cleanups.push(() => through.close());
  const client = await socket();
  client.send('anybody?', through.port, through.host);
  await eventually(() => expect(through.counters().socketErrors).toBe(1));
  const server = createSocket('udp4');
  cleanups.push(() => server.close());
  server.bind(port, '127.0.0.1');
  const heard = receive(server, 1);
  await once(server, 'listening');
  client.send('again', through.port, through.host);
  expect(await heard).toEqual(['again']);
});

test('IPv6 has its own header size', async (context) => {
  const server = createSocket('udp6');
  const bound = once(server, 'listening');
  server.bind(0, '::1');
  try {
    await bound;
  } catch {
    server.close();
    return context.skip('this machine has no IPv6 loopback');
  }
  cleanups.push(() => server.close());
  const heard = receive(server, 1);
  const through = await Relay.open({
    listen: { host: '[::1]', port: 0 },
    to: { host: '::1', port: server.address().port },
    emulation: path(),
    seed: 1,
  });
  cleanups.push(() => through.close());
  const client = createSocket('udp6');
  cleanups.push(() => client.close());
  client.send('six', through.port, '::1');
  expect(await heard).toEqual(['six']);
  expect(through.counters().up.bytesIn).toBe(3 + 48);
});

describe('clients', () => {
  test('beyond the bound of the table are refused and counted; those known go on', async () => {
    const through = await relay(await echoServer());
    // Each a further client at once, for each send comes from another port.
    const clients = await Promise.all(Array.from({ length: 520 }, () => socket()));
    const first = receive(clients[0]!, 1);
    for (const client of clients) client.send('hello', through.port, through.host);
    expect(await first).toEqual(['hello']);
    await eventually(() => expect(through.counters().up.packetsIn + through.counters().refused).toBe(520));
    expect(through.counters()).toMatchObject({ clients: 512, refused: 8 });
    const answer = receive(clients[0]!, 1);
    clients[0]!.send('still there', through.port, through.host);
    expect(await answer).toEqual(['still there']);
  });

  test('are forgotten after two idle minutes and come back as new ones', async () => {
    vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval'] });
    cleanups.push(() => vi.useRealTimers());
    const through = await relay(await echoServer());
    const client = await socket();
    const exchange = async (): Promise<void> => {
      const answer = receive(client, 1);
      client.send('hello', through.port, through.host);
      await answer;
    };
    await exchange();
    vi.advanceTimersByTime(100_000);
    expect(through.counters().clients).toBe(1);
    await exchange();
    vi.advanceTimersByTime(100_000);
    expect(through.counters().clients).toBe(1);
    vi.advanceTimersByTime(30_000);
    expect(through.counters().clients).toBe(0);
    await exchange();
    expect(through.counters().clients).toBe(1);
  });
});

describe('close', () => {
  test('frees the port, drops what is under way and ends the sockets', async () => {
    const sink = await socket();
    const through = await relay(sink, path({ delayMs: 10_000 }));
    const client = await socket();
    for (let i = 0; i < 10; i++) client.send('late', through.port, through.host);
    await eventually(() => expect(through.counters().up.packetsIn).toBe(10));
    await through.close();
    await through.close();
    expect(through.counters()).toMatchObject({ clients: 0, up: { delivered: 0 } });
    const again = await Relay.open({
      listen: { host: '127.0.0.1', port: through.port },
      to: { host: '127.0.0.1', port: sink.address().port },
      emulation: path(),
      seed: 1,
    });
    await again.close();
  });

  test('of one relay leaves the others of the thread alone', async () => {
    const sink = await socket();
    const [a, b] = await Promise.all([
      relay(sink, path({ delayMs: 50 })),
      relay(sink, path({ delayMs: 50 })),
    ]);
    const client = await socket();
    const heard = receive(sink, 1);
    client.send('through a', a.port, a.host);
    client.send('through b', b.port, b.host);
    await eventually(() => expect(a.counters().up.packetsIn + b.counters().up.packetsIn).toBe(2));
    await a.close();
    expect(await heard).toEqual(['through b']);
  });
});

describe('refuses', () => {
  const target = { host: '127.0.0.1', port: 9 };
  test.each([
    [
      'a port in use',
      'RL_PORT_IN_USE',
      'listen',
      async () => ({ listen: { host: '127.0.0.1', port: (await socket()).address().port }, to: target }),
    ],
    [
      'an address of another machine',
      'RL_ADDRESS_UNAVAILABLE',
      'listen',
      () => ({ listen: { host: '192.0.2.1', port: 0 }, to: target }),
    ],
    [
      'an unknown target',
      'RL_HOST_UNKNOWN',
      'to',
      () => ({ listen: { host: '127.0.0.1', port: 0 }, to: { host: 'nowhere.invalid', port: 9 } }),
    ],
    [
      'to send to itself',
      'RL_INPUT_INVALID',
      'to',
      async () => {
        const self = { host: '127.0.0.1', port: await freePort() };
        return { listen: self, to: self };
      },
    ],
  ])('%s', async (_, code, field, options) => {
    const opening = Relay.open({ ...(await options()), emulation: path(), seed: 1 });
    await expect(opening).rejects.toMatchObject({ code, field });
  });
});
