/**
 * Cloudflare's quiche 0.18 as `@matrixai/quic` binds it natively, its datagrams carried by connected node:dgram sockets: one
 * connection, one stream, the server sends. A development dependency; nothing of it is loaded unless it is measured.
 */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import type { native } from '@matrixai/quic';
import { goodputBps } from '../../../../shared/samples.ts';
import { ALPN, PAYLOAD } from '../../../probe/protocol.ts';
import { nowUs } from '../../../quic/udp/clock.ts';
import { DEFAULT_DATAGRAM_BYTES, SOCKET_BUFFER } from '../../../quic/udp/socket.ts';
import type { Stack, TransferMethods } from '../endpoint.ts';

const HOST = '127.0.0.1';
const STREAM = 0;
/** As many datagrams go out before the socket is read again as of our own stack. */
const BURST = 64;
const WINDOW = 20 * 1024 * 1024;
const IDLE_TIMEOUT_MS = 30_000;
const READ_BYTES = 256 * 1024;

type Native = typeof native.quiche;
type Connection = ReturnType<Native['Connection']['connect']>;

function makeConfig(
  { Config, CongestionControlAlgorithm }: Native,
  ca: string | null,
  identity: { certificate: string; privateKey: string } | null,
): ReturnType<Native['Config']['withBoringSslCtx']> {
  const pem = (text: string): Buffer[] => [Buffer.from(text)];
  const config = Config.withBoringSslCtx(
    ca !== null,
    false,
    ca === null ? null : Buffer.from(ca),
    identity && pem(identity.privateKey),
    identity && pem(identity.certificate),
  );
  config.setApplicationProtos([ALPN]);
  config.setMaxIdleTimeout(IDLE_TIMEOUT_MS);
  config.setMaxRecvUdpPayloadSize(DEFAULT_DATAGRAM_BYTES);
  config.setMaxSendUdpPayloadSize(DEFAULT_DATAGRAM_BYTES);
  config.setInitialMaxData(WINDOW);
  config.setInitialMaxStreamDataBidiLocal(WINDOW);
  config.setInitialMaxStreamDataBidiRemote(WINDOW);
  config.setInitialMaxStreamsBidi(4);
  config.setMaxConnectionWindow(WINDOW);
  config.setMaxStreamWindow(WINDOW);
  config.setCcAlgorithm(CongestionControlAlgorithm.CUBIC);
  // When a packet is due cannot be read through the binding.
  config.enablePacing(false);
  return config;
}

async function boundSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER, sendBufferSize: SOCKET_BUFFER });
  // Sends to an end that has gone come back as errors; its connection says more.
  socket.on('error', () => undefined);
  socket.bind(0, HOST);
  await once(socket, 'listening');
  return socket;
}

/** Drives a connection over its socket: `work` reads and writes streams, then what is due is sent. */
class Driver {
  readonly connection: Connection;
  readonly #socket: Socket;
  readonly #info: Parameters<Connection['recv']>[1];
  readonly #work: () => void;
  #slab = Buffer.alloc(0);
  #used = 0;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | null = null;
  #isStopped = false;

  constructor(
    socket: Socket,
    connection: Connection,
    info: Parameters<Connection['recv']>[1],
    work: () => void,
  ) {
    this.connection = connection;
    this.#socket = socket;
    this.#info = info;
    this.#work = work;
  }

  receive(datagram: Buffer): void {
    this.connection.recv(datagram, this.#info);
    this.wake();
  }

  wake(): void {
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      if (!this.#isStopped) this.#turn();
    });
  }

  /** The connection is over: lets go of the socket. */
  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#socket.close();
  }

  #turn(): void {
    this.#work();
    if (this.#isStopped) return;
    if (this.flush() === BURST) this.wake();
    clearTimeout(this.#timer);
    const timeoutMs = this.connection.timeout();
    if (timeoutMs === null) return;
    this.#timer = setTimeout(() => {
      this.connection.onTimeout();
      this.wake();
    }, Math.ceil(timeoutMs));
  }

  /** Sends what is due, up to a burst; returns how many datagrams that were. */
  flush(): number {
    let sent = 0;
    for (; sent < BURST; sent++) {
      if (this.#used + DEFAULT_DATAGRAM_BYTES > this.#slab.length) {
        this.#slab = Buffer.allocUnsafeSlow(192 * DEFAULT_DATAGRAM_BYTES);
        this.#used = 0;
      }
      const room = this.#slab.subarray(this.#used, this.#used + DEFAULT_DATAGRAM_BYTES);
      const result = this.connection.send(room);
      if (result === null) break;
      this.#used += result[0];
      this.#socket.send(room.subarray(0, result[0]));
    }
    return sent;
  }
}

const addressOf = (port: number): { host: string; port: number } => ({ host: HOST, port });

export async function quiche(): Promise<Stack & TransferMethods> {
  const { quiche: bound } = (await import('@matrixai/quic')).native;
  return {
    async listen(identity) {
      const config = makeConfig(bound, null, identity);
      const socket = await boundSocket();
      const { port } = socket.address();
      // One client: the socket is then connected to it, which is cheaper.
      socket.once('message', (first, remote) => {
        socket.connect(remote.port, HOST, () => {
          const info = { from: addressOf(remote.port), to: addressOf(port) };
          const connection = bound.Connection.accept(randomBytes(16), null, info.to, info.from, config);
          const driver = new Driver(socket, connection, info, () => {
            if (connection.isClosed()) driver.stop();
            else source(connection);
          });
          socket.on('message', (datagram) => driver.receive(datagram));
          driver.receive(first);
        });
      });
      return { port };
    },
    async transfer({ port, ca, durationMs }) {
      const socket = await boundSocket();
      socket.connect(port, HOST);
      await once(socket, 'connect');
      const info = { from: addressOf(port), to: addressOf(socket.address().port) };
      const connection = bound.Connection.connect(
        'localhost',
        randomBytes(16),
        info.to,
        info.from,
        makeConfig(bound, ca, null),
      );
      const chunk = Buffer.alloc(READ_BYTES);
      let bytes = 0;
      let firstAtUs = 0;
      let isAsked = false;
      const settle = Promise.withResolvers<void>();
      const driver = new Driver(socket, connection, info, () => {
        if (connection.isClosed()) {
          const error = connection.localError() ?? connection.peerError();
          const reason = error === null ? 'no answer' : Buffer.from(error.reason).toString();
          settle.reject(new Error(`quiche closed the connection: ${reason}`));
        }
        if (!connection.isEstablished()) return;
        if (!isAsked) connection.streamSend(STREAM, Buffer.from('go'), true);
        isAsked = true;
        while (connection.streamReadable(STREAM)) {
          const read = connection.streamRecv(STREAM, chunk);
          if (read === null) break;
          if (bytes === 0) firstAtUs = nowUs();
          bytes += read[0];
        }
        if (bytes > 0 && nowUs() - firstAtUs >= durationMs * 1000) settle.resolve();
      });
      socket.on('message', (datagram) => driver.receive(datagram));
      driver.wake();
      try {
        await settle.promise;
        return { goodputBps: goodputBps({ bytes, durationUs: nowUs() - firstAtUs }) };
      } finally {
        connection.close(true, 0, Buffer.alloc(0));
        driver.flush();
        driver.stop();
      }
    },
  };
}

/** Fills the stream once the client has asked for it. */
function source(connection: Connection): void {
  if (!connection.isEstablished() || connection.isClosed()) return;
  if (!connection.streamFinished(STREAM) && !connection.streamReadable(STREAM)) return;
  while (connection.streamCapacity(STREAM) > 0) {
    const taken = connection.streamSend(STREAM, PAYLOAD, false);
    if (taken === null || taken === 0) return;
  }
}
