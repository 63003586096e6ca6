/**
 * What the rooms above see of QUIC: sessions and streams over a UDP socket. Callbacks are plain properties, set
 * by their one consumer; data that arrives before a callback is set waits for it.
 */
import type { CongestionSeries } from '../../../shared/congestion-series.ts';
import type { Controller } from '../../../shared/domain.ts';
import type { HandshakeMark } from '../../../shared/probe-details.ts';
import type { SessionTicket } from '../connection/config.ts';
import type { QlogOptions } from '../qlog/trace.ts';

export type { SessionTicket };

export interface TrustOptions {
  /** PEM certificates trusted beside the system's roots. */
  ca: readonly string[];
  /** Trust the system's roots. */
  system: boolean;
  /** Accept any certificate. Never a default; marked on everything measured. */
  insecure: boolean;
}

export interface ControllerChoice {
  name: Controller;
  parameters?: Readonly<Record<string, number>>;
}

export interface ConnectOptions {
  host: string;
  port: number;
  /** Name for SNI and certificate check; default `host`. */
  serverName?: string | undefined;
  alpn: readonly string[];
  trust: TrustOptions;
  controller?: ControllerChoice;
  /** Give up connecting after this long. Default 10 000. */
  timeoutMs?: number;
  /** max_idle_timeout offered. Default 30 000. */
  idleTimeoutMs?: number;
  /** Keeps an idle connection: a PING at least this often, in milliseconds, and in time for the idle timeout. Default: none. */
  keepAliveMs?: number;
  /** max_ack_delay announced, to 16 s: more than the default 25 for who sends again soon, and its acknowledgements along. */
  maxAckDelayMs?: number | undefined;
  /** UDP payload of full packets to begin with, 1200 to 16 383. Default 1350. */
  datagramBytes?: number;
  /** Whether larger ones are tried (RFC 8899), as far as the first hop carries them, up to 16 383. Default true. */
  mtuDiscovery?: boolean;
  /** TLS cipher suites offered, by name, in order of preference; by default all this runtime has. */
  cipherSuites?: readonly string[] | undefined;
  /** SSLKEYLOGFILE lines. */
  keyLog?: (line: string) => void;
  /** Where the qlog of each connection goes (docs/qlog.md). */
  qlog?: QlogOptions | undefined;
  /** `token` of an earlier session with this server: it need not send a Retry then. Each is good for one connection. */
  token?: Buffer | undefined;
  /** `ticket` of an earlier session with this server: its session is resumed, if both still can. Each is good for one connection. */
  ticket?: SessionTicket | undefined;
  /**
   * Called with the session before the handshake, where `ticket` allows early data (0-RTT): what is sent then spares a round
   * trip. Whoever watches the network can send a copy of it again (RFC 9001 §9.2), so let it change nothing at the server.
   */
  onEarly?: ((session: QuicSession) => void) | undefined;
  /** Told once the name of the host was resolved, and how long it took. Not called for an address. */
  onResolved?: (durationUs: number) => void;
  /** Told the moments of the handshake as they come, on the clock of `nowUs()`; some come after the session is there. */
  onMark?: (mark: HandshakeMark, atUs: number) => void;
  /** Told of the session once its handshake is complete, ahead of who asked for it: for those who count connections. */
  onConnected?: ((session: QuicSession) => void) | undefined;
  signal?: AbortSignal;
}

export interface ListenOptions {
  host: string;
  /** 0 takes a free port. */
  port: number;
  alpn: readonly string[];
  /** PEM chain, leaf first, and its PEM private key (RSA, EC P-256/384 or Ed25519). */
  certificate: string;
  privateKey: string;
  controller?: ControllerChoice;
  idleTimeoutMs?: number;
  /** As of ConnectOptions. */
  keepAliveMs?: number;
  datagramBytes?: number;
  /** As of ConnectOptions. */
  mtuDiscovery?: boolean;
  /**
   * How long a client may take less than 16 KiB of the 64 KiB or more that are written for it before it is let go of, in
   * milliseconds. Default 60 000.
   */
  stallTimeoutMs?: number;
  /**
   * When clients have to show with a Retry that they own their address (RFC 9000 §8.1.2): all of them, or, by default, those
   * that come while many handshakes are under way.
   */
  retry?: 'always' | 'under-load' | undefined;
  /** As of ConnectOptions. */
  cipherSuites?: readonly string[] | undefined;
  keyLog?: (line: string) => void;
  /**
   * Take early data (0-RTT) of clients that return, once for each ticket: of a session with it `onSession` is called before the
   * handshake is complete. Default false: an application has to bear that a request comes from somebody who only copied it
   * (RFC 9001 §9.2).
   */
  earlyData?: boolean | undefined;
  /** As of ConnectOptions. */
  qlog?: QlogOptions | undefined;
  onSession: (session: QuicSession) => void;
}

export interface HandshakeInfo {
  /** ClientHello sent to handshake complete, at this endpoint. */
  durationUs: number;
  cipherSuite: string;
  group: string;
  alpn: string;
  serverName: string | null;
  /** True when the certificate was not verified. */
  insecure: boolean;
  /** Whether it took a Retry to validate the client's address. */
  retried: boolean;
  /** Whether the session was resumed with a ticket, without certificates. */
  resumed: boolean;
  /** What became of data sent ahead of the handshake; null where none was, or that is not known yet. */
  earlyData: 'accepted' | 'rejected' | null;
}

/** What of the statistics only grows while a connection lasts, and adds up over several. */
export const CONNECTION_COUNTERS = [
  'packetsSent',
  'packetsReceived',
  'packetsLost',
  'bytesSent',
  'bytesReceived',
  'streamsOpened',
] as const satisfies readonly (keyof ConnectionStats)[];

export interface ConnectionStats {
  controller: Controller;
  /** Of the controller, in its own words. */
  controllerState: string;
  cwndBytes: number;
  /** The path's MTU as far as it is known, less IP and UDP headers: UDP payload of full datagrams on the path now. */
  datagramBytes: number;
  pacingBps: number | null;
  bytesInFlight: number;
  smoothedRttUs: number | null;
  rttVarUs: number | null;
  minRttUs: number | null;
  latestRttUs: number | null;
  packetsSent: number;
  packetsReceived: number;
  /** Declared lost by loss detection (RFC 9002 §6.1). */
  packetsLost: number;
  /** UDP payload bytes of those. */
  bytesLost: number;
  /** Of those, the packets that were acknowledged after all. */
  spuriousLosses: number;
  /** Recovery periods that losses began (RFC 9002 §7.3.2), and collapses of the window (§7.6). */
  congestionEvents: number;
  persistentCongestions: number;
  /** How fast the path delivers: the newest sample that was not held down by the application; null before any. */
  deliveryRateBps: number | null;
  /** Whether the application, not the window, limits what is sent, as of the newest acknowledgement. */
  isAppLimited: boolean;
  /** UDP payload bytes. */
  bytesSent: number;
  bytesReceived: number;
  /** By either end. */
  streamsOpened: number;
  streamBytesSent: number;
  /** Stream bytes sent again after a loss. */
  streamBytesRetransmitted: number;
  ptoCount: number;
  /** Times the connection moved to another path (RFC 9000 §9). */
  migrations: number;
  /** Of them, those that began congestion control and RTT anew (RFC 9000 §9.4). */
  congestionResets: number;
  /** Key updates of either side (RFC 9001 §6). */
  keyUpdates: number;
}

export interface CloseInfo {
  /** Who ended it: this endpoint, the peer, or silence (idle timeout, or no answer at all). */
  by: 'local' | 'peer' | 'timeout';
  /** Transport or application error code; 0 is a clean end. */
  code: number;
  application: boolean;
  reason: string;
}

export interface QuicStream {
  readonly id: number;
  readonly unidirectional: boolean;
  /** Bytes written and not yet sent for the first time. */
  readonly queuedBytes: number;
  /** Queues bytes (kept by reference: do not change them). False: wait for `onDrain` before writing more. */
  write(data: Uint8Array): boolean;
  /** Ends the sending side after what is queued. */
  end(data?: Uint8Array): void;
  reset(code: number): void;
  /** Nothing more is read: what arrives is dropped, and neither `onData` nor `onEnd` nor `onReset` is called again. */
  stopSending(code: number): void;
  /** Stops / resumes delivery of data, and with it flow-control credit. */
  pause(): void;
  resume(): void;
  onData: ((data: Buffer) => void) | null;
  onEnd: (() => void) | null;
  onReset: ((code: number) => void) | null;
  onDrain: (() => void) | null;
}

/** What a connection's congestion controller does, as it is recorded. */
export interface CongestionRecord {
  /** What came since it was last called; null for nothing. */
  take(): CongestionSeries | null;
  /** Records no more: a connection that nobody watches pays nothing for it. */
  end(): void;
}

export interface QuicSession {
  readonly role: 'client' | 'server';
  readonly remote: { address: string; port: number };
  readonly handshake: HandshakeInfo;
  /** Largest payload `sendDatagram` takes now; 0 when the peer takes none (RFC 9221). */
  readonly maxDatagramPayload: number;
  /** Opens a stream; throws LabError RL_CONFLICT when the peer's stream limit is reached. */
  openStream(options?: { unidirectional?: boolean }): QuicStream;
  /** Keeps `data` by reference until it is sent. False when not taken: too large, not supported, or the queue is full. */
  sendDatagram(data: Uint8Array): boolean;
  stats(): ConnectionStats;
  /**
   * Records from now on what the congestion controller does, times from the connection's beginning: a point at most each
   * `everyUs`, and one for each change of its state. Replaces an earlier one.
   */
  watchCongestion(everyUs: number): CongestionRecord;
  /** Another congestion controller from now on, in its first state. Throws LabError RL_INPUT_INVALID for its parameters. */
  changeController(choice: ControllerChoice): void;
  /** The newest token that the server gave this client for its next connection (RFC 9000 §8.1.3). */
  readonly token: Buffer | null;
  /** The newest ticket to resume the session with (RFC 8446 §4.6.1). */
  readonly ticket: SessionTicket | null;
  /** Begins a key update (RFC 9001 §6); false when it is too early for one. */
  updateKeys(): boolean;
  /**
   * Client: moves to a new local port once the server answered there (RFC 9000 §9.2). Rejects with LabError RL_PEER_UNSUPPORTED
   * when the server forbids it, RL_CONFLICT when the moment does not allow it, RL_CONNECT_TIMEOUT when the new path does not lead to the server.
   */
  migrate(): Promise<void>;
  /**
   * Client: takes a new local port without a word to QUIC, as a NAT that forgot the old one would (RFC 9000 §9.3.3). What is under
   * way to the old one is lost. Rejects with LabError RL_CONFLICT where there is nothing to rebind.
   */
  rebind(): Promise<void>;
  close(code?: number, reason?: string): Promise<void>;
  /** Resolves once, when the connection has ended. Never rejects. */
  readonly closed: Promise<CloseInfo>;
  onStream: ((stream: QuicStream) => void) | null;
  /** Client: another `ticket` came. */
  onTicket: ((ticket: SessionTicket) => void) | null;
  /** `receivedAtUs` is on the clock of `nowUs()` (quic/udp/clock.ts). */
  onDatagram: ((data: Buffer, receivedAtUs: number) => void) | null;
}

export interface QuicListener {
  readonly address: string;
  readonly port: number;
  readonly sessions: ReadonlySet<QuicSession>;
  close(): Promise<void>;
}

// Implemented in client.ts:  connectQuic(options: ConnectOptions): Promise<QuicSession>   — rejects with LabError
// Implemented in server.ts:  listenQuic(options: ListenOptions): Promise<QuicListener>   — rejects with LabError
