/** What opens is closed: sockets, timers, streams and processes, whatever the order of events. */
import { spawn } from 'node:child_process';
import { createSocket, type Socket } from 'node:dgram';
import { subscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import type {
  ConnectOptions,
  ListenOptions,
  QuicSession,
  QuicStream,
} from '../../../src/main/quic/udp/api.ts';
import { authority, connect, identity, listen } from './ends.ts';

const sockets = new Set<Socket>();
subscribe('udp.socket', (message) => {
  const { socket } = message as { socket: Socket };
  sockets.add(socket);
  socket.once('close', () => sockets.delete(socket));
});
const openSockets = (): number => sockets.size;

describe('settings that cannot be', () => {
  it.each([
    ['a port out of range', { port: 70_000 }, 'port'],
    ['port 0', { port: 0 }, 'port'],
    ['datagrams under 1200 bytes', { datagramBytes: 1100 }, 'datagramBytes'],
    [
      'a controller parameter that does not exist',
      { controller: { name: 'cubic', parameters: { No: 1 } } },
      'No',
    ],
    [
      'a certificate authority that is no PEM',
      { trust: { ca: ['x'], system: false, insecure: false } },
      'ca',
    ],
  ] as const)('are refused before a socket is opened: %s', async (_what, options, field) => {
    const before = openSockets();
    await expect(connect(4433, options as Partial<ConnectOptions>)).rejects.toMatchObject({
      code: 'RL_INPUT_INVALID',
      field,
    });
    expect(openSockets()).toBe(before);
  });

  it.each([
    ['a port out of range', { port: 70_000 }, 'port'],
    [
      'a controller parameter out of range',
      { controller: { name: 'cubic', parameters: { HyStart: 7 } } },
      'HyStart',
    ],
    ['datagrams over 16383 bytes', { datagramBytes: 20_000 }, 'datagramBytes'],
  ] as const)('are refused when listening, not at the first client: %s', async (_what, options, field) => {
    await expect(listen(options as Partial<ListenOptions>)).rejects.toMatchObject({
      code: 'RL_INPUT_INVALID',
      field,
    });
  });
});

describe('listening by name', () => {
  it('binds to the address of the name', async () => {
    const listener = await listen({ host: 'localhost' });
    expect(['127.0.0.1', '::1']).toContain(listener.address);
  });

  it('fails with RL_ADDRESS_UNAVAILABLE for an address that cannot be bound', async () => {
    for (const host of ['192.0.2.1', 'fe80::1'])
      await expect(listen({ host })).rejects.toMatchObject({ code: 'RL_ADDRESS_UNAVAILABLE' });
  });

  it('fails with RL_HOST_UNKNOWN for a name that does not exist', async () => {
    await expect(listen({ host: 'no-such-host.invalid' })).rejects.toMatchObject({ code: 'RL_HOST_UNKNOWN' });
  });
});

describe('connecting', () => {
  it('leaves no socket behind when it fails', async () => {
    const { port } = await listen({ alpn: ['other'] });
    const before = openSockets();
    await expect(connect(port)).rejects.toMatchObject({ code: 'RL_ALPN_MISMATCH' });
    const silent = createSocket('udp4').bind(0, '127.0.0.1');
    await once(silent, 'listening');
    await expect(connect(silent.address().port, { timeoutMs: 50 })).rejects.toMatchObject({
      code: 'RL_CONNECT_TIMEOUT',
    });
    const { port: closed } = silent.address();
    silent.close();
    await once(silent, 'close');
    await expect(connect(closed)).rejects.toMatchObject({ code: 'RL_PORT_CLOSED' });
    // The closing period of the first runs on, with its socket.
    await expect.poll(openSockets, { timeout: 10_000 }).toBe(before);
  });

  it('fails with RL_NETWORK_UNREACHABLE where the kernel refuses to connect to, and leaves no socket behind', async () => {
    const before = openSockets();
    // Without SO_BROADCAST; a link-local address without its interface.
    for (const host of ['255.255.255.255', 'fe80::1'])
      await expect(connect(4433, { host })).rejects.toMatchObject({ code: 'RL_NETWORK_UNREACHABLE' });
    await expect.poll(openSockets).toBe(before);
  });

  it('is over at once when it was cancelled before it began', async () => {
    await expect(
      connect(4433, { host: 'no-such-host.invalid', signal: AbortSignal.abort() }),
    ).rejects.toMatchObject({ code: 'RL_CANCELLED' });
  });
});

describe('a session that is closed from within its own callbacks', () => {
  it('tells the peer, and closes its socket once', async () => {
    const ends: unknown[] = [];
    const { port } = await listen({
      onSession: (session) => {
        session.onDatagram = (data) => session.sendDatagram(data);
        void session.closed.then(({ by, code }) => ends.push({ by, code }));
      },
    });
    const before = openSockets();
    const session = await connect(port);
    session.onDatagram = () => {
      void session.close(9);
      void session.close(10);
    };
    session.sendDatagram(Buffer.from('ping'));
    expect(await session.closed).toMatchObject({ by: 'local', code: 9 });
    await expect.poll(() => ends).toEqual([{ by: 'peer', code: 9 }]);
    expect(session.sendDatagram(Buffer.from('late'))).toBe(false);
    expect(() => session.openStream()).toThrow('the connection has ended');
    await expect.poll(openSockets, { timeout: 10_000 }).toBe(before);
  });

  it('may be the listener that closes', async () => {
    const listener = await listen({
      onSession: (session) => {
        session.onDatagram = () => void listener.close();
      },
    });
    const session = await connect(listener.port);
    session.sendDatagram(Buffer.from('stop'));
    expect(await session.closed).toMatchObject({ by: 'peer', code: 0, reason: 'server is shutting down' });
  });
});

describe('a listener', () => {
  it('survives datagrams that claim to come from port 0', async () => {
    const before = new Set(sockets);
    const { port } = await listen();
    const socket = [...sockets].find((candidate) => !before.has(candidate))!;
    const first = Buffer.alloc(1200);
    for (const version of ['babababa', '00000001']) {
      Buffer.from(`c0${version}08010203040506070802090900449c`, 'hex').copy(first);
      const from = { address: '127.0.0.1', port: 0, family: 'IPv4', size: first.length };
      expect(() => socket.emit('message', Buffer.from(first), from)).not.toThrow();
    }
    await (await connect(port)).close();
  });
});

describe('a writer on a connection that has ended', () => {
  it('is asked to wait, and what it writes is not kept', async () => {
    const { port } = await listen();
    const session = await connect(port);
    const stream = session.openStream();
    await session.close();
    expect(stream.write(Buffer.alloc(10))).toBe(false);
    expect(stream.queuedBytes).toBe(0);
  });
});

describe('a stream', () => {
  const pairOfStreams = async (): Promise<{ near: QuicStream; far: QuicStream; session: QuicSession }> => {
    const arrived = Promise.withResolvers<QuicStream>();
    const { port } = await listen({
      onSession: (session) => {
        session.onStream = arrived.resolve;
      },
    });
    const session = await connect(port);
    const near = session.openStream();
    near.write(Buffer.from('hello'));
    return { near, far: await arrived.promise, session };
  };

  it('tells of a reset that came before anybody asked', async () => {
    const { near, far, session } = await pairOfStreams();
    near.reset(5);
    // Until the reset has surely arrived: a second stream overtakes nothing.
    await new Promise<void>((resolve) => {
      const after = session.openStream();
      after.onReset = () => resolve();
      far.reset(1);
      near.onReset = () => resolve();
    });
    const code = await new Promise((resolve) => {
      far.onReset = resolve;
    });
    expect(code).toBe(5);
    await session.close();
  });

  it('tells of an end that came before anybody asked', async () => {
    const { near, far, session } = await pairOfStreams();
    near.end();
    const received: Buffer[] = [];
    const first = new Promise<void>((resolve) => {
      far.onData = (data) => {
        received.push(data);
        resolve();
      };
    });
    await first;
    await new Promise(setImmediate);
    await new Promise<void>((resolve) => {
      far.onEnd = resolve;
    });
    expect(Buffer.concat(received).toString()).toBe('hello');
    await session.close();
  });

  it('that nobody reads gives its place back once its reader stops it', async () => {
    const { port } = await listen({
      onSession: (session) => {
        session.onStream = (stream) => stream.stopSending(1);
      },
    });
    const session = await connect(port);
    let opened = 0;
    const openOne = (): boolean => {
      try {
        session.openStream({ unidirectional: true }).write(Buffer.from('unwanted'));
        return ++opened === 300;
      } catch {
        return false;
      }
    };
    await expect.poll(openOne, { interval: 1, timeout: 10_000 }).toBe(true);
    await session.close();
  });
});

describe('a process', () => {
  it('ends by itself when its sessions and listeners are closed', async () => {
    const script = `
      const { connectQuic } = await import(${JSON.stringify(import.meta.resolve('../../../src/main/quic/udp/client.ts'))});
      const { listenQuic } = await import(${JSON.stringify(import.meta.resolve('../../../src/main/quic/udp/server.ts'))});
      const { ca, cert, key } = JSON.parse(process.env.IDENTITY);
      const listener = await listenQuic({ host: '127.0.0.1', port: 0, alpn: ['test'], certificate: cert, privateKey: key,
        onSession: (session) => { session.onDatagram = (data) => session.sendDatagram(data); } });
      const session = await connectQuic({ host: '127.0.0.1', port: listener.port, alpn: ['test'],
        trust: { ca: [ca], system: false, insecure: false } });
      await new Promise((resolve) => { session.onDatagram = resolve; session.sendDatagram(Buffer.from('ping')); });
      await session.close();
      await listener.close();
      console.log('done');
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: {
        ...process.env,
        IDENTITY: JSON.stringify({ ca: authority.certPem, cert: identity.certPem, key: identity.keyPem }),
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.on('data', (data) => {
      out += data;
    });
    const [code] = await once(child, 'exit');
    expect({ code, out }).toEqual({ code: 0, out: 'done\n' });
  });
});
