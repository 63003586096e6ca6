/** What a connection is made of, and what it tells its owner. */
import type { KeyObject } from 'node:crypto';
import type { CongestionController } from '../../congestion/controller.ts';
import type { SessionTickets } from '../tls/session-tickets.ts';
import type { CipherSuite } from '../tls/suites.ts';
import type { ResumptionTicket } from '../tls/types.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import type { Observer, Origin } from './observer.ts';
import type { PathAddress } from './paths.ts';

interface CommonConfig {
  /** Makes the congestion controller of a path. */
  controller: () => CongestionController;
  alpn: readonly string[];
  /** Source of connection ids and TLS randoms: n bytes that an attacker cannot predict. */
  random: (n: number) => Buffer;
  /** UDP payload of full packets, bytes; at least 1200 (RFC 9000 §14). */
  datagramBytes: number;
  /** Largest datagrams tried by path MTU discovery (RFC 8899); at `datagramBytes` or below none are. */
  maxDatagramBytes: number;
  /** max_idle_timeout offered, milliseconds. */
  idleTimeoutMs: number;
  /** Cipher suites spoken, in order of preference; by default all this runtime has. */
  suites?: readonly CipherSuite[] | undefined;
  /**
   * A PING goes out when nothing was received for so long, milliseconds, or for half the idle timeout if that is sooner
   * (RFC 9000 §10.1.2); none by default.
   */
  keepAliveMs?: number | undefined;
  /** How long a peer may take next to nothing of what is written for it (`StallGuard`), milliseconds; for ever by default. */
  stallTimeoutMs?: number | undefined;
  /**
   * max_ack_delay announced, milliseconds, and kept to whatever the RTT: for who sends again soon anyway, and would rather send its
   * acknowledgements along. Default 25, less once packets come in bulk.
   */
  maxAckDelayMs?: number | undefined;
  keyLog?: ((line: string) => void) | undefined;
  /** Packets sealed before a key update (RFC 9001 §6); default half of what the AEAD allows. */
  packetsPerKey?: number | undefined;
  /** Makes the token by which the peer knows a stateless reset of one of our ids (RFC 9000 §10.3.2); random by default. */
  resetToken?: ((id: Buffer) => Buffer) | undefined;
  /** Makes who looks on. Without it, nothing is told to anybody. */
  observer?: ((origin: Origin) => Observer) | undefined;
}

export interface ClientConfig extends CommonConfig {
  /** Name for SNI; null for an IP address. */
  serverName: string | null;
  /** Whom the certificate has to name, a host or an address: sessions are resumed with the same one only. */
  peerName: string;
  /** Of NEW_TOKEN in an earlier connection with this server (RFC 9000 §8.1.3). Each is for one connection. */
  token?: Buffer | undefined;
  /** Judges the certificate chain (DER, leaf first); null accepts any. */
  verify: ((chain: Buffer[]) => void) | null;
  /** Of an earlier connection with this server: its session is resumed, if the server still knows it. Each is for one use. */
  ticket?: SessionTicket | undefined;
  /** Send data before the handshake is complete, where the ticket allows it (RFC 9001 §4.6). */
  earlyData?: boolean | undefined;
}

/** What a client keeps of a connection to resume its session. */
export interface SessionTicket extends ResumptionTicket {
  readonly receivedAtUs: number;
  /** Whom the certificate named. */
  readonly peerName: string;
  /** The certificate was not verified: good for another connection that verifies none. */
  readonly insecure: boolean;
  /** The server's limits, as early data must keep to them (RFC 9000 §7.4.1). */
  readonly limits: TransportParameters;
}

export interface ServerConfig extends CommonConfig {
  /** DER, leaf first. */
  certificate: Buffer[];
  privateKey: KeyObject;
  /** Makes and reads session tickets (RFC 8446 §4.6.1); none are given without. */
  tickets?: SessionTickets | undefined;
  /** Take early data of sessions that are resumed. */
  earlyData?: boolean | undefined;
  /** Makes the token by which this client's host is known next time (RFC 9000 §8.1.3). */
  newToken?: (() => Buffer) | undefined;
}

/**
 * Receive windows this implementation opens with, and up to which they grow with the path; bytes and counts. Data behind a
 * loss waits unread: the end of a sender's slow start takes several bandwidth-delay products before growth has seen one.
 */
export const WINDOWS = {
  connection: 3 * 1024 * 1024,
  connectionCap: 16 * 1024 * 1024,
  stream: 2 * 1024 * 1024,
  streamCap: 6 * 1024 * 1024,
  streamsBidi: 128,
  streamsUni: 128,
  /** max_datagram_frame_size: any DATAGRAM that fits a packet (RFC 9221 §3). */
  datagram: 65_535,
} as const;

/** Length of the connection ids this implementation chooses. */
export const CID_LENGTH = 8;

export interface CloseReason {
  by: 'local' | 'peer' | 'timeout';
  code: number;
  application: boolean;
  reason: string;
  /** What failed in our own TLS stack, when that is why (certificate errors). */
  cause?: unknown;
}

export type ConnectionEvent =
  /** The handshake finished at this end (RFC 9001 §4.1.1): data may flow. */
  | { type: 'connected' }
  | { type: 'stream-opened'; id: number }
  | { type: 'stream-readable'; id: number }
  | { type: 'stream-writable'; id: number }
  | { type: 'stream-reset'; id: number; code: number }
  | { type: 'datagram'; data: Buffer; atUs: number }
  /** A token for the next connection with this server (RFC 9000 §8.1.3). */
  | { type: 'token'; token: Buffer }
  /** A ticket for the next connection with this server (RFC 8446 §4.6.1). */
  | { type: 'ticket'; ticket: SessionTicket }
  /** Server: it takes the client's early data, which may come from now on. */
  | { type: 'early-data' }
  /** The peer may from now on, or does no longer, address packets to this id of ours. */
  | { type: 'id-issued' | 'id-retired'; id: Buffer }
  /** Packets take this path from now on. */
  | { type: 'migrated'; to: PathAddress }
  /** Nobody answers on this path. */
  | { type: 'path-failed'; path: PathAddress }
  | { type: 'closed'; info: CloseReason };
