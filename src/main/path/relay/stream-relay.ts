/**
 * TCP connections through the two links of a UDP relay, whose queues and rates they share with its datagrams. What that is a model
 * of, and what not: stream-way.ts.
 */
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { LabError } from '../../../shared/errors.ts';
import type { Direction, Relay } from './relay.ts';
import { type Endpoint, resolveEndpoint } from './sockets.ts';
import { StreamWay, TCP_HEADER_BYTES } from './stream-way.ts';

/** Each connection costs two sockets and a window of memory. */
const MAX_CONNECTIONS = 512;
/** What a receiver that does not read leaves in the relay at most. */
const MOST_UNREAD_BYTES = 1 << 20;

export interface StreamRelayOptions {
  /** Port 0 takes a free one. */
  listen: { host: string; port: number };
  to: { host: string; port: number };
  /** Whose links are used. It must outlive this. */
  relay: Relay;
}

export interface StreamCounters {
  connections: number;
  active: number;
  /** Connections beyond the bound. */
  refused: number;
  /** Segments sent again, both ways. */
  retransmitted: number;
}

export class StreamRelay {
  readonly host: string;
  readonly port: number;
  readonly #server: Server;
  readonly #target: Endpoint;
  readonly #ways: { up: Direction; down: Direction };
  readonly #pairs = new Set<Pair>();
  #connections = 0;
  #refused = 0;
  #retransmitted = 0;

  private constructor(server: Server, target: Endpoint, ways: { up: Direction; down: Direction }) {
    this.#server = server;
    this.#target = target;
    this.#ways = ways;
    const { address, port } = server.address() as AddressInfo;
    this.host = address;
    this.port = port;
    server.on('connection', (near: Socket) => this.#accept(near));
  }

  /** Opens a relay. Throws RL_HOST_UNKNOWN, RL_PORT_IN_USE or RL_ADDRESS_UNAVAILABLE, with `listen` or `to` as the field. */
  static async open({ listen, to, relay }: StreamRelayOptions): Promise<StreamRelay> {
    const target = await resolveEndpoint(to, 'to');
    const { address, port } = await resolveEndpoint(listen, 'listen');
    const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', (cause: NodeJS.ErrnoException) => {
        const isTaken = cause.code === 'EADDRINUSE';
        const message = `TCP port ${port} on ${address} ${isTaken ? 'is already in use' : 'cannot be taken'}`;
        const code = isTaken ? 'RL_PORT_IN_USE' : 'RL_ADDRESS_UNAVAILABLE';
        reject(new LabError(code, message, { field: 'listen', cause }));
      });
      server.listen({ host: address, port, exclusive: true }, resolve);
    });
    return new StreamRelay(server, target, relay.ways);
  }

  counters(): StreamCounters {
    let retransmitted = this.#retransmitted;
    for (const pair of this.#pairs) retransmitted += pair.retransmitted;
    return {
      connections: this.#connections,
      active: this.#pairs.size,
      refused: this.#refused,
      retransmitted,
    };
  }

  /** Cuts every connection off; resolves when the port is free. */
  close(): Promise<void> {
    for (const pair of this.#pairs) pair.cut();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(near: Socket): void {
    near.on('error', () => {});
    if (this.#pairs.size >= MAX_CONNECTIONS) {
      this.#refused++;
      near.resetAndDestroy();
      return;
    }
    this.#connections++;
    const pair = new Pair(near, this.#target, this.#ways, () => {
      this.#pairs.delete(pair);
      this.#retransmitted += pair.retransmitted;
    });
    this.#pairs.add(pair);
  }
}

/** A client's connection and the one to the target, with the path between them. */
class Pair {
  readonly #near: Socket;
  #far: Socket | null = null;
  readonly #up: StreamWay;
  readonly #down: StreamWay;
  readonly #onEnd: () => void;
  /** Those that are read, once the handshake has passed the path. */
  readonly #read = new Set<Socket>();
  #open = 1;
  #isCut = false;

  constructor(near: Socket, target: Endpoint, ways: { up: Direction; down: Direction }, onEnd: () => void) {
    this.#near = near;
    this.#onEnd = onEnd;
    const headerBytes = TCP_HEADER_BYTES[near.remoteFamily === 'IPv6' ? 6 : 4];
    const { up, down } = ways;
    this.#up = new StreamWay(up, { reverseUs: down.delayUs, headerBytes, onRoom: () => this.#flow(near) });
    this.#down = new StreamWay(down, {
      reverseUs: up.delayUs,
      headerBytes,
      onRoom: () => this.#far && this.#flow(this.#far),
    });
    near.on('close', this.#onClose);
    // The kernel has answered the client's SYN already: what it sends waits here until SYN and SYN-ACK have passed the path.
    this.#up.signal(() => this.#connect(target));
  }

  get retransmitted(): number {
    return this.#up.retransmitted + this.#down.retransmitted;
  }

  /** One that closed cleanly has said all: what of it is under way still arrives. */
  readonly #onClose = (hadError: boolean): void => {
    this.#open--;
    if (hadError || this.#open === 0 || this.#far === null) this.cut();
  };

  /** Ends both connections, as a reset where they are not over. */
  cut(): void {
    if (this.#isCut) return;
    this.#isCut = true;
    this.#up.end();
    this.#down.end();
    for (const socket of [this.#near, this.#far]) if (socket && !socket.destroyed) socket.resetAndDestroy();
    this.#onEnd();
  }

  #connect({ address, port }: Endpoint): void {
    const far = connect({ host: address, port, noDelay: true, allowHalfOpen: true });
    this.#far = far;
    far.on('error', () => {});
    far.on('close', this.#onClose);
    this.#open++;
    far.once('connect', () => {
      this.#join(far, this.#near, this.#down);
      this.#down.signal(() => this.#join(this.#near, far, this.#up));
    });
  }

  /** From now on what comes from one goes the way to the other. */
  #join(from: Socket, to: Socket, way: StreamWay): void {
    from.on('data', (data: Buffer) => {
      way.send(data, (part) => to.destroyed || to.write(part));
      if (!this.#mayRead(from)) from.pause();
    });
    from.on('end', () => way.signal(() => to.end()));
    to.on('drain', () => this.#flow(from));
    this.#read.add(from);
    from.resume();
  }

  #mayRead(from: Socket): boolean {
    const [way, to] = from === this.#near ? [this.#up, this.#far] : [this.#down, this.#near];
    return way.hasRoom && (to?.writableLength ?? 0) < MOST_UNREAD_BYTES;
  }

  #flow(from: Socket): void {
    if (!this.#isCut && this.#read.has(from) && from.isPaused() && this.#mayRead(from)) from.resume();
  }
}
