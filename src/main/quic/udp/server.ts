/** A QUIC server: one UDP socket, datagrams handed to connections by their connection id (RFC 9000 §5.2). */
import { createHmac, createPrivateKey, createSecretKey, randomBytes, X509Certificate } from 'node:crypto';
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import { lookup } from 'node:dns/promises';
import { isIP, isIPv6 } from 'node:net';
import { LabError } from '../../../shared/errors.ts';
import { AddressTokens } from '../connection/address-tokens.ts';
import { CID_LENGTH, type ServerConfig } from '../connection/config.ts';
import { Connection } from '../connection/connection.ts';
import type { PathAddress } from '../connection/paths.ts';
import { refusal } from '../connection/refusal.ts';
import { SessionTickets } from '../tls/session-tickets.ts';
import { TransportError } from '../wire/errors.ts';
import { type LongHeader, parseHeader, QUIC_V1, writeVersionNegotiation } from '../wire/header.ts';
import { writeRetry } from '../wire/retry.ts';
import type { ListenOptions, QuicListener, QuicSession } from './api.ts';
import { nowUs } from './clock.ts';
import { bindError, reachError } from './failure.ts';
import { qlogObserver } from './qlog.ts';
import { pooledRandom } from './random.ts';
import { Session } from './session.ts';
import {
  checkDatagramBytes,
  checkPort,
  chosenSuites,
  controllerMaker,
  DEFAULT_IDLE_TIMEOUT_MS,
  discoveryLimit,
  formatAddress,
  SOCKET_BUFFER,
} from './socket.ts';

/** RFC 9000 §14.1: a first Initial in a smaller datagram is not answered. */
const MIN_INITIAL_DATAGRAM = 1200;
/** RFC 9000 §7.2: the id a client invents is at least this long. */
const MIN_ORIGINAL_ID = 8;
/** Connections whose handshake is under way; beyond it, new ones are not answered. */
const MAX_HANDSHAKES = 1024;
/** Beyond so many, only clients that own their address get one: whoever forges it never sees the Retry. */
const HANDSHAKES_WITHOUT_RETRY = 128;
const RESET_TOKEN_LENGTH = 16;
/** RFC 9000 §10.3: what answers a packet of an unknown connection is smaller than it, and looks like any other. */
const RESET_BYTES = { least: 21, most: 43 } as const;
/** Stateless resets a second, at most: they answer what anybody may send (RFC 9000 §10.3.3). */
const RESETS_PER_SECOND = 1000;
/** A client that takes next to nothing of what is written for it is let go of after so long. */
const STALL_TIMEOUT_MS = 60_000;
/** Addresses remembered of one client beside the one in use. */
const OTHER_ADDRESSES = 4;
/** Set in the first byte of a packet with a long header (RFC 9000 §17.2). */
const LONG_FORM = 0x80;

/** @throws LabError RL_PORT_IN_USE, RL_ADDRESS_UNAVAILABLE, RL_HOST_UNKNOWN, RL_INPUT_INVALID (naming the field) */
export async function listenQuic(options: ListenOptions): Promise<QuicListener> {
  checkPort(options.port);
  const datagramBytes = checkDatagramBytes(options.datagramBytes);
  const makeController = controllerMaker(options.controller, datagramBytes);
  const suites = chosenSuites(options.cipherSuites);
  const identity = readIdentity(options.certificate, options.privateKey);
  const socket = await bind(await resolve(options.host, options.port), options.port);
  const resetKey = createSecretKey(randomBytes(32));
  // RFC 9000 §10.3.2: derived from the id, so that it is still known when the connection is not.
  const resetToken = (id: Buffer): Buffer =>
    createHmac('sha256', resetKey).update(id).digest().subarray(0, RESET_TOKEN_LENGTH);
  const tickets = new SessionTickets(randomBytes, Date.now);
  const { address, port } = socket.address();
  const observer = qlogObserver(options.qlog, { address, port });
  const config = (newToken: () => Buffer, client: string): ServerConfig => ({
    controller: makeController,
    alpn: options.alpn,
    random: pooledRandom,
    datagramBytes,
    maxDatagramBytes: options.mtuDiscovery === false ? 0 : discoveryLimit(address, client),
    idleTimeoutMs: options.idleTimeoutMs ?? DEFAULT_IDLE_TIMEOUT_MS,
    suites,
    keepAliveMs: options.keepAliveMs,
    stallTimeoutMs: options.stallTimeoutMs ?? STALL_TIMEOUT_MS,
    keyLog: options.keyLog,
    observer,
    newToken,
    resetToken,
    tickets,
    earlyData: options.earlyData,
    ...identity,
  });
  return new Listener(socket, config, resetToken, options);
}

/** The address to bind to, of a host that may be a name. */
async function resolve(host: string, port: number): Promise<string> {
  const bare = host.replace(/^\[|\]$/g, '');
  if (isIP(bare)) return bare;
  try {
    return (await lookup(bare)).address;
  } catch (error) {
    throw reachError(error as NodeJS.ErrnoException, formatAddress(host, port));
  }
}

function readIdentity(
  certificate: string,
  privateKey: string,
): Pick<ServerConfig, 'certificate' | 'privateKey'> {
  const blocks = certificate.match(/-----BEGIN CERTIFICATE-----[\s\S]+?-----END CERTIFICATE-----/g) ?? [];
  let field = 'certificate';
  try {
    const chain = blocks.map((pem) => new X509Certificate(pem));
    if (chain.length === 0) throw new Error('no PEM certificate in it');
    field = 'privateKey';
    const key = createPrivateKey(privateKey);
    if (!chain[0]!.checkPrivateKey(key)) throw new Error('the key does not belong to the certificate');
    return { certificate: chain.map((entry) => entry.raw), privateKey: key };
  } catch (error) {
    throw new LabError('RL_INPUT_INVALID', `The ${field} cannot be used: ${(error as Error).message}`, {
      field,
      cause: error,
    });
  }
}

function bind(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const family = isIPv6(host) ? 6 : 4;
    const socket = createSocket({
      type: family === 6 ? 'udp6' : 'udp4',
      recvBufferSize: SOCKET_BUFFER,
      sendBufferSize: SOCKET_BUFFER,
      // Addresses to send to come from the socket itself: no resolver, and no deferral to a later tick.
      lookup: (address, _options, callback) => callback(null, address, family),
    });
    const fail = (error: Error): void => {
      socket.close();
      reject(bindError(error as NodeJS.ErrnoException, formatAddress(host, port), 'listen'));
    };
    socket.once('error', fail);
    socket.bind(port, host, () => {
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

interface Entry {
  session: Session;
  /** Where the last datagram came from. */
  current: PathAddress;
  others: PathAddress[];
}

class Listener implements QuicListener {
  readonly address: string;
  readonly port: number;
  readonly sessions = new Set<QuicSession>();
  readonly #socket: Socket;
  readonly #config: (newToken: () => Buffer, client: string) => ServerConfig;
  readonly #onSession: (session: QuicSession) => void;
  readonly #handshakesWithoutRetry: number;
  readonly #tokens = new AddressTokens(randomBytes);
  readonly #resetToken: (id: Buffer) => Buffer;
  #resets = 0;
  #resetsFromUs = 0;
  /** By our connection id. */
  readonly #byId = new Map<string, Entry>();
  /** By the client's address and the id it invented, until the connection is gone. */
  readonly #byOrigin = new Map<string, Entry>();
  #handshakes = 0;
  #closing: Promise<void> | null = null;

  /** `config` makes the settings of one connection. */
  constructor(
    socket: Socket,
    config: (newToken: () => Buffer, client: string) => ServerConfig,
    resetToken: (id: Buffer) => Buffer,
    { onSession, retry }: Pick<ListenOptions, 'onSession' | 'retry'>,
  ) {
    this.#socket = socket;
    this.#config = config;
    this.#resetToken = resetToken;
    this.#onSession = onSession;
    this.#handshakesWithoutRetry = retry === 'always' ? 0 : HANDSHAKES_WITHOUT_RETRY;
    ({ address: this.address, port: this.port } = socket.address());
    socket.on('message', (datagram, remote) => this.#onDatagram(datagram, remote));
    // Sends to clients that went away come back as errors; their connections find out by silence.
    socket.on('error', () => undefined);
  }

  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      // Those still in their handshake are told too: silence would cost them their whole idle timeout.
      for (const { session } of new Set(this.#byId.values())) {
        void session.close(0, 'server is shutting down');
        session.abandon({ by: 'local', code: 0, application: false, reason: 'server is shutting down' });
      }
      this.#socket.close(() => resolve());
    });
    return this.#closing;
  }

  #onDatagram(datagram: Buffer, remote: RemoteInfo): void {
    if (datagram.length > CID_LENGTH && (datagram[0]! & LONG_FORM) === 0) {
      const entry = this.#byId.get(datagram.toString('latin1', 1, 1 + CID_LENGTH));
      if (entry) deliver(entry, datagram, remote);
      else this.#reset(datagram, remote);
      return;
    }
    const header = parseHeader(datagram, 0, CID_LENGTH);
    if (!header) return;
    const known =
      this.#byId.get(header.dcid.toString('latin1')) ??
      (header.form === 'long' && (header.type === 'initial' || header.type === '0rtt')
        ? this.#byOrigin.get(originKey(remote, header.dcid))
        : undefined);
    if (known) {
      deliver(known, datagram, remote);
      return;
    }
    // What claims to come from port 0 cannot be answered: Node.js refuses to send there.
    if (datagram.length < MIN_INITIAL_DATAGRAM || remote.port === 0) return;
    if (header.form === 'unknown-version') {
      // RFC 9000 §6.1.
      const answer = writeVersionNegotiation(header.scid, header.dcid, [QUIC_V1]);
      this.#socket.send(answer, remote.port, remote.address);
      return;
    }
    if (header.form !== 'long' || header.type !== 'initial' || header.dcid.length < MIN_ORIGINAL_ID) return;
    this.#onFirstInitial(datagram, header, remote);
  }

  /** RFC 9000 §10.3: tells a peer whose connection is not known here (any more). */
  #reset(datagram: Buffer, remote: RemoteInfo): void {
    const length = Math.min(RESET_BYTES.most, datagram.length - 1);
    if (length < RESET_BYTES.least || remote.port === 0) return;
    const now = nowUs();
    if (now - this.#resetsFromUs >= 1e6) {
      this.#resetsFromUs = now;
      this.#resets = 0;
    }
    if (++this.#resets > RESETS_PER_SECOND) return;
    const reset = randomBytes(length);
    reset[0] = (reset[0]! & 0x3f) | 0x40;
    const id = datagram.subarray(1, 1 + CID_LENGTH);
    this.#resetToken(id).copy(reset, length - RESET_TOKEN_LENGTH);
    this.#socket.send(reset, remote.port, remote.address);
  }

  #onFirstInitial(datagram: Buffer, header: LongHeader, remote: RemoteInfo): void {
    const now = Date.now();
    const found = this.#tokens.open(header.token, remote, header.dcid, now);
    const token = found?.kind === 'new' && !this.#tokens.claim(header.token, now) ? null : found;
    if (token?.kind === 'bad-retry') {
      // RFC 9000 §8.1.2: its Retry is spent, so the client could only wait.
      this.#socket.send(refusal(header, TransportError.INVALID_TOKEN), remote.port, remote.address);
    } else if (token) {
      this.#accept(datagram, header, remote, { retryOf: token.kind === 'retry' ? token.originalDcid : null });
    } else if (this.#handshakes >= this.#handshakesWithoutRetry) {
      const scid = randomBytes(CID_LENGTH);
      const retry = writeRetry({
        dcid: header.scid,
        scid,
        token: this.#tokens.forRetry(remote, header.dcid, scid, now),
        originalDcid: header.dcid,
      });
      this.#socket.send(retry, remote.port, remote.address);
    } else {
      this.#accept(datagram, header, remote);
    }
  }

  #accept(
    datagram: Buffer,
    header: LongHeader,
    remote: RemoteInfo,
    validated?: { retryOf: Buffer | null },
  ): void {
    if (this.#handshakes >= MAX_HANDSHAKES) return;
    const newToken = (): Buffer => this.#tokens.forLater(remote, Date.now());
    const { dcid, scid } = header;
    const from: PathAddress = { address: remote.address, port: remote.port };
    const connection = Connection.server(
      this.#config(newToken, remote.address),
      from,
      { dcid, scid, validated },
      nowUs(),
    );
    const ids = new Set([connection.localId.toString('latin1')]);
    const origin = originKey(remote, header.dcid);
    this.#handshakes++;
    let isHandshaking = true;
    const endHandshake = (): void => {
      if (isHandshaking) this.#handshakes--;
      isHandshaking = false;
    };
    const announce = (): void => {
      this.sessions.add(session);
      this.#onSession(session);
    };
    const session = new Session(
      connection,
      { role: 'server', insecure: false },
      {
        transmit: (packet, to) => this.#socket.send(packet, to.port, to.address),
        isDrained: () => this.#socket.getSendQueueCount() === 0,
        onId: (change, id) => {
          const key = id.toString('latin1');
          if (change === 'id-issued') {
            ids.add(key);
            this.#byId.set(key, entry);
          } else {
            ids.delete(key);
            this.#byId.delete(key);
          }
        },
        onEarly: () => announce(),
        onConnected: () => {
          endHandshake();
          if (!this.sessions.has(session)) announce();
        },
        // One that failed counts as a handshake until it is forgotten, and keeps its place in the table for as long.
        onClosed: () => {
          this.sessions.delete(session);
          // A first datagram that never authenticated leaves nothing behind.
          if (!connection.heardFromPeer)
            session.abandon({ by: 'local', code: 0, application: false, reason: '' });
        },
        onTerminated: () => {
          endHandshake();
          for (const id of ids) this.#byId.delete(id);
          this.#byOrigin.delete(origin);
        },
      },
    );
    const entry: Entry = { session, current: from, others: [] };
    for (const id of ids) this.#byId.set(id, entry);
    this.#byOrigin.set(origin, entry);
    session.receive(datagram, from);
    // What does not even open with the keys of its own id is noise: forget it at once.
    if (!connection.heardFromPeer) session.abandon({ by: 'local', code: 0, application: false, reason: '' });
  }
}

/**
 * Hands a datagram to its connection, with one object for each address of the client. The one in use is never forgotten,
 * whoever else sends to the connection: a new object for it would be a new path.
 */
function deliver(entry: Entry, datagram: Buffer, from: RemoteInfo): void {
  const isSame = ({ address, port }: PathAddress): boolean => port === from.port && address === from.address;
  if (!isSame(entry.current)) {
    if (from.port === 0) return;
    const { path } = entry.session.connection;
    const known = isSame(path) ? path : entry.others.find(isSame);
    entry.others = entry.others.filter((other) => other !== known);
    entry.others.push(entry.current);
    if (entry.others.length > OTHER_ADDRESSES) entry.others.shift();
    entry.current = known ?? { address: from.address, port: from.port };
  }
  entry.session.deliver(datagram, entry.current);
}

const originKey = (remote: RemoteInfo, dcid: Buffer): string =>
  `${remote.address}|${remote.port}|${dcid.toString('latin1')}`;
