/** Transport error codes (RFC 9000 §20.1) and the error that closes a connection with one of them. */

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
    return `CRYPTO_ERROR (alert ${alert} ${ALERTS[alert] ?? 'unknown'})`;
  }
  for (const [name, value] of Object.entries(TransportError)) if (value === code) return name;
  return `error 0x${code.toString(16)}`;
}

/** RFC 8446 §6.2. */
const ALERTS: Readonly<Record<number, string>> = {
  0: 'close_notify',
  10: 'unexpected_message',
  20: 'bad_record_mac',
  22: 'record_overflow',
  40: 'handshake_failure',
  42: 'bad_certificate',
  43: 'unsupported_certificate',
  44: 'certificate_revoked',
  45: 'certificate_expired',
  46: 'certificate_unknown',
  47: 'illegal_parameter',
  48: 'unknown_ca',
  49: 'access_denied',
  50: 'decode_error',
  51: 'decrypt_error',
  70: 'protocol_version',
  71: 'insufficient_security',
  80: 'internal_error',
  86: 'inappropriate_fallback',
  90: 'user_canceled',
  109: 'missing_extension',
  110: 'unsupported_extension',
  112: 'unrecognized_name',
  113: 'bad_certificate_status_response',
  115: 'unknown_psk_identity',
  116: 'certificate_required',
  120: 'no_application_protocol',
};
