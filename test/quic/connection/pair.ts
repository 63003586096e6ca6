/**
 * Two connections joined in virtual time: one-way delay, loss and reordering per datagram, all decided by the test.
 * In the manner of quinn-proto's `Pair`.
 */
import { createHash, createPrivateKey } from 'node:crypto';
import { createController } from '../../../src/main/congestion/index.ts';
import type { Link } from '../../../src/main/path/link.ts';
import type {
  ClientConfig,
  ConnectionEvent,
  ServerConfig,
} from '../../../src/main/quic/connection/config.ts';
import { Connection } from '../../../src/main/quic/connection/connection.ts';
import type { PathAddress } from '../../../src/main/quic/connection/paths.ts';
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import { makeVerifier } from '../../../src/main/quic/tls/verify.ts';
import { type LongHeader, parseHeader } from '../../../src/main/quic/wire/header.ts';

const authority = await createAuthority(Date.now());
const identity = await issueCertificate(authority, { names: ['localhost'], days: 7, nowMs: Date.now() });
const pemToDer = (pem: string): Buffer[] =>
  [...pem.matchAll(/-----BEGIN CERTIFICATE-----([\s\S]+?)-----END CERTIFICATE-----/g)].map((match) =>
    Buffer.from(match[1]!, 'base64'),
  );
/** DER, leaf first. */
export const certificate = pemToDer(identity.certPem);
const privateKey = createPrivateKey(identity.keyPem);

/** Deterministic bytes: a hash chain of the seed. */
function randomFrom(seed: string): (n: number) => Buffer {
  let counter = 0;
  return (n) => {
    const out = Buffer.alloc(n);
    for (let done = 0; done < n; ) {
      done += createHash('sha256').update(`${seed}/${counter++}`).digest().copy(out, done);
    }
    return out;
  };
}

export const SERVER: PathAddress = { address: '192.0.2.2', port: 4433 };

export interface PairOptions {
  /** One-way delay, microseconds. */
  delayUs?: number;
  /** Whether the n-th datagram (from 0) of a direction is lost. */
  drop?: (direction: 'up' | 'down', n: number, datagram: Buffer) => boolean;
  /** Extra delay of the n-th datagram. */
  extraUs?: (direction: 'up' | 'down', n: number) => number;
  /** The server answers the first Initial with this datagram instead of accepting it. */
  retry?: (first: LongHeader) => Buffer;
  /** What the server's tokens say of the Initial that it accepts. */
  validated?: { retryOf: Buffer | null };
  client?: Partial<ClientConfig>;
  server?: Partial<ServerConfig>;
  /** What datagrams pass instead, with the headers of IPv4 and UDP around them. */
  links?: Record<'up' | 'down', Link<InTransit>>;
}

const HEADER_BYTES = 28;

export interface InTransit {
  atUs: number;
  direction: 'up' | 'down';
  datagram: Buffer;
  /** As the side that receives it knows it. */
  from: PathAddress;
}

export class Pair {
  nowUs = 1_000_000;
  readonly client: Connection;
  server: Connection | null = null;
  readonly events = { client: [] as ConnectionEvent[], server: [] as ConnectionEvent[] };
  /** Sizes of all datagrams sent, in order. */
  readonly sent = { up: [] as number[], down: [] as number[] };
  readonly #options: PairOptions;
  readonly #serverConfig: ServerConfig;
  #transit: InTransit[] = [];
  #retried = false;
  /** Of each path of the client, where the server sees it. A test may change that, as a NAT does, or add paths. */
  readonly paths = new Map<PathAddress, PathAddress>([[SERVER, { address: '192.0.2.1', port: 40_000 }]]);

  constructor(options: PairOptions = {}) {
    this.#options = options;
    const common = {
      alpn: ['test'],
      datagramBytes: 1350,
      maxDatagramBytes: 0,
      idleTimeoutMs: 30_000,
    };
    const clientBytes = options.client?.datagramBytes ?? common.datagramBytes;
    const serverBytes = options.server?.datagramBytes ?? common.datagramBytes;
    this.#serverConfig = {
      ...common,
      controller: () =>
        createController('cubic', { random: () => 0.5, datagramBytes: serverBytes, parameters: {} }),
      random: randomFrom('server'),
      certificate,
      privateKey,
      ...options.server,
    };
    this.client = Connection.client(
      {
        ...common,
        controller: () =>
          createController('cubic', { random: () => 0.5, datagramBytes: clientBytes, parameters: {} }),
        random: randomFrom('client'),
        serverName: 'localhost',
        peerName: 'localhost',
        verify: makeVerifier({ ca: [authority.certPem], system: false }, 'localhost', Date.now),
        ...options.client,
      },
      SERVER,
      this.nowUs,
    );
  }

  /** Runs until nothing is under way and no timer is due before `untilUs` of virtual time, or `done` says so. */
  run(untilUs: number, done: () => boolean = () => false): void {
    const end = this.nowUs + untilUs;
    let turnsAtThisInstant = 0;
    for (;;) {
      this.#flush();
      if (done()) return;
      // What `done` did may have left something to send.
      this.#flush();
      const { links } = this.#options;
      const next = Math.min(
        links?.up.deadlineUs ?? Number.POSITIVE_INFINITY,
        links?.down.deadlineUs ?? Number.POSITIVE_INFINITY,
        this.#transit[0]?.atUs ?? Number.POSITIVE_INFINITY,
        this.client.timeout() ?? Number.POSITIVE_INFINITY,
        this.server?.timeout() ?? Number.POSITIVE_INFINITY,
      );
      if (next > end) {
        this.nowUs = end;
        return;
      }
      turnsAtThisInstant = next > this.nowUs ? 0 : turnsAtThisInstant + 1;
      // A deadline that has come and does not go away would have a real endpoint spin.
      if (turnsAtThisInstant > 1_000) throw new Error('time does not advance');
      this.nowUs = Math.max(this.nowUs, next);
      while (this.#transit[0] && this.#transit[0].atUs <= this.nowUs) this.#deliver(this.#transit.shift()!);
      for (const link of links ? [links.up, links.down] : [])
        for (let item = link.receive(this.nowUs); item; item = link.receive(this.nowUs)) this.#deliver(item);
      for (const connection of [this.client, this.server]) {
        const at = connection?.timeout();
        if (at !== null && at !== undefined && at <= this.nowUs) connection!.handleTimeout(this.nowUs);
      }
    }
  }

  /** Until both ends have completed the handshake. */
  connect(): void {
    this.run(30_000_000, () => this.has('client', 'connected') && this.has('server', 'connected'));
  }

  has(side: 'client' | 'server', type: ConnectionEvent['type']): boolean {
    return this.events[side].some((event) => event.type === type);
  }

  closed(side: 'client' | 'server'): Extract<ConnectionEvent, { type: 'closed' }>['info'] | undefined {
    const event = this.events[side].find((candidate) => candidate.type === 'closed');
    return event?.type === 'closed' ? event.info : undefined;
  }

  /** Hands a datagram to one side as if it had come from the network. */
  inject(direction: 'up' | 'down', datagram: Buffer): void {
    const from = direction === 'up' ? this.paths.get(SERVER)! : SERVER;
    this.#deliver({ atUs: this.nowUs, direction, datagram, from });
    this.#flush();
  }

  #flush(): void {
    this.#send('up', this.client);
    if (this.server) this.#send('down', this.server);
    this.#collect('client', this.client);
    if (this.server) this.#collect('server', this.server);
  }

  #collect(side: 'client' | 'server', connection: Connection): void {
    for (let event = connection.nextEvent(); event; event = connection.nextEvent())
      this.events[side].push(event);
  }

  #send(direction: 'up' | 'down', connection: Connection): void {
    for (let datagram = connection.poll(this.nowUs); datagram; datagram = connection.poll(this.nowUs)) {
      const n = this.sent[direction].length;
      this.sent[direction].push(datagram.length);
      if (this.#options.drop?.(direction, n, datagram)) continue;
      const to = connection.destination;
      const from =
        direction === 'up' ? this.paths.get(to) : [...this.paths].find(([, address]) => address === to)?.[0];
      // An address that leads nowhere any more.
      if (!from) continue;
      const delay = (this.#options.delayUs ?? 10_000) + (this.#options.extraUs?.(direction, n) ?? 0);
      const item = { atUs: this.nowUs + delay, direction, datagram: Buffer.from(datagram), from };
      const link = this.#options.links?.[direction];
      if (link) {
        link.send(item, datagram.length + HEADER_BYTES, this.nowUs);
        continue;
      }
      const before = this.#transit.findLastIndex(({ atUs }) => atUs <= item.atUs);
      this.#transit.splice(before + 1, 0, item);
    }
  }

  #deliver({ direction, datagram, from }: InTransit): void {
    if (direction === 'down') {
      this.client.receive(datagram, from, this.nowUs);
      return;
    }
    if (!this.server) {
      const header = parseHeader(datagram, 0, 8);
      if (header?.form !== 'long' || header.type !== 'initial') return;
      const { retry, validated } = this.#options;
      if (retry && !this.#retried) {
        this.#retried = true;
        this.client.receive(retry(header), SERVER, this.nowUs);
        return;
      }
      const { dcid, scid } = header;
      this.server = Connection.server(this.#serverConfig, from, { dcid, scid, validated }, this.nowUs);
    }
    this.server.receive(datagram, from, this.nowUs);
  }
}

/** Reads all there is on a stream. */
export function readAll(connection: Connection, id: number, into: Buffer[]): boolean {
  return connection.read(id, (data) => into.push(Buffer.from(data))).end;
}
