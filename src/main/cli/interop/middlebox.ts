/**
 * What stands between the two ends of an interop case: a relay without delay that counts, drops and spoils datagrams as a case
 * asks, and can change the port it sends from, as a NAT does. Rate, delay and random loss are the path emulator's.
 */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { parseHeader } from '../../quic/wire/header.ts';

export type Way = 'up' | 'down';

export interface Interference {
  /** Whether the n-th datagram (from 0) of a way is dropped. */
  drop?: (way: Way, n: number) => boolean;
  /** Whether one of its bytes is changed on the way. */
  spoil?: (way: Way, n: number) => boolean;
}

/** One client at a time. */
export class Middlebox {
  readonly port: number;
  readonly bytes = { up: 0, down: 0 };
  readonly datagrams = { up: 0, down: 0 };
  /** Bytes down for each byte up, at the worst moment until the server has reason to trust the client's address. */
  worstAmplification = 0;
  #isValidated = false;
  readonly #listening: Socket;
  readonly #host: string;
  readonly #target: number;
  readonly #interference: Interference;
  #upstream: Socket;
  readonly #left: Socket[] = [];
  #client: { port: number; address: string } | null = null;

  static async open(host: string, target: number, interference: Interference): Promise<Middlebox> {
    const listening = await bind(host);
    return new Middlebox(listening, await bind(host), host, target, interference);
  }

  private constructor(
    listening: Socket,
    upstream: Socket,
    host: string,
    target: number,
    interference: Interference,
  ) {
    this.#listening = listening;
    this.#upstream = upstream;
    this.#host = host;
    this.#target = target;
    this.#interference = interference;
    this.port = listening.address().port;
    listening.on('message', (datagram, { port, address }) => {
      this.#client = { port, address };
      if (!this.#passes('up', datagram)) return;
      this.#upstream.send(datagram, this.#target, this.#host);
    });
    this.#hear(upstream);
  }

  #hear(socket: Socket): void {
    socket.on('message', (datagram) => {
      if (!this.#client || !this.#passes('down', datagram)) return;
      this.#listening.send(datagram, this.#client.port, this.#client.address);
    });
    // A server that is not there yet: the client tries again.
    socket.on('error', () => undefined);
  }

  #passes(way: Way, datagram: Buffer): boolean {
    const n = this.datagrams[way]++;
    const { drop, spoil } = this.#interference;
    // What was lost before it came to the server was never received there, what it sends counts all the same.
    const isDropped = drop?.(way, n) === true;
    if (way === 'down' || !isDropped) this.bytes[way] += datagram.length;
    if (way === 'up' && !isDropped) this.#isValidated ||= holdsHandshake(datagram);
    if (way === 'down' && !this.#isValidated) {
      this.worstAmplification = Math.max(this.worstAmplification, this.bytes.down / this.bytes.up);
    }
    if (isDropped) return false;
    if (spoil?.(way, n)) datagram[(n * 31) % datagram.length]! ^= 0x55;
    return true;
  }

  /** The server sees the client at another port from now on. */
  async rebind(): Promise<void> {
    const socket = await bind(this.#host);
    this.#left.push(this.#upstream);
    this.#upstream = socket;
    this.#hear(socket);
  }

  close(): void {
    for (const socket of [this.#listening, this.#upstream, ...this.#left]) socket.close();
  }
}

/** RFC 9000 §8.1: a packet under Handshake keys shows that the client saw the server's answer. */
function holdsHandshake(datagram: Buffer): boolean {
  for (let at = 0; at < datagram.length; ) {
    const header = parseHeader(datagram, at, 0);
    if (header?.form !== 'long') return header?.form === 'short';
    if (header.type === 'handshake') return true;
    at = header.end;
  }
  return false;
}

function bind(host: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
    socket.once('error', reject);
    socket.bind(0, host, () => {
      socket.off('error', reject);
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}
