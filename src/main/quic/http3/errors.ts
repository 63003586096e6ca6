/** Error codes of HTTP/3 (RFC 9114 §8.1) and QPACK (RFC 9204 §6), and the error that carries one. */

export const Http3Code = {
  NO_ERROR: 0x100,
  GENERAL_PROTOCOL_ERROR: 0x101,
  INTERNAL_ERROR: 0x102,
  STREAM_CREATION_ERROR: 0x103,
  CLOSED_CRITICAL_STREAM: 0x104,
  FRAME_UNEXPECTED: 0x105,
  FRAME_ERROR: 0x106,
  EXCESSIVE_LOAD: 0x107,
  ID_ERROR: 0x108,
  SETTINGS_ERROR: 0x109,
  MISSING_SETTINGS: 0x10a,
  REQUEST_REJECTED: 0x10b,
  REQUEST_CANCELLED: 0x10c,
  REQUEST_INCOMPLETE: 0x10d,
  MESSAGE_ERROR: 0x10e,
  CONNECT_ERROR: 0x10f,
  VERSION_FALLBACK: 0x110,
  QPACK_DECOMPRESSION_FAILED: 0x200,
  QPACK_ENCODER_STREAM_ERROR: 0x201,
  QPACK_DECODER_STREAM_ERROR: 0x202,
} as const;

/** What the peer did wrong: it ends one stream, or the connection, with `code`. */
export class Http3Error extends Error {
  readonly code: number;
  readonly scope: 'stream' | 'connection';

  constructor(code: number, message: string, scope: 'stream' | 'connection' = 'connection') {
    super(message);
    this.name = 'Http3Error';
    this.code = code;
    this.scope = scope;
  }
}

/** RFC 9114 §4.1.2: a malformed request or response is an error of its stream. */
export const malformed = (message: string): Http3Error =>
  new Http3Error(Http3Code.MESSAGE_ERROR, message, 'stream');

/** A code in the RFC's words: `H3_REQUEST_REJECTED`, `QPACK_DECOMPRESSION_FAILED`, `error 0x1234`. */
export function describeHttp3Code(code: number): string {
  for (const [name, value] of Object.entries(Http3Code)) {
    if (value === code) return name.startsWith('QPACK_') ? name : `H3_${name}`;
  }
  return `error 0x${code.toString(16)}`;
}
