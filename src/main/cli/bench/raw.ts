/**
 * The floor to compare QUIC with: the same datagram size over node:dgram alone, connected sockets, no callback, no
 * encryption, no loss recovery. A ping-pong for the RTT, and a stream whose sender keeps a fixed window of
 * datagrams unacknowledged, so that it neither overruns the receiver's socket buffer nor waits for each datagram.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../../shared/errors.ts';
import { goodputBps } from '../../../shared/samples.ts';
import { nowUs } from '../../quic/udp/clock.ts';
import { HEADER, Sealer, TAG } from './seal.ts';

/** First byte of every datagram; `sealed` asks for a stream of packets that are sealed. */
const KIND = { echo: 1, start: 2, data: 3, ack: 4, sealed: 5 } as const;
/** Datagrams are cut from slabs, as ours are: one may be on its way while the next is written. */
const SLAB_DATAGRAMS = 192;
const DATAGRAM_BYTES = 1350;
const WINDOW = 64;
const ACK_EVERY = 16;
/** Without an acknowledgement for this long, what is out is given up: a raw stream repeats nothing. */
const STALL_MS = 50;
/** An echo on loopback that takes longer will not come. */
const ECHO_TIMEOUT_MS = 1000;
const SOCKET_BUFFER = 4 * 1024 * 1024;

async function boundSocket(): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: SOCKET_BUFFER, sendBufferSize: SOCKET_BUFFER });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  return socket;
}

async function connectedSocket(port: number): Promise<Socket> {
  const socket = await boundSocket();
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  return socket;
}

/** The far end: echoes, and streams when asked, to whoever speaks first. */
export async function rawPeer(): Promise<{ port: number; close: () => void }> {
  const socket = await boundSocket();
  const data = Buffer.alloc(DATAGRAM_BYTES, KIND.data);
  const sealer = new Sealer();
  let slab = Buffer.alloc(0);
  let isSealed = false;
  const next = (): Buffer => {
    if (!isSealed) return data;
    const at = (sent % SLAB_DATAGRAMS) * DATAGRAM_BYTES;
    if (at === 0) slab = Buffer.allocUnsafeSlow(SLAB_DATAGRAMS * DATAGRAM_BYTES);
    const packet = slab.subarray(at, at + DATAGRAM_BYTES);
    packet[0] = KIND.data;
    sealer.seal(packet, sent);
    return packet;
  };
  let sent = 0;
  let acked = 0;
  let toSend = 0;
  let stall: NodeJS.Timeout | undefined;
  const pump = (): void => {
    while (sent < toSend && sent - acked < WINDOW) {
      socket.send(next());
      sent++;
    }
    clearTimeout(stall);
    if (sent === toSend) return;
    stall = setTimeout(() => {
      acked = sent;
      pump();
    }, STALL_MS);
  };
  const onMessage = (message: Buffer): void => {
    if (message[0] === KIND.echo) socket.send(message);
    else if (message[0] === KIND.start || message[0] === KIND.sealed) {
      isSealed = message[0] === KIND.sealed;
      toSend = message.readUInt32BE(1);
      sent = acked = 0;
      pump();
    } else if (message[0] === KIND.ack) {
      acked = Math.max(acked, message.readUInt32BE(1));
      pump();
    }
  };
  socket.once('message', (message, { port, address }) => {
    socket.connect(port, address, () => {
      socket.on('message', onMessage);
      onMessage(message);
    });
  });
  return {
    port: socket.address().port,
    close: () => {
      clearTimeout(stall);
      socket.close();
    },
  };
}

/** The near end of one peer. */
export class RawProbe {
  readonly #socket: Socket;

  private constructor(socket: Socket) {
    this.#socket = socket;
  }

  static async open(port: number): Promise<RawProbe> {
    return new RawProbe(await connectedSocket(port));
  }

  close(): void {
    this.#socket.close();
  }

  /**
   * RTTs of `count` echoes, microseconds ascending; `everyMs` apart, as pings are, so that both are measured with
   * processes that have gone to sleep in between.
   */
  async pingPong(count: number, everyMs: number): Promise<number[]> {
    const ping = Buffer.alloc(64, KIND.echo);
    const rtts: number[] = [];
    for (let i = 0; i < count; i++) {
      const sentAtUs = nowUs();
      this.#socket.send(ping);
      // The machine being diagnosed may be one that answers nothing.
      await once(this.#socket, 'message', { signal: AbortSignal.timeout(ECHO_TIMEOUT_MS) }).catch(
        (cause: unknown) => {
          throw new LabError('RL_CONNECTION_LOST', 'Raw datagrams on loopback are not answered within 1 s', {
            cause,
          });
        },
      );
      rtts.push(nowUs() - sentAtUs);
      await sleep(everyMs);
    }
    return rtts.sort((a, b) => a - b);
  }

  /**
   * Goodput of a stream of about `bytes`, bits per second over the receiver's time; with `sealed` each packet is sealed by
   * the one end and opened by the other, and only what it carries counts.
   */
  stream(bytes: number, sealed = false): Promise<number> {
    const payloadBytes = sealed ? DATAGRAM_BYTES - HEADER - TAG : DATAGRAM_BYTES;
    const packets = Math.ceil(bytes / payloadBytes);
    const sealer = new Sealer();
    const start = Buffer.alloc(5, sealed ? KIND.sealed : KIND.start);
    start.writeUInt32BE(packets, 1);
    return new Promise((resolve) => {
      let received = 0;
      let firstAtUs = 0;
      let newestAtUs = 0;
      let end: NodeJS.Timeout | undefined;
      const finish = (): void => {
        clearTimeout(end);
        this.#socket.off('message', onMessage);
        resolve(goodputBps({ bytes: received * payloadBytes, durationUs: newestAtUs - firstAtUs }));
      };
      const onMessage = (message: Buffer): void => {
        if (sealed && sealer.open(message) === null) return;
        newestAtUs = nowUs();
        if (received === 0) firstAtUs = newestAtUs;
        received++;
        if (received % ACK_EVERY === 0) {
          const ack = Buffer.alloc(5, KIND.ack);
          ack.writeUInt32BE(received, 1);
          this.#socket.send(ack);
          end?.refresh();
        }
        if (received === packets) finish();
      };
      this.#socket.on('message', onMessage);
      // Datagrams that never come do not keep us.
      end = setTimeout(finish, 10 * STALL_MS);
      this.#socket.send(start);
    });
  }
}
