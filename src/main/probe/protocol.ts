/**
 * The `routelab/1` application protocol: request headers, upload reports and echo payloads as bytes.
 * docs/probe-protocol.md describes it; this file is its only encoder and decoder.
 */
import { randomBytes } from 'node:crypto';
import { decodeFecRequest, encodeFecRequest, FEC, type FecRequest } from './fec/request.ts';

export const ALPN = 'routelab/1';

/** Application error codes, in RESET_STREAM, STOP_SENDING and CONNECTION_CLOSE. */
export const AppError = {
  NONE: 0x0,
  /** The request header is malformed, of an unknown kind, or has reserved bits set. */
  BAD_REQUEST: 0x1,
  /** The request asks for more than one transfer may have. */
  OVER_LIMIT: 0x2,
  /** Too many transfers or sessions at once. */
  BUSY: 0x3,
  /** No complete header in time, or the transfer outlived its bound. */
  TIMEOUT: 0x4,
  /** The negotiated application protocol is served as far as the handshake only. */
  NOT_SERVED: 0x5,
} as const;

/** ALPN over TCP: one connection is one stream of `routelab/1`, the server's side of it behind a greeting. */
export const TCP_ALPN = 'routelab-tcp/1';

/** Asks the server what its congestion controller does on this connection, and to use another. */
export interface ObserveRequest {
  kind: 'observe';
  /** A point of the series at most each so many microseconds. */
  everyUs: number;
  /** Length of the ControllerWish that follows, as JSON; 0 for none. */
  wishBytes: number;
}

export interface TransferRequest {
  /**
   * `download`: the server sends. `upload`: the client sends, the server counts and reports. `echo`: the server sends back what
   * it is sent.
   */
  kind: 'download' | 'upload' | 'echo';
  /** Payload bytes after which the sender ends; 0 leaves it to `durationMs`. */
  bytes: number;
  /** Milliseconds after which the sender ends; 0 leaves it to `bytes`. */
  durationMs: number;
}

/** What the receiver of an upload has counted so far. */
export interface UploadReport {
  /** Payload bytes received. */
  bytes: number;
  /** From the first payload byte to the report, in the last report to the last payload byte; the receiver’s clock. */
  durationUs: number;
}

export const REQUEST_BYTES = 16;
export const REPORT_BYTES = 16;
/** An echo payload: an 8-byte sequence number, then padding the server does not look at. */
export const ECHO_MIN_BYTES = 8;

const KINDS = { download: 1, upload: 2, echo: 4 } as const;
const TRANSFERS = ['download', 'upload', 'echo'] as const;
const OBSERVE = 3;
const OBSERVE_EVERY_US = { least: 1000, most: 10_000_000 } as const;
const MAX_WISH_BYTES = 4096;

export function encodeRequest(request: TransferRequest | ObserveRequest | FecRequest): Buffer {
  if (request.kind === 'fec') return encodeFecRequest(request);
  const out = Buffer.alloc(REQUEST_BYTES);
  if (request.kind === 'observe') {
    out[0] = OBSERVE;
    out.writeUInt32BE(request.everyUs, 4);
    out.writeBigUInt64BE(BigInt(request.wishBytes), 8);
    return out;
  }
  out[0] = KINDS[request.kind];
  out.writeUInt32BE(request.durationMs, 4);
  out.writeBigUInt64BE(BigInt(request.bytes), 8);
  return out;
}

/** Reads a request header from exactly REQUEST_BYTES bytes; null when it is not one. */
export function decodeRequest(header: Buffer): TransferRequest | ObserveRequest | FecRequest | null {
  if (header.length !== REQUEST_BYTES) return null;
  if (header[0] === FEC) return decodeFecRequest(header);
  // Reserved bytes are refused, not ignored: a later meaning must not be silently dropped by an old server.
  if (header.readUIntBE(1, 3) !== 0) return null;
  const durationMs = header.readUInt32BE(4);
  const bytes = header.readBigUInt64BE(8);
  if (header[0] === OBSERVE) {
    const { least, most } = OBSERVE_EVERY_US;
    if (durationMs < least || durationMs > most || bytes > BigInt(MAX_WISH_BYTES)) return null;
    return { kind: 'observe', everyUs: durationMs, wishBytes: Number(bytes) };
  }
  const kind = TRANSFERS.find((name) => KINDS[name] === header[0]);
  if (kind === undefined) return null;
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER) || (bytes === 0n && durationMs === 0)) return null;
  return { kind, bytes: Number(bytes), durationMs };
}

export function encodeReport(report: UploadReport): Buffer {
  const out = Buffer.alloc(REPORT_BYTES);
  out.writeBigUInt64BE(BigInt(report.bytes), 0);
  out.writeBigUInt64BE(BigInt(Math.round(report.durationUs)), 8);
  return out;
}

/** Reads a report from exactly REPORT_BYTES bytes; null when its numbers cannot be. */
export function decodeReport(record: Buffer): UploadReport | null {
  if (record.length !== REPORT_BYTES) return null;
  const bytes = record.readBigUInt64BE(0);
  const durationUs = record.readBigUInt64BE(8);
  const max = BigInt(Number.MAX_SAFE_INTEGER);
  return bytes > max || durationUs > max ? null : { bytes: Number(bytes), durationUs: Number(durationUs) };
}

/** What a server over TCP says before anything else: TCP has no application error codes, nor tells its congestion control. */
export interface Greeting {
  /** AppError.NONE, or why the request is refused. */
  code: number;
  /** What the kernel's TCP of the server is controlled by, such as cubic; null where it cannot tell. */
  congestion: string | null;
}

export const GREETING_BYTES = 16;
const CONGESTION_NAME = /^[a-z0-9_-]{0,15}$/;

/** A code, and the name in ASCII, zeros behind it. Names of the kernel's are of at most 15 characters (TCP_CA_NAME_MAX). */
export function encodeGreeting({ code, congestion }: Greeting): Buffer {
  const out = Buffer.alloc(GREETING_BYTES);
  out[0] = code;
  if (congestion !== null && CONGESTION_NAME.test(congestion)) out.write(congestion, 1, 'latin1');
  return out;
}

/** Reads a greeting from exactly GREETING_BYTES bytes; null when it is not one. */
export function decodeGreeting(head: Buffer): Greeting | null {
  if (head.length !== GREETING_BYTES) return null;
  const name = head.toString('latin1', 1).replace(/\0+$/, '');
  return CONGESTION_NAME.test(name) ? { code: head[0]!, congestion: name === '' ? null : name } : null;
}

/** An echo payload of `length` bytes (at least ECHO_MIN_BYTES). */
export function encodeEcho(sequence: number, length: number): Buffer {
  const out = Buffer.alloc(length);
  out.writeBigUInt64BE(BigInt(sequence), 0);
  return out;
}

/** The sequence number of an echo; null when it is no echo of ours. */
export function decodeEcho(payload: Buffer): number | null {
  if (payload.length < ECHO_MIN_BYTES) return null;
  const sequence = payload.readBigUInt64BE(0);
  return sequence > BigInt(Number.MAX_SAFE_INTEGER) ? null : Number(sequence);
}

/** What both sides send as payload: random, so that a compressing path cannot flatter itself. Never written to. */
export const PAYLOAD: Buffer = randomBytes(64 * 1024);
/** Writes of PAYLOAD in one turn of the event loop before others get theirs. */
export const WRITES_PER_TURN = 16;

/** Collects the first `length` bytes of a stream, however they are cut; what follows them is handed on. */
export class Prefix {
  #head: Buffer;
  #filled = 0;

  constructor(length: number) {
    this.#head = Buffer.allocUnsafe(length);
  }

  /** Takes bytes; returns the completed head and the rest once, null before. */
  push(data: Buffer): { head: Buffer; rest: Buffer } | null {
    const taken = data.copy(this.#head, this.#filled);
    this.#filled += taken;
    return this.#filled < this.#head.length ? null : { head: this.#head, rest: data.subarray(taken) };
  }
}
