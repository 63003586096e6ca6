/** Reading and writing big-endian fields and variable-length integers (RFC 9000 §16) in a caller's buffer. */
import { QuicError, TransportError } from './errors.ts';

/**
 * Variable-length integers are JS numbers: a value above 2^53-1 decodes to `Number.MAX_SAFE_INTEGER`, which no
 * offset, limit or packet number of ours ever reaches.
 */
const MAX = Number.MAX_SAFE_INTEGER;

/** Bytes that the shortest encoding takes for `v`, 0 to 2^53-1. */
export function varintSize(v: number): 1 | 2 | 4 | 8 {
  if (v < 0x40) return 1;
  if (v < 0x4000) return 2;
  if (v < 0x4000_0000) return 4;
  return 8;
}

/** Reads forward over `buf[pos, end)`. Every read that would pass `end` throws QuicError FRAME_ENCODING_ERROR. */
export class Reader {
  readonly buf: Buffer;
  readonly end: number;
  pos: number;
  /** Wire type of the frame being read: goes into the errors thrown here. */
  frameType = 0;

  constructor(buf: Buffer, pos = 0, end = buf.length) {
    this.buf = buf;
    this.pos = pos;
    this.end = end;
  }

  get remaining(): number {
    return this.end - this.pos;
  }

  u8(): number {
    return this.buf[this.#take(1)]!;
  }

  u16(): number {
    const at = this.#take(2);
    return (this.buf[at]! << 8) | this.buf[at + 1]!;
  }

  u24(): number {
    const at = this.#take(3);
    return (this.buf[at]! << 16) | (this.buf[at + 1]! << 8) | this.buf[at + 2]!;
  }

  u32(): number {
    return uint32(this.buf, this.#take(4));
  }

  varint(): number {
    const value = this.tryVarint();
    if (value < 0) throw this.#short();
    return value;
  }

  /** As `varint`, but -1 and no movement when it is cut off. */
  tryVarint(): number {
    const { buf, pos } = this;
    if (pos >= this.end) return -1;
    const first = buf[pos]!;
    const size = 1 << (first >> 6);
    if (pos + size > this.end) return -1;
    this.pos = pos + size;
    if (size === 1) return first;
    if (size === 2) return ((first & 0x3f) << 8) | buf[pos + 1]!;
    const high = uint32(buf, pos) & 0x3fff_ffff;
    if (size === 4) return high;
    return high > 0x1f_ffff ? MAX : high * 2 ** 32 + uint32(buf, pos + 4);
  }

  /** A count of streams: Infinity when it exceeds 2^60, which no stream ID could express (RFC 9000 §4.6). */
  streamCount(): number {
    const at = this.pos;
    const value = this.varint();
    if (value < MAX) return value;
    const exact = this.buf.readBigUInt64BE(at) & 0x3fff_ffff_ffff_ffffn;
    return exact > 1n << 60n ? Number.POSITIVE_INFINITY : MAX;
  }

  /** The next `n` bytes as a view. */
  bytes(n: number): Buffer {
    const at = this.#take(n);
    return this.buf.subarray(at, at + n);
  }

  #take(n: number): number {
    const at = this.pos;
    if (n > this.end - at) throw this.#short();
    this.pos = at + n;
    return at;
  }

  #short(): QuicError {
    return new QuicError(TransportError.FRAME_ENCODING_ERROR, 'field is cut off', this.frameType);
  }
}

/** Writes forward into `buf[pos, end)`. The caller sizes what it writes; passing `end` is a RangeError (a defect). */
export class Writer {
  readonly buf: Buffer;
  readonly end: number;
  pos: number;

  constructor(buf: Buffer, pos = 0, end = buf.length) {
    this.buf = buf;
    this.pos = pos;
    this.end = end;
  }

  get room(): number {
    return this.end - this.pos;
  }

  u8(v: number): void {
    this.buf[this.#take(1)] = v;
  }

  u16(v: number): void {
    const at = this.#take(2);
    this.buf[at] = v >>> 8;
    this.buf[at + 1] = v;
  }

  u24(v: number): void {
    const at = this.#take(3);
    this.buf[at] = v >>> 16;
    this.buf[at + 1] = v >>> 8;
    this.buf[at + 2] = v;
  }

  u32(v: number): void {
    const at = this.#take(4);
    this.buf[at] = v >>> 24;
    this.buf[at + 1] = v >>> 16;
    this.buf[at + 2] = v >>> 8;
    this.buf[at + 3] = v;
  }

  /** In as few bytes as hold it. */
  varint(v: number): void {
    if (v < 0x40) this.u8(v);
    else if (v < 0x4000) this.u16(v | 0x4000);
    else if (v < 0x4000_0000) this.u32(v | 0x8000_0000);
    else {
      this.u32(Math.floor(v / 2 ** 32) | 0xc000_0000);
      this.u32(v % 2 ** 32);
    }
  }

  /** In two bytes whatever the value, 0 to 16383. */
  varint2(v: number): void {
    this.u16(v | 0x4000);
  }

  bytes(b: Uint8Array): void {
    this.buf.set(b, this.#take(b.length));
  }

  #take(n: number): number {
    const at = this.pos;
    if (n > this.end - at) throw new RangeError(`writing ${n} bytes where ${this.end - at} are left`);
    this.pos = at + n;
    return at;
  }
}

/**
 * A copy for as long as a connection lives. Buffer.from cuts small ones from a slab of 64 KB, which then lives as long, with
 * whatever else was cut from it.
 */
export function copyOf(bytes: Uint8Array): Buffer {
  const copy = Buffer.allocUnsafeSlow(bytes.length);
  copy.set(bytes);
  return copy;
}

/** As `Buffer.equals`, which is a call out of JavaScript: of few bytes sooner done here. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

const uint32 = (buf: Buffer, at: number): number =>
  ((buf[at]! << 24) | (buf[at + 1]! << 16) | (buf[at + 2]! << 8) | buf[at + 3]!) >>> 0;
