import { createHash } from 'node:crypto';
import { createController } from '../../src/main/congestion/index.ts';
import type { ClientConfig } from '../../src/main/quic/connection/config.ts';
import { Connection } from '../../src/main/quic/connection/connection.ts';
import { Inbox } from '../../src/main/quic/connection/inbox.ts';
import { qlogTrace } from '../../src/main/quic/qlog/trace.ts';
import type { FuzzTarget } from './target.ts';

const server = { address: '192.0.2.2', port: 4433 };

function client(): { connection: Connection; first: Buffer } {
  let counter = 0;
  const config: ClientConfig = {
    controller: () => createController('cubic', { random: () => 0.5, datagramBytes: 1350, parameters: {} }),
    alpn: ['test'],
    random: (n) => {
      const out = Buffer.alloc(n);
      for (let done = 0; done < n; ) {
        done += createHash('sha256').update(`client ${counter++}`).digest().copy(out, done);
      }
      return out;
    },
    datagramBytes: 1350,
    maxDatagramBytes: 0,
    idleTimeoutMs: 30_000,
    serverName: 'localhost',
    peerName: 'localhost',
    verify: null,
    // Whatever comes is logged too, in records that can be read.
    observer: (origin) =>
      qlogTrace(
        origin,
        { write: (record) => void JSON.parse(record.slice(1)), end() {} },
        { local: server, unixMs: 0 },
      ),
  };
  const connection = Connection.client(config, server, 0);
  return { connection, first: Buffer.from(connection.poll(0)!) };
}

let waiting = client();

/**
 * A client that waits for its server gets any datagram at all: it neither throws nor ends, since nothing of it is authentic
 * (RFC 9000 §5.2.1), but for a Version Negotiation, which nobody signs.
 */
function run(data: Buffer): void {
  const { connection } = waiting;
  connection.receive(Buffer.from(data), server, 1000);
  // Of several together masks are made in advance.
  const inbox = new Inbox();
  for (let i = 0; i < 2; i++) inbox.add(Buffer.from(data), server, 1000);
  connection.receiveAll(inbox);
  const answered = connection.poll(1000);
  if (connection.isTerminated) waiting = client();
  else if (answered !== null && answered.length > 3 * 1350) throw new Error('an answer to nothing');
}

export const datagrams: FuzzTarget = {
  name: 'datagrams',
  seeds: [waiting.first, Buffer.alloc(40, 0x40), Buffer.from('8000000000000000000a0a0a0a', 'hex')],
  run,
};
