/** Packet headers of QUIC version 1 and the version-independent parts of others (RFC 9000 §17, RFC 8999 §5). */
import { Reader, type Writer } from './cursor.ts';

export const QUIC_V1 = 1;

/** RFC 9000 §17.2: longest connection ID of version 1. */
export const MAX_CONNECTION_ID_LENGTH = 20;

/** RFC 9001 §5.8: the integrity tag that ends a Retry packet. */
const RETRY_TAG_LENGTH = 16;

const LONG_TYPES = ['initial', '0rtt', 'handshake', 'retry'] as const;

/** Buffers are views into the datagram; offsets count from its beginning. */
export interface LongHeader {
  form: 'long';
  type: (typeof LONG_TYPES)[number];
  version: number;
  dcid: Buffer;
  scid: Buffer;
  /** Of an Initial or a Retry; empty otherwise. */
  token: Buffer;
  start: number;
  /** Where the protected packet number begins; of a Retry: where its integrity tag begins. */
  pnOffset: number;
  /** End of this packet; another may follow in the same datagram. */
  end: number;
}

export interface ShortHeader {
  form: 'short';
  dcid: Buffer;
  start: number;
  pnOffset: number;
  end: number;
}

export interface VersionNegotiation {
  form: 'version';
  dcid: Buffer;
  scid: Buffer;
  versions: number[];
  start: number;
  end: number;
}

/** Long header of a version we do not speak: only what RFC 8999 §5.1 fixes for all versions. */
interface UnknownVersion {
  form: 'unknown-version';
  version: number;
  dcid: Buffer;
  scid: Buffer;
  start: number;
  end: number;
}

export type PacketHeader = LongHeader | ShortHeader | VersionNegotiation | UnknownVersion;

/**
 * Parses the unprotected part of the packet that begins at `start`. `shortDcidLength` is the length of the
 * connection IDs we issued, which a short header does not state. Null means: not a QUIC packet, drop the rest of the
 * datagram. Never throws.
 */
export function parseHeader(datagram: Buffer, start: number, shortDcidLength: number): PacketHeader | null {
  const end = datagram.length;
  if (start >= end) return null;
  const first = datagram[start]!;

  if ((first & LONG_FORM) === 0) {
    const pnOffset = start + 1 + shortDcidLength;
    // RFC 9000 §17.3.1: a packet whose fixed bit is 0 is not valid and is discarded.
    if ((first & FIXED_BIT) === 0 || pnOffset > end) return null;
    return { form: 'short', dcid: datagram.subarray(start + 1, pnOffset), start, pnOffset, end };
  }

  const r = new Reader(datagram, start + 1);
  if (r.remaining < 5) return null;
  const version = r.u32();
  const dcid = connectionId(r);
  const scid = connectionId(r);
  if (dcid === null || scid === null) return null;

  if (version === 0) {
    // RFC 9000 §17.2.1: the rest of the datagram lists versions of 32 bits each.
    if (r.remaining === 0 || r.remaining % 4 !== 0) return null;
    const versions: number[] = [];
    while (r.remaining > 0) versions.push(r.u32());
    return { form: 'version', dcid, scid, versions, start, end };
  }
  if (version !== QUIC_V1) return { form: 'unknown-version', version, dcid, scid, start, end };

  // RFC 9000 §17.2: drop packets without the fixed bit and with connection IDs too long for version 1.
  if ((first & FIXED_BIT) === 0) return null;
  if (dcid.length > MAX_CONNECTION_ID_LENGTH || scid.length > MAX_CONNECTION_ID_LENGTH) return null;

  const type = LONG_TYPES[(first >> 4) & 3]!;
  let token: Buffer = NO_BYTES;
  if (type === 'retry') {
    if (r.remaining < RETRY_TAG_LENGTH) return null;
    token = r.bytes(r.remaining - RETRY_TAG_LENGTH);
    return { form: 'long', type, version, dcid, scid, token, start, pnOffset: r.pos, end };
  }
  if (type === 'initial') {
    const length = r.tryVarint();
    if (length < 0 || length > r.remaining) return null;
    token = r.bytes(length);
  }
  const length = r.tryVarint();
  if (length < 0 || length > r.remaining) return null;
  return { form: 'long', type, version, dcid, scid, token, start, pnOffset: r.pos, end: r.pos + length };
}

/**
 * Writes a long header up to and including the packet number, with a two-byte Length to be filled in by
 * `patchLength` once the payload is known. `token` belongs to Initial packets only.
 */
export function writeLongHeader(
  w: Writer,
  h: {
    type: 'initial' | '0rtt' | 'handshake';
    version: number;
    dcid: Uint8Array;
    scid: Uint8Array;
    token?: Uint8Array;
    packetNumber: number;
    pnLength: 1 | 2 | 3 | 4;
  },
): { pnOffset: number; lengthOffset: number } {
  w.u8(LONG_FORM | FIXED_BIT | (LONG_TYPES.indexOf(h.type) << 4) | (h.pnLength - 1));
  w.u32(h.version);
  w.u8(h.dcid.length);
  w.bytes(h.dcid);
  w.u8(h.scid.length);
  w.bytes(h.scid);
  if (h.type === 'initial') {
    const token = h.token ?? NO_BYTES;
    w.varint(token.length);
    w.bytes(token);
  }
  const lengthOffset = w.pos;
  w.varint2(0);
  const pnOffset = w.pos;
  writePacketNumber(w, h.packetNumber, h.pnLength);
  return { pnOffset, lengthOffset };
}

/** Fills in the Length reserved by `writeLongHeader`: bytes of packet number, payload and tag; at most 16383. */
export function patchLength(buf: Buffer, lengthOffset: number, length: number): void {
  buf.writeUInt16BE(0x4000 | length, lengthOffset);
}

/** Writes a short header up to and including the packet number. */
export function writeShortHeader(
  w: Writer,
  h: { dcid: Uint8Array; keyPhase: 0 | 1; spin: 0 | 1; packetNumber: number; pnLength: 1 | 2 | 3 | 4 },
): { pnOffset: number } {
  w.u8(FIXED_BIT | (h.spin << 5) | (h.keyPhase << 2) | (h.pnLength - 1));
  w.bytes(h.dcid);
  const pnOffset = w.pos;
  writePacketNumber(w, h.packetNumber, h.pnLength);
  return { pnOffset };
}

/** A Version Negotiation packet. The connection IDs are those of the packet it answers, swapped (RFC 9000 §17.2.1). */
export function writeVersionNegotiation(
  dcid: Uint8Array,
  scid: Uint8Array,
  versions: readonly number[],
): Buffer {
  const out = Buffer.alloc(7 + dcid.length + scid.length + 4 * versions.length);
  // The seven unused bits are arbitrary; the fixed bit is set so that the packet can share a port (RFC 9443).
  out[0] = LONG_FORM | FIXED_BIT;
  out[5] = dcid.length;
  out.set(dcid, 6);
  out[6 + dcid.length] = scid.length;
  out.set(scid, 7 + dcid.length);
  let at = 7 + dcid.length + scid.length;
  for (const version of versions) at = out.writeUInt32BE(version, at);
  return out;
}

/**
 * Bytes a packet number needs so that the receiver can restore it (RFC 9000 §A.2). `largestAcked` is -1 before the
 * first acknowledgement.
 */
export function packetNumberLength(full: number, largestAcked: number): 1 | 2 | 3 | 4 {
  const unacked = full - largestAcked;
  if (unacked <= 0x80) return 1;
  if (unacked <= 0x8000) return 2;
  if (unacked <= 0x80_0000) return 3;
  return 4;
}

/** Restores a truncated packet number (RFC 9000 §A.3). `largestReceived` is -1 before the first packet. */
export function decodePacketNumber(truncated: number, pnLength: number, largestReceived: number): number {
  const expected = largestReceived + 1;
  const window = 2 ** (8 * pnLength);
  const candidate = expected - (expected % window) + truncated;
  if (candidate <= expected - window / 2 && candidate < 2 ** 62 - window) return candidate + window;
  if (candidate > expected + window / 2 && candidate >= window) return candidate - window;
  return candidate;
}

const LONG_FORM = 0x80;
const FIXED_BIT = 0x40;
const NO_BYTES = Buffer.alloc(0);

function connectionId(r: Reader): Buffer | null {
  if (r.remaining < 1) return null;
  const length = r.u8();
  return length > r.remaining ? null : r.bytes(length);
}

function writePacketNumber(w: Writer, packetNumber: number, length: 1 | 2 | 3 | 4): void {
  if (length === 1) w.u8(packetNumber);
  else if (length === 2) w.u16(packetNumber);
  else if (length === 3) w.u24(packetNumber);
  else w.u32(packetNumber);
}
