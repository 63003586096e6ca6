/** Transport error codes (RFC 9000 §20.1) and the error that closes a connection with one of them. */
import { alertName } from '../tls/alerts.ts';

export const TransportError = {
  NO_ERROR: 0x0,
  INTERNAL_ERROR: 0x1,
  CONNECTION_REFUSED: 0x2,
  FLOW_CONTROL_ERROR: 0x3,
  STREAM_LIMIT_ERROR: 0x4,
  STREAM_STATE_ERROR: 0x5,
  FINAL_SIZE_ERROR: 0x6,
  FRAME_ENCODING_ERROR: 0x7,
  TRANSPORT_PARAMETER_ERROR: 0x8,
  CONNECTION_ID_LIMIT_ERROR: 0x9,
  PROTOCOL_VIOLATION: 0xa,
  INVALID_TOKEN: 0xb,
  APPLICATION_ERROR: 0xc,
  CRYPTO_BUFFER_EXCEEDED: 0xd,
  KEY_UPDATE_ERROR: 0xe,
  AEAD_LIMIT_REACHED: 0xf,
  NO_VIABLE_PATH: 0x10,
  /** First of the 256 codes that carry a TLS alert in their low byte. */
  CRYPTO_ERROR: 0x100,
} as const;

/**
 * A failure that closes the connection: becomes a CONNECTION_CLOSE frame of type 0x1c. `frameType` is the wire
 * type of the frame at fault, 0 when unknown (RFC 9000 §19.19).
 */
export class QuicError extends Error {
  readonly code: number;
  readonly frameType: number;

  constructor(code: number, message: string, frameType = 0) {
    super(message);
    this.name = 'QuicError';
    this.code = code;
    this.frameType = frameType;
  }
}

/** A transport error code in words: `FLOW_CONTROL_ERROR`, `CRYPTO_ERROR (alert 42 bad_certificate)`, `error 0x1234`. */
export function describeTransportError(code: number): string {
  // RFC 9001 §4.8: 0x0100–0x01ff carry the TLS alert description.
  if (code >= TransportError.CRYPTO_ERROR && code < TransportError.CRYPTO_ERROR + 0x100) {
    const alert = code - TransportError.CRYPTO_ERROR;
    return `CRYPTO_ERROR (alert ${alert} ${alertName(alert)})`;
  }
  for (const [name, value] of Object.entries(TransportError)) if (value === code) return name;
  return `error 0x${code.toString(16)}`;
}
