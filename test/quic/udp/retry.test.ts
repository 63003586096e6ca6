/** Retry and NEW_TOKEN over real sockets (RFC 9000 §8.1). */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { parseHeader } from '../../../src/main/quic/wire/header.ts';
import { clientInitial } from '../initial.ts';
import { closedAfterwards, connect, listen } from './ends.ts';

it('validates every address with a Retry when told to', async () => {
  const { port } = await listen({ retry: 'always' });
  const session = await connect(port);
  expect(session.handshake.retried).toBe(true);
  await session.close();
});

it('spares the Retry of a client that brings the token of an earlier connection', async () => {
  const { port } = await listen({ retry: 'always' });
  const first = await connect(port);
  // The token comes behind the handshake; the next answer of the server carries it at the latest.
  while (first.token === null) await new Promise(setImmediate);
  await first.close();
  const second = await connect(port, { token: first.token });
  expect(second.handshake.retried).toBe(false);
  await second.close();
  // RFC 9000 §8.1.4: whoever else saw it gets no more out of it.
  const third = await connect(port, { token: first.token });
  expect(third.handshake.retried).toBe(true);
  await third.close();
});

it.each([
  ['first Initials', 'test'],
  ['Initials whose handshakes fail', 'another protocol'],
])(
  'answers a flood of %s with Retries once many are in its table, and still lets clients in',
  async (_name, alpn) => {
    const { port } = await listen({ retry: 'under-load' });
    const flood = closedAfterwards(createSocket('udp4'));
    flood.connect(port, '127.0.0.1');
    await once(flood, 'connect');
    let retries = 0;
    let bytesReceived = 0;
    flood.on('message', (datagram) => {
      bytesReceived += datagram.length;
      const header = parseHeader(datagram, 0, 8);
      if (header?.form === 'long' && header.type === 'retry') retries++;
    });
    let bytesSent = 0;
    for (let sent = 0; sent < 2000; sent++) {
      const initial = clientInitial(alpn);
      bytesSent += initial.length;
      flood.send(initial);
      if (sent % 20 === 19) await new Promise(setImmediate);
    }
    const session = await connect(port);
    expect(session.handshake.retried).toBe(true);
    expect(retries).toBeGreaterThan(0);
    expect(bytesReceived).toBeLessThanOrEqual(3 * bytesSent);
    await session.close();
  },
);
