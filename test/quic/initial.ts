/** First Initials as clients send them, for tests that play many clients. */
import { randomBytes } from 'node:crypto';
import { createController } from '../../src/main/congestion/index.ts';
import { Connection } from '../../src/main/quic/connection/connection.ts';

/** A client's first datagram, with ids and a key share of its own; nobody is behind it. */
export function clientInitial(alpn = 'test'): Buffer {
  const client = Connection.client(
    {
      controller: () => createController('cubic', { random: () => 0.5, datagramBytes: 1350, parameters: {} }),
      alpn: [alpn],
      random: randomBytes,
      datagramBytes: 1350,
      maxDatagramBytes: 0,
      idleTimeoutMs: 30_000,
      serverName: 'localhost',
      peerName: 'localhost',
      verify: null,
    },
    { address: '127.0.0.1', port: 4433 },
    0,
  );
  return client.poll(0)!;
}
