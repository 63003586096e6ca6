/** Frames of HTTP/3 (RFC 9114 §7), read from a stream however it is cut. */
import { Reader, varintSize, Writer } from '../wire/cursor.ts';
import { Http3Code, Http3Error } from './errors.ts';
import { decodeSettings, encodeSettings, type Settings } from './settings.ts';

export const FrameType = {
  DATA: 0x0,
  HEADERS: 0x1,
  CANCEL_PUSH: 0x3,
  SETTINGS: 0x4,
  PUSH_PROMISE: 0x5,
  GOAWAY: 0x7,
  MAX_PUSH_ID: 0xd,
} as const;

/** RFC 9114 §7.2.8: frame types of HTTP/2 that are an error here. */
const HTTP2_ONLY: readonly number[] = [0x2, 0x6, 0x8, 0x9];
/** RFC 9114 §7, table 1. */
const ALLOWED = {
  request: [FrameType.DATA, FrameType.HEADERS, FrameType.PUSH_PROMISE] as readonly number[],
  control: [
    FrameType.CANCEL_PUSH,
    FrameType.SETTINGS,
    FrameType.GOAWAY,
    FrameType.MAX_PUSH_ID,
  ] as readonly number[],
};
const KNOWN: readonly number[] = Object.values(FrameType);
/** A type or length takes at most so many octets, and so do the ids that are the whole payload of some frames. */
const MAX_VARINT = 8;
/** SETTINGS payload that is read. */
const MAX_SETTINGS = 4096;

export type Http3Frame =
  /** A piece of a DATA frame, as it came; empty once for a frame without payload. */
  | { type: 'data'; data: Buffer }
  /** An encoded field section; null when it is larger than the reader takes. Nothing later depends on it (no QPACK table). */
  | { type: 'headers'; block: Buffer | null }
  /** Its payload is skipped. */
  | { type: 'push_promise' }
  /** As of RFC 9114 §9, and with its payload skipped. */
  | { type: 'unknown' }
  | { type: 'settings'; settings: Settings }
  | { type: 'cancel_push' | 'goaway' | 'max_push_id'; id: number };

/**
 * Reads the frames of one stream. DATA is handed on piece by piece; of everything else at most `maxFieldSection` bytes
 * are kept, and unknown frames are skipped as they come (RFC 9114 §9).
 */
export class FrameReader {
  readonly #kind: keyof typeof ALLOWED;
  readonly #maxFieldSection: number;
  readonly #sink: (frame: Http3Frame) => void;
  /** Octets of a type and length that are not complete. */
  #header: Buffer = Buffer.alloc(0);
  /** The frame whose payload is being read, and how much of it is to come. */
  #type: number | null = null;
  #left = 0;
  /** Payload kept until it is complete; null where it is skipped or handed on. */
  #kept: Buffer | null = null;

  /** `kind`: of a request stream or the peer's control stream. `maxFieldSection`: bytes of one HEADERS payload. */
  constructor(kind: 'request' | 'control', maxFieldSection: number, sink: (frame: Http3Frame) => void) {
    this.#kind = kind;
    this.#maxFieldSection = maxFieldSection;
    this.#sink = sink;
  }

  /** Takes what came next; frames go to the sink, whose errors pass through. @throws Http3Error */
  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      at = this.#type === null ? this.#readHeader(chunk, at) : this.#readPayload(chunk, at);
    }
  }

  /** The stream ended. RFC 9114 §7.1: not within a frame. @throws Http3Error FRAME_ERROR */
  end(): void {
    if (this.#type !== null || this.#header.length > 0)
      throw new Http3Error(Http3Code.FRAME_ERROR, 'the stream ends within a frame');
  }

  #readHeader(chunk: Buffer, at: number): number {
    const before = this.#header.length;
    // Most headers come in one piece: nothing is copied then.
    const header =
      before === 0
        ? chunk.subarray(at)
        : Buffer.concat([this.#header, chunk.subarray(at, at + 2 * MAX_VARINT)]);
    const r = new Reader(header);
    const type = r.tryVarint();
    const length = type < 0 ? -1 : r.tryVarint();
    if (type >= 0) this.#refuse(type);
    if (length < 0) {
      this.#header = Buffer.from(header);
      return chunk.length;
    }
    this.#header = Buffer.alloc(0);
    this.#begin(type, length);
    return at + r.pos - before;
  }

  /** Frames that may not be here are refused before any of their payload is waited for. */
  #refuse(type: number): void {
    const isAllowed = ALLOWED[this.#kind].includes(type);
    if (HTTP2_ONLY.includes(type) || (KNOWN.includes(type) && !isAllowed)) {
      throw new Http3Error(Http3Code.FRAME_UNEXPECTED, `frame of type ${type} on a ${this.#kind} stream`);
    }
  }

  #begin(type: number, length: number): void {
    this.#type = type;
    this.#left = length;
    this.#kept = this.#keeps(type, length) ? Buffer.allocUnsafe(length) : null;
    if (type === FrameType.PUSH_PROMISE) this.#sink({ type: 'push_promise' });
    else if (!KNOWN.includes(type)) this.#sink({ type: 'unknown' });
    if (length > 0) return;
    if (type === FrameType.DATA) this.#sink({ type: 'data', data: Buffer.alloc(0) });
    this.#finish();
  }

  #keeps(type: number, length: number): boolean {
    switch (type) {
      case FrameType.HEADERS:
        return length <= this.#maxFieldSection;
      case FrameType.SETTINGS:
        if (length <= MAX_SETTINGS) return true;
        throw new Http3Error(Http3Code.EXCESSIVE_LOAD, `SETTINGS of ${length} bytes`);
      case FrameType.CANCEL_PUSH:
      case FrameType.GOAWAY:
      case FrameType.MAX_PUSH_ID:
        if (length <= MAX_VARINT) return true;
        throw new Http3Error(Http3Code.FRAME_ERROR, 'a frame is longer than its fields');
      default:
        return false;
    }
  }

  #readPayload(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#left);
    const piece = chunk.subarray(at, end);
    const kept = this.#kept;
    if (kept) piece.copy(kept, kept.length - this.#left);
    this.#left -= piece.length;
    const isData = this.#type === FrameType.DATA;
    if (this.#left === 0) this.#finish();
    if (isData) this.#sink({ type: 'data', data: piece });
    return end;
  }

  #finish(): void {
    const type = this.#type;
    const payload = this.#kept;
    this.#type = null;
    this.#kept = null;
    switch (type) {
      case FrameType.HEADERS:
        this.#sink({ type: 'headers', block: payload });
        break;
      case FrameType.SETTINGS:
        this.#sink({ type: 'settings', settings: decodeSettings(payload!) });
        break;
      case FrameType.CANCEL_PUSH:
        this.#sink({ type: 'cancel_push', id: onlyVarint(payload!) });
        break;
      case FrameType.GOAWAY:
        this.#sink({ type: 'goaway', id: onlyVarint(payload!) });
        break;
      case FrameType.MAX_PUSH_ID:
        this.#sink({ type: 'max_push_id', id: onlyVarint(payload!) });
        break;
    }
  }
}

function onlyVarint(payload: Buffer): number {
  const r = new Reader(payload);
  const value = r.tryVarint();
  if (value >= 0 && r.remaining === 0) return value;
  throw new Http3Error(Http3Code.FRAME_ERROR, 'a frame is not as long as its field');
}

/** Type and length: what comes before a payload. */
export function encodeFrameHeader(type: number, length: number): Buffer {
  const w = new Writer(Buffer.alloc(varintSize(type) + varintSize(length)));
  w.varint(type);
  w.varint(length);
  return w.buf;
}

const frame = (type: number, payload: Buffer): Buffer =>
  Buffer.concat([encodeFrameHeader(type, payload.length), payload]);

export const encodeHeaders = (block: Buffer): Buffer => frame(FrameType.HEADERS, block);

export const encodeSettingsFrame = (settings: Settings): Buffer =>
  frame(FrameType.SETTINGS, encodeSettings(settings));

/** `id`: of the first request not served (server), or the first push not taken (client) (RFC 9114 §5.2). */
export function encodeGoaway(id: number): Buffer {
  const w = new Writer(Buffer.alloc(varintSize(id)));
  w.varint(id);
  return frame(FrameType.GOAWAY, w.buf);
}
