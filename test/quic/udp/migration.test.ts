/** Moving, rebinding, key update and reset over real sockets (RFC 9000 §9, §10.3; RFC 9001 §6). */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import type { QuicSession } from '../../../src/main/quic/udp/api.ts';
import { closedAfterwards, connect, listen } from './ends.ts';

/** A server that echoes datagrams. */
async function echo(): Promise<{ port: number; sessions: QuicSession[] }> {
  const sessions: QuicSession[] = [];
  const { port } = await listen({
    onSession: (session) => {
      sessions.push(session);
      session.onDatagram = (data) => session.sendDatagram(Buffer.from(data));
    },
  });
  return { port, sessions };
}

function echoed(session: QuicSession, text: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  session.onDatagram = (data) => resolve(data.toString());
  session.sendDatagram(Buffer.from(text));
  return promise;
}

/** Until the handshake is confirmed, nothing may be moved or updated; the first echo comes after it. */
async function confirmed(session: QuicSession): Promise<void> {
  await echoed(session, 'confirmed');
}

it('moves to another local port, and the server follows', async () => {
  const { port, sessions } = await echo();
  const session = await connect(port);
  await confirmed(session);
  const before = sessions[0]!.remote.port;
  await session.migrate();
  expect(await echoed(session, 'moved')).toBe('moved');
  expect(sessions[0]!.remote.port).not.toBe(before);
  expect(session.stats().migrations).toBe(1);
  await session.close();
});

it('refuses to move a server, and a session before its handshake is confirmed', async () => {
  const { port, sessions } = await echo();
  const session = await connect(port);
  await confirmed(session);
  await expect(sessions[0]!.migrate()).rejects.toMatchObject({ code: 'RL_CONFLICT' });
  await session.close();
  await expect(session.migrate()).rejects.toMatchObject({ code: 'RL_CONFLICT' });
});

it('updates keys while data flows', async () => {
  const { port, sessions } = await echo();
  const session = await connect(port);
  await confirmed(session);
  expect(session.updateKeys()).toBe(true);
  expect(await echoed(session, 'new keys')).toBe('new keys');
  expect(sessions[0]!.stats().keyUpdates).toBe(1);
  await session.close();
});

/** A NAT: forwards between a client and the server, from a port that `rebind` changes. */
async function nat(serverPort: number): Promise<{ port: number; rebind: () => Promise<void> }> {
  const inside = createSocket('udp4').bind(0, '127.0.0.1');
  await once(inside, 'listening');
  closedAfterwards(inside);
  let client: RemoteInfo | null = null;
  let outside: Socket | null = null;
  const rebind = async (): Promise<void> => {
    outside?.close();
    const socket = createSocket('udp4');
    socket.connect(serverPort, '127.0.0.1');
    await once(socket, 'connect');
    socket.on('message', (datagram) => client && inside.send(datagram, client.port, client.address));
    outside = socket;
  };
  await rebind();
  inside.on('message', (datagram, from) => {
    client = from;
    outside!.send(datagram);
  });
  inside.once('close', () => outside?.close());
  return { port: inside.address().port, rebind };
}

it('survives a NAT that forgets it and maps it to another port', async () => {
  const { port, sessions } = await echo();
  const middle = await nat(port);
  const session = await connect(middle.port);
  await confirmed(session);
  const before = sessions[0]!.remote.port;
  await middle.rebind();
  expect(await echoed(session, 'rebound')).toBe('rebound');
  expect(sessions[0]!.remote.port).not.toBe(before);
  await session.close();
});

it('is told by a stateless reset that the server has forgotten the connection', async () => {
  const { port, sessions } = await echo();
  const session = await connect(port);
  await confirmed(session);
  // The server drops it without a word, as after a crash that kept the key.
  const server = sessions[0] as unknown as { abandon(reason: object): void };
  server.abandon({ by: 'local', code: 0, application: false, reason: '' });
  session.sendDatagram(Buffer.alloc(100));
  expect(await session.closed).toMatchObject({
    by: 'peer',
    reason: expect.stringContaining('stateless reset'),
  });
});

it('takes a new port without a word, and the server finds it there', async () => {
  const { port, sessions } = await echo();
  const session = await connect(port);
  await confirmed(session);
  const before = sessions[0]!.remote.port;
  await session.rebind();
  expect(await echoed(session, 'rebound')).toBe('rebound');
  expect(sessions[0]!.remote.port).not.toBe(before);
  expect(session.stats()).toMatchObject({ migrations: 0, congestionResets: 0 });
  expect(sessions[0]!.stats()).toMatchObject({ migrations: 1, congestionResets: 0 });
  await expect(sessions[0]!.rebind()).rejects.toMatchObject({ code: 'RL_CONFLICT' });
  await session.close();
});
