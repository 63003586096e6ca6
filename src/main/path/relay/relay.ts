/**
 * A UDP path emulator: what a client sends to the listening socket passes a Link and leaves for the target from
 * a socket of that client's own, and the answers come back through a second Link. All clients share the two
 * links, as they would share a real bottleneck. Rates and buffers count IP packets: payload plus headers.
 */
import type { Socket } from 'node:dgram';
import type { Emulation, LinkSettings } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { bufferBytesOf, meanDelayMs } from '../buffer.ts';
import { Link, type LinkCounters, type LinkOptions } from '../link.ts';
import { Rng } from '../rng.ts';
import { nowUs } from './clock.ts';
import { intake } from './intake.ts';
import { scheduler } from './scheduler.ts';
import { bindUdpSocket, createUdpSocket, type Endpoint, resolveEndpoint } from './sockets.ts';

/** Each client costs a socket; packets of further clients are dropped and counted. */
const MAX_CLIENTS = 512;
/** A client silent in both directions for this long is forgotten, as a NAT would. */
const CLIENT_IDLE_US = 120e6;
const SWEEP_MS = 10_000;
/** What a direction holds at most: a slow link's delay must not become unbounded memory. */
const MAX_HELD_BYTES = 64_000_000;
/** Datagrams of one direction delivered before sockets and the other directions have their turn. */
const DELIVERIES_PER_TURN = 32;
/** Datagrams kept for a client whose upstream socket is still being connected. */
const MAX_UNCONNECTED = 64;

/** Ethernet's, and so that of most paths. */
const DEFAULT_MTU_BYTES = 1500;

export interface RelayOptions {
  /** Port 0 takes a free one. */
  listen: { host: string; port: number };
  to: { host: string; port: number };
  emulation: Emulation;
  /** A safe integer; the same seed loses the same packets. */
  seed: number;
  /** Datagrams carry IP packets of a tunnel: these are what rates and buffers count, and nothing else. */
  isTunnel?: boolean;
}

export interface DirectionCounters extends LinkCounters {
  /** Datagrams that came through and were sent on, and their payload. */
  delivered: number;
  deliveredBytes: number;
  /** Datagrams dropped because the relay held too much: a limit of the emulator, not of the emulated path. */
  overloadDrops: number;
  /** Datagrams larger than the path's MTU. */
  tooLarge: number;
}

export interface RelayCounters {
  up: DirectionCounters;
  down: DirectionCounters;
  clients: number;
  /** Datagrams of clients beyond the table's bound. */
  refused: number;
  /** Errors the sockets reported, such as a closed port at the target. */
  socketErrors: number;
}

/** What passes a link: a datagram, and who takes it at the far end. */
interface Passenger {
  data: Buffer;
  readUs: number;
  deliver: (data: Buffer) => void;
}

/** One bit of a copy of the payload, which another copy of the datagram may share. Headers stay whole, checksums fit. */
function flipBit({ data, deliver, readUs }: Passenger, rng: Rng): Passenger {
  const spoilt = Buffer.from(data);
  const bit = Math.floor(rng.float() * spoilt.length * 8);
  if (spoilt.length > 0) spoilt[bit >> 3]! ^= 1 << (bit & 7);
  return { data: spoilt, deliver, readUs };
}

/** One direction of the path, in real time. */
export class Direction {
  /** Mean propagation delay. */
  readonly delayUs: number;
  readonly mtuBytes: number;
  readonly #bufferBytes: number;
  readonly #link: Link<Passenger>;
  readonly #owner: object;
  readonly #headerBytes: number;
  /** The link's deadline that the scheduler knows of. */
  #scheduledUs = Number.POSITIVE_INFINITY;
  /** When the newest packet was offered. */
  #offeredUs = Number.NEGATIVE_INFINITY;
  #tooLarge = 0;
  #delivered = 0;
  #deliveredBytes = 0;
  #overloadDrops = 0;

  constructor(
    settings: LinkSettings,
    options: { link: LinkOptions<Passenger>; rng: Rng; owner: object; headerBytes: number; mtuBytes: number },
  ) {
    const { link, rng, owner, headerBytes, mtuBytes } = options;
    this.#link = new Link(settings, rng, link);
    this.delayUs = meanDelayMs(settings) * 1e3;
    this.#bufferBytes = bufferBytesOf(settings, link.rttMs ?? 0);
    this.mtuBytes = mtuBytes;
    this.#owner = owner;
    this.#headerBytes = headerBytes;
  }

  /** Whether the queue takes an IP packet of `bytes` now. */
  hasRoom(bytes: number, atUs: number): boolean {
    const queued = this.#link.queuedBytes(atUs);
    return queued === 0 || queued + bytes <= this.#bufferBytes;
  }

  /**
   * Carries `data` through the link and then hands it to `deliver`; what it has for headers is UDP's unless given. It came at `atUs` and
   * was read at `readUs`.
   */
  carry(
    data: Buffer,
    atUs: number,
    deliver: (data: Buffer) => void,
    { headerBytes = this.#headerBytes, readUs = atUs }: { headerBytes?: number; readUs?: number } = {},
  ): void {
    // As a router does with DF set, and as most do without telling (RFC 8899 §1.1).
    const bytes = data.length + headerBytes;
    if (bytes > this.mtuBytes) this.#tooLarge++;
    else if (this.#link.heldBytes + bytes > MAX_HELD_BYTES) this.#overloadDrops++;
    else {
      // A segment of a stream may have been offered at a moment that datagrams read later are found to have come before.
      this.#offeredUs = Math.max(this.#offeredUs, atUs);
      if (this.#link.send({ data, deliver, readUs }, bytes, this.#offeredUs) === null) this.#schedule();
    }
  }

  #schedule(): void {
    const { deadlineUs } = this.#link;
    if (deadlineUs >= this.#scheduledUs) return;
    this.#scheduledUs = deadlineUs;
    scheduler.at(deadlineUs, this.#owner, this.#onDeadline);
  }

  readonly #onDeadline = (): void => {
    this.#scheduledUs = Number.POSITIVE_INFINITY;
    const atUs = nowUs();
    for (let turn = 0; turn < DELIVERIES_PER_TURN; turn++) {
      const passenger = this.#link.receive(atUs);
      if (passenger === undefined) break;
      this.#delivered++;
      this.#deliveredBytes += passenger.data.length;
      passenger.deliver(passenger.data);
    }
    this.#schedule();
  };

  counters(): DirectionCounters {
    const { counters } = this.#link;
    return {
      ...counters,
      packetsIn: counters.packetsIn + this.#overloadDrops + this.#tooLarge,
      tooLarge: this.#tooLarge,
      delivered: this.#delivered,
      deliveredBytes: this.#deliveredBytes,
      overloadDrops: this.#overloadDrops,
    };
  }
}

class Client {
  readonly #upstream: Socket;
  /** Null once connected. */
  #unconnected: Buffer[] | null = [];
  lastSeenUs: number;
  readonly toClient: (data: Buffer) => void;
  readonly closed: Promise<void>;
  #open = true;

  constructor(options: {
    target: Endpoint;
    nowUs: number;
    toClient: (data: Buffer) => void;
    onAnswer: (client: Client, data: Buffer) => void;
    onError: () => void;
  }) {
    this.lastSeenUs = options.nowUs;
    this.toClient = (data) => {
      if (this.#open) options.toClient(data);
    };
    const socket = createUdpSocket(options.target.family);
    this.#upstream = socket;
    intake.opened(this);
    this.closed = new Promise((resolve) => socket.once('close', resolve));
    socket.on('error', options.onError);
    socket.on('message', (data) => options.onAnswer(this, data));
    socket.once('connect', () => {
      const waiting = this.#unconnected ?? [];
      this.#unconnected = null;
      for (const data of waiting) socket.send(data);
    });
    socket.connect(options.target.port, options.target.address);
  }

  readonly toTarget = (data: Buffer): void => {
    if (!this.#open) return;
    if (this.#unconnected === null) this.#upstream.send(data);
    else if (this.#unconnected.length < MAX_UNCONNECTED) this.#unconnected.push(data);
  };

  close(): Promise<void> {
    if (this.#open) {
      this.#open = false;
      this.#upstream.close();
    }
    return this.closed;
  }
}

export class Relay {
  readonly host: string;
  readonly port: number;
  readonly #listener: Socket;
  readonly #target: Endpoint;
  readonly #up: Direction;
  readonly #down: Direction;
  readonly #clients = new Map<string, Client>();
  readonly #sweeper: NodeJS.Timeout;
  #refused = 0;
  #socketErrors = 0;
  #closing: Promise<void> | null = null;

  private constructor(listener: Socket, target: Endpoint, { emulation, seed, isTunnel }: RelayOptions) {
    this.#listener = listener;
    this.#target = target;
    const { address, family, port } = listener.address();
    this.host = address;
    this.port = port;
    const originUs = nowUs();
    const outages = emulation.flap && {
      periodUs: emulation.flap.periodMs * 1e3,
      downUs: emulation.flap.downMs * 1e3,
      originUs,
    };
    const rttMs = meanDelayMs(emulation.up) + meanDelayMs(emulation.down);
    const link = { outages, originUs, rttMs, corrupt: flipBit, knownUs: ({ readUs }: Passenger) => readUs };
    const mtuBytes = emulation.mtuBytes ?? DEFAULT_MTU_BYTES;
    const rng = Rng.fromSeed(seed);
    // IPv4 or IPv6 header, and UDP's 8 bytes.
    const headerBytes = isTunnel ? 0 : family === 'IPv6' ? 48 : 28;
    const ends = { link, owner: this, headerBytes, mtuBytes };
    this.#up = new Direction(emulation.up, { ...ends, rng: rng.split() });
    this.#down = new Direction(emulation.down, { ...ends, rng: rng.split() });

    intake.opened(this);
    listener.on('error', this.#onSocketError);
    listener.on('message', (data, from) => {
      const atUs = nowUs();
      const client = this.#clientAt(from.address, from.port, atUs);
      if (client === null) {
        this.#refused++;
        return;
      }
      client.lastSeenUs = atUs;
      intake.take(this, this.#up, data, client.toTarget);
    });
    this.#sweeper = setInterval(() => this.#forgetIdleClients(nowUs()), SWEEP_MS).unref();
  }

  /**
   * Opens a relay. Throws RL_HOST_UNKNOWN, RL_PORT_IN_USE, RL_ADDRESS_UNAVAILABLE, or RL_INPUT_INVALID when
   * the relay would talk to itself, with `listen` or `to` as the field.
   */
  static async open(options: RelayOptions): Promise<Relay> {
    const { listen, to } = options;
    const target = await resolveEndpoint(to, 'to');
    const listener = await bindUdpSocket(await resolveEndpoint(listen, 'listen'), 'listen');
    const own = listener.address();
    if (own.port === target.port && own.address === target.address) {
      listener.close();
      throw new LabError('RL_INPUT_INVALID', 'The relay would send to itself', { field: 'to' });
    }
    return new Relay(listener, target, options);
  }

  /** The two links, for others whose traffic is to share them. */
  get ways(): { up: Direction; down: Direction } {
    return { up: this.#up, down: this.#down };
  }

  counters(): RelayCounters {
    return {
      up: this.#up.counters(),
      down: this.#down.counters(),
      clients: this.#clients.size,
      refused: this.#refused,
      socketErrors: this.#socketErrors,
    };
  }

  /** Drops what is under way and closes every socket; resolves when they are closed. */
  close(): Promise<void> {
    this.#closing ??= (async () => {
      clearInterval(this.#sweeper);
      intake.forget(this.ways);
      scheduler.cancel(this);
      const closed = [...this.#clients.values()].map((client) => client.close());
      this.#clients.clear();
      await Promise.all([...closed, new Promise<void>((resolve) => this.#listener.close(resolve))]);
    })();
    return this.#closing;
  }

  #clientAt(address: string, port: number, atUs: number): Client | null {
    const key = `${address} ${port}`;
    const known = this.#clients.get(key);
    if (known !== undefined) return known;
    if (this.#clients.size >= MAX_CLIENTS) return null;
    const client = new Client({
      target: this.#target,
      nowUs: atUs,
      toClient: (data) => this.#listener.send(data, port, address),
      onAnswer: this.#onAnswer,
      onError: this.#onSocketError,
    });
    this.#clients.set(key, client);
    return client;
  }

  readonly #onAnswer = (client: Client, data: Buffer): void => {
    client.lastSeenUs = nowUs();
    intake.take(client, this.#down, data, client.toClient);
  };

  readonly #onSocketError = (): void => {
    this.#socketErrors++;
  };

  #forgetIdleClients(atUs: number): void {
    for (const [key, client] of this.#clients) {
      if (atUs - client.lastSeenUs < CLIENT_IDLE_US) continue;
      this.#clients.delete(key);
      void client.close();
    }
  }
}
