/** What the TLS machines and the connection say to each other (RFC 9001 §4.1). */
import { Alert } from './alerts.ts';
import type { CipherSuite } from './suites.ts';

/** Encryption level of CRYPTO data; 0-RTT carries none (RFC 9001 §4.1.3). */
export type Level = 'initial' | 'handshake' | 'application';

export type TlsEvent =
  /** Handshake bytes to send in CRYPTO frames of that level. */
  | { type: 'data'; level: Level; data: Buffer }
  /** Traffic secret for packet protection, always emitted before data of its level. */
  | {
      type: 'secret';
      level: 'early' | 'handshake' | 'application';
      direction: 'read' | 'write';
      suite: CipherSuite;
      secret: Buffer;
    }
  /** The peer's quic_transport_parameters; authenticated only by `complete` (RFC 9001 §8.2). */
  | { type: 'parameters'; raw: Buffer }
  /** Client: what became of the early data it offered. */
  | { type: 'early-data'; accepted: boolean }
  /** Client: a ticket for the next session with this server. */
  | { type: 'ticket'; ticket: ResumptionTicket }
  /** Finished sent, received and verified. */
  | { type: 'complete' };

/** What a client keeps of a session to resume it (RFC 8446 §4.6.1). */
export interface ResumptionTicket {
  readonly identity: Buffer;
  readonly psk: Buffer;
  readonly suite: CipherSuite;
  readonly ageAdd: number;
  readonly lifetimeS: number;
  /** Whether the server takes early data with it. */
  readonly earlyData: boolean;
  readonly alpn: string;
}

/** A fatal alert: ends the handshake, and the connection with CRYPTO_ERROR 0x100 + `alert`. */
export class TlsAlert extends Error {
  readonly alert: number;

  constructor(alert: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'TlsAlert';
    this.alert = alert;
  }
}

/** Data of an encryption level that is over: a PROTOCOL_VIOLATION, where TLS over TCP would send unexpected_message (RFC 9001 §4.1.3). */
export class LevelViolation extends TlsAlert {
  constructor(message: string) {
    super(Alert.unexpected_message, message);
  }
}
