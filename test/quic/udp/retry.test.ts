/** Retry and NEW_TOKEN over real sockets (RFC 9000 §8.1). */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import type { ConnectOptions, ListenOptions, QuicListener } from '../../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../../src/main/quic/udp/server.ts';
import { parseHeader } from '../../../src/main/quic/wire/header.ts';
import { clientInitial } from '../initial.ts';

const authority = await createAuthority(Date.now());
const identity = await issueCertificate(authority, { names: ['127.0.0.1'], days: 7, nowMs: Date.now() });
const toClose: (QuicListener | Socket)[] = [];

afterEach(async () => {
  for (const open of toClose.splice(0)) await open.close();
});

async function listen(retry: ListenOptions['retry']): Promise<QuicListener> {
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    alpn: ['test'],
    certificate: identity.certPem,
    privateKey: identity.keyPem,
    retry,
    onSession: () => undefined,
  });
  toClose.push(listener);
  return listener;
}

const connect = (port: number, options: Partial<ConnectOptions> = {}) =>
  connectQuic({
    host: '127.0.0.1',
    port,
    alpn: ['test'],
    trust: { ca: [authority.certPem], system: false, insecure: false },
    ...options,
  });

it('validates every address with a Retry when told to', async () => {
  const { port } = await listen('always');
  const session = await connect(port);
  expect(session.handshake.retried).toBe(true);
  await session.close();
});

it('spares the Retry of a client that brings the token of an earlier connection', async () => {
  const { port } = await listen('always');
  const first = await connect(port);
  // The token comes behind the handshake; the next answer of the server carries it at the latest.
  while (first.token === null) await new Promise(setImmediate);
  await first.close();
  const second = await connect(port, { token: first.token });
  expect(second.handshake.retried).toBe(false);
  await second.close();
});

it('answers a flood of first Initials with Retries once many handshakes are under way, and still lets clients in', async () => {
  const { port } = await listen('under-load');
  const flood = createSocket('udp4');
  toClose.push(flood);
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
    const initial = clientInitial();
    bytesSent += initial.length;
    flood.send(initial);
    if (sent % 20 === 19) await new Promise(setImmediate);
  }
  const session = await connect(port);
  expect(session.handshake.retried).toBe(true);
  expect(retries).toBeGreaterThan(0);
  expect(bytesReceived).toBeLessThanOrEqual(3 * bytesSent);
  await session.close();
});
