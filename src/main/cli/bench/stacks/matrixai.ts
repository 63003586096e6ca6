/** `@matrixai/quic` through its own API, web streams and all. A development dependency, loaded only to be measured. */
import { createHmac, timingSafeEqual, webcrypto } from 'node:crypto';
import type { QUICClient as Client, events as Events } from '@matrixai/quic';
import { goodputBps } from '../../../../shared/samples.ts';
import { ALPN, PAYLOAD } from '../../../probe/protocol.ts';
import { nowUs } from '../../../quic/udp/clock.ts';
import { DEFAULT_DATAGRAM_BYTES } from '../../../quic/udp/socket.ts';
import type { ConnectMethods, Stack, TransferMethods } from '../endpoint.ts';

const HOST = '127.0.0.1';
/** It logs every step to the console unless it is given something to log to. */
const SILENT = {
  debug() {},
  info() {},
  warn() {},
  error() {},
  getChild: () => SILENT,
};
const SETTINGS = {
  applicationProtos: [ALPN],
  maxIdleTimeout: 30_000,
  maxRecvUdpPayloadSize: DEFAULT_DATAGRAM_BYTES,
  maxSendUdpPayloadSize: DEFAULT_DATAGRAM_BYTES,
  readableChunkSize: PAYLOAD.length,
};

export async function matrixai(): Promise<Stack & TransferMethods & ConnectMethods> {
  const { QUICClient, QUICServer, events } = await import('@matrixai/quic');
  const open = ({ port, ca }: { port: number; ca: string }): Promise<Client> =>
    QUICClient.createQUICClient({
      host: HOST,
      port,
      localHost: HOST,
      serverName: 'localhost',
      crypto: { ops: { randomBytes: async (data) => void webcrypto.getRandomValues(new Uint8Array(data)) } },
      config: { ...SETTINGS, ca, verifyPeer: true },
      logger: SILENT as never,
    });
  return {
    async listen({ certificate, privateKey }) {
      const sign = (key: ArrayBuffer, data: ArrayBuffer): Buffer =>
        createHmac('sha256', Buffer.from(key)).update(Buffer.from(data)).digest();
      const server = new QUICServer({
        crypto: {
          key: new Uint8Array(32).fill(7).buffer,
          ops: {
            sign: async (key, data) => new Uint8Array(sign(key, data)).buffer,
            verify: async (key, data, sig) => timingSafeEqual(sign(key, data), Buffer.from(sig)),
          },
        },
        config: { ...SETTINGS, cert: certificate, key: privateKey },
        logger: SILENT as never,
      });
      server.addEventListener(events.EventQUICServerConnection.name, (event: Event) => {
        const connection = (event as Events.EventQUICServerConnection).detail;
        connection.addEventListener(events.EventQUICConnectionStream.name, (opened: Event) => {
          void source((opened as Events.EventQUICConnectionStream).detail.writable);
        });
      });
      await server.start({ host: HOST, port: 0 });
      return { port: server.port };
    },
    async transfer({ durationMs, ...target }) {
      const client = await open(target);
      try {
        const stream = client.connection.newStream();
        const writer = stream.writable.getWriter();
        await writer.write(Buffer.from('go'));
        let bytes = 0;
        let firstAtUs = 0;
        const reader = stream.readable.getReader();
        for (;;) {
          const { value, done } = await reader.read();
          if (done) break;
          if (bytes === 0) firstAtUs = nowUs();
          bytes += value.length;
          if (nowUs() - firstAtUs >= durationMs * 1000) break;
        }
        return { goodputBps: goodputBps({ bytes, durationUs: nowUs() - firstAtUs }) };
      } finally {
        await client.destroy({ force: true });
      }
    },
    async connect({ count, ...target }) {
      const wallUs: number[] = [];
      for (let i = 0; i < count; i++) {
        const startUs = nowUs();
        const client = await open(target);
        wallUs.push(nowUs() - startUs);
        await client.destroy({ force: true });
      }
      return wallUs;
    },
  };
}

/** Writes until the client has gone, which is how every transfer ends. */
async function source(writable: WritableStream<Uint8Array>): Promise<void> {
  const writer = writable.getWriter();
  try {
    for (;;) await writer.write(PAYLOAD);
  } catch {
    // See above.
  }
}
