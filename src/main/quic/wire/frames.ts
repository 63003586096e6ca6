/** Frames: RFC 9000 §19, DATAGRAM of RFC 9221 §4, and those of draft-ietf-quic-ack-frequency §4 and §5. Data fields are views into the packet they were read from. */

import { type Reader, varintSize, type Writer } from './cursor.ts';
import { QuicError, TransportError } from './errors.ts';
import { MAX_CONNECTION_ID_LENGTH } from './header.ts';

/** Packet numbers `first` to `last`, both included. */
export interface PacketRange {
  first: number;
  last: number;
}

export interface EcnCounts {
  ect0: number;
  ect1: number;
  ce: number;
}

export type Frame =
  | { type: 'padding'; length: number }
  | { type: 'ping' }
  /** `ranges` descend and never touch; `delay` is still to be shifted by the sender's ack_delay_exponent. */
  | { type: 'ack'; ranges: PacketRange[]; delay: number; ecn?: EcnCounts }
  | { type: 'reset_stream'; id: number; code: number; finalSize: number }
  | { type: 'stop_sending'; id: number; code: number }
  | { type: 'crypto'; offset: number; data: Buffer }
  | { type: 'new_token'; token: Buffer }
  | { type: 'stream'; id: number; offset: number; fin: boolean; data: Buffer }
  | { type: 'max_data'; max: number }
  | { type: 'max_stream_data'; id: number; max: number }
  | { type: 'max_streams'; bidirectional: boolean; max: number }
  | { type: 'data_blocked'; limit: number }
  | { type: 'stream_data_blocked'; id: number; limit: number }
  | { type: 'streams_blocked'; bidirectional: boolean; limit: number }
  | {
      type: 'new_connection_id';
      sequence: number;
      retirePriorTo: number;
      connectionId: Buffer;
      statelessResetToken: Buffer;
    }
  | { type: 'retire_connection_id'; sequence: number }
  /** 8 bytes. */
  | { type: 'path_challenge'; data: Buffer }
  | { type: 'path_response'; data: Buffer }
  /** `frameType` is 0 when `application`. */
  | { type: 'connection_close'; code: number; application: boolean; frameType: number; reason: string }
  | { type: 'handshake_done' }
  | { type: 'datagram'; data: Buffer }
  /** At most `threshold` ack-eliciting packets, and packets for at most `maxAckDelayUs`, go unacknowledged. */
  | {
      type: 'ack_frequency';
      sequence: number;
      threshold: number;
      maxAckDelayUs: number;
      reorderingThreshold: number;
    }
  | { type: 'immediate_ack' };

export type FrameType = Frame['type'];
export type PacketType = 'initial' | '0rtt' | 'handshake' | '1rtt';

/**
 * Reads the next frame; consecutive PADDING comes as one. Throws QuicError, FRAME_ENCODING_ERROR unless a comment
 * here cites another code. Which packets may carry it is `frameAllowed`'s to say.
 */
export function readFrame(r: Reader): Frame {
  const at = r.pos;
  r.frameType = 0;
  const type = r.varint();
  r.frameType = type;
  // RFC 9000 §12.4: a frame type in more bytes than needed may be treated as a PROTOCOL_VIOLATION.
  if (r.pos - at !== varintSize(type)) {
    throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'frame type not in its shortest form', type);
  }
  if (type >= STREAM && type <= STREAM_LAST) return readStream(r, type);
  switch (type) {
    case PADDING:
      while (r.remaining > 0 && r.buf[r.pos] === PADDING) r.pos++;
      return { type: 'padding', length: r.pos - at };
    case PING:
      return { type: 'ping' };
    case ACK:
    case ACK_ECN:
      return readAck(r, type);
    case RESET_STREAM:
      return { type: 'reset_stream', id: r.varint(), code: r.varint(), finalSize: r.varint() };
    case STOP_SENDING:
      return { type: 'stop_sending', id: r.varint(), code: r.varint() };
    case CRYPTO: {
      const offset = r.varint();
      const data = r.bytes(r.varint());
      // RFC 9000 §19.6: data past 2^62-1 is CRYPTO_BUFFER_EXCEEDED; so is everything past our far smaller buffer.
      if (offset + data.length > Number.MAX_SAFE_INTEGER) {
        throw new QuicError(TransportError.CRYPTO_BUFFER_EXCEEDED, 'CRYPTO offset out of range', type);
      }
      return { type: 'crypto', offset, data };
    }
    case NEW_TOKEN: {
      const token = r.bytes(r.varint());
      // RFC 9000 §19.7.
      if (token.length === 0) throw malformed(r, 'empty token');
      return { type: 'new_token', token };
    }
    case MAX_DATA:
      return { type: 'max_data', max: r.varint() };
    case MAX_STREAM_DATA:
      return { type: 'max_stream_data', id: r.varint(), max: r.varint() };
    case MAX_STREAMS_BIDI:
    case MAX_STREAMS_UNI:
      return { type: 'max_streams', bidirectional: type === MAX_STREAMS_BIDI, max: streamCount(r) };
    case DATA_BLOCKED:
      return { type: 'data_blocked', limit: r.varint() };
    case STREAM_DATA_BLOCKED:
      return { type: 'stream_data_blocked', id: r.varint(), limit: r.varint() };
    case STREAMS_BLOCKED_BIDI:
    case STREAMS_BLOCKED_UNI:
      return { type: 'streams_blocked', bidirectional: type === STREAMS_BLOCKED_BIDI, limit: streamCount(r) };
    case NEW_CONNECTION_ID: {
      const sequence = r.varint();
      const retirePriorTo = r.varint();
      const length = r.u8();
      // RFC 9000 §19.15.
      if (retirePriorTo > sequence) throw malformed(r, 'Retire Prior To exceeds Sequence Number');
      if (length < 1 || length > MAX_CONNECTION_ID_LENGTH)
        throw malformed(r, `connection ID of ${length} bytes`);
      return {
        type: 'new_connection_id',
        sequence,
        retirePriorTo,
        connectionId: r.bytes(length),
        statelessResetToken: r.bytes(16),
      };
    }
    case RETIRE_CONNECTION_ID:
      return { type: 'retire_connection_id', sequence: r.varint() };
    case PATH_CHALLENGE:
      return { type: 'path_challenge', data: r.bytes(8) };
    case PATH_RESPONSE:
      return { type: 'path_response', data: r.bytes(8) };
    case CONNECTION_CLOSE:
    case CONNECTION_CLOSE_APP: {
      const application = type === CONNECTION_CLOSE_APP;
      const code = r.varint();
      const frameType = application ? 0 : r.varint();
      const reason = r.bytes(r.varint()).toString('utf8');
      return { type: 'connection_close', code, application, frameType, reason };
    }
    case HANDSHAKE_DONE:
      return { type: 'handshake_done' };
    case DATAGRAM:
      return { type: 'datagram', data: r.bytes(r.remaining) };
    case DATAGRAM_LEN:
      return { type: 'datagram', data: r.bytes(r.varint()) };
    case ACK_FREQUENCY:
      return {
        type: 'ack_frequency',
        sequence: r.varint(),
        threshold: r.varint(),
        maxAckDelayUs: r.varint(),
        reorderingThreshold: r.varint(),
      };
    case IMMEDIATE_ACK:
      return { type: 'immediate_ack' };
    default:
      // RFC 9000 §12.4: a frame of unknown type.
      throw malformed(r, `unknown frame type 0x${type.toString(16)}`);
  }
}

/**
 * Writes a frame: STREAM and DATAGRAM with their length, STREAM as `writeStreamHeader` does. Takes `frameSize(f)`
 * bytes; a RangeError when they are not there (an ACK leaves out its oldest ranges instead).
 */
export function writeFrame(w: Writer, f: Frame): void {
  switch (f.type) {
    case 'padding':
      if (f.length > w.room) throw new RangeError(`${f.length} bytes of padding where ${w.room} are left`);
      w.buf.fill(PADDING, w.pos, w.pos + f.length);
      w.pos += f.length;
      return;
    case 'ack':
      if (writeAck(w, f.ranges, f.delay, f.ecn) === 0) throw new RangeError('no room for an ACK frame');
      return;
    case 'crypto':
      w.u8(CRYPTO);
      w.varint(f.offset);
      w.varint(f.data.length);
      w.bytes(f.data);
      return;
    case 'new_token':
      w.u8(NEW_TOKEN);
      w.varint(f.token.length);
      w.bytes(f.token);
      return;
    case 'stream':
      writeStreamHeader(w, f.id, f.offset, f.data.length, f.fin);
      w.bytes(f.data);
      return;
    case 'new_connection_id':
      w.u8(NEW_CONNECTION_ID);
      w.varint(f.sequence);
      w.varint(f.retirePriorTo);
      w.u8(f.connectionId.length);
      w.bytes(f.connectionId);
      w.bytes(f.statelessResetToken);
      return;
    case 'path_challenge':
    case 'path_response':
      w.u8(f.type === 'path_challenge' ? PATH_CHALLENGE : PATH_RESPONSE);
      w.bytes(f.data);
      return;
    case 'connection_close': {
      const reason = Buffer.from(f.reason, 'utf8');
      w.u8(f.application ? CONNECTION_CLOSE_APP : CONNECTION_CLOSE);
      w.varint(f.code);
      if (!f.application) w.varint(f.frameType);
      w.varint(reason.length);
      w.bytes(reason);
      return;
    }
    case 'datagram':
      w.u8(DATAGRAM_LEN);
      w.varint(f.data.length);
      w.bytes(f.data);
      return;
    default:
      for (const field of integerFields(f)) w.varint(field);
  }
}

/** Bytes that `writeFrame` takes for `f`. */
export function frameSize(f: Frame): number {
  switch (f.type) {
    case 'padding':
      return f.length;
    case 'ack':
      return ackSize(f.ranges, f.ranges.length, f.delay, f.ecn);
    case 'crypto':
      return 1 + varintSize(f.offset) + varintSize(f.data.length) + f.data.length;
    case 'new_token':
      return 1 + varintSize(f.token.length) + f.token.length;
    case 'stream':
      return streamHeaderSize(f.id, f.offset, f.data.length) + f.data.length;
    case 'new_connection_id':
      return 2 + varintSize(f.sequence) + varintSize(f.retirePriorTo) + f.connectionId.length + 16;
    case 'path_challenge':
    case 'path_response':
      return 9;
    case 'connection_close': {
      const reason = Buffer.byteLength(f.reason, 'utf8');
      return (
        1 + varintSize(f.code) + (f.application ? 0 : varintSize(f.frameType)) + varintSize(reason) + reason
      );
    }
    case 'datagram':
      return 1 + varintSize(f.data.length) + f.data.length;
    default: {
      let size = 0;
      for (const field of integerFields(f)) size += varintSize(field);
      return size;
    }
  }
}

/** Size of the header that `writeStreamHeader` writes. */
export function streamHeaderSize(id: number, offset: number, length: number): number {
  return 1 + varintSize(id) + (offset > 0 ? varintSize(offset) : 0) + varintSize(length);
}

/** The header of a STREAM frame, always with its length, with its offset unless that is 0 (RFC 9000 §19.8). */
export function writeStreamHeader(w: Writer, id: number, offset: number, length: number, fin: boolean): void {
  w.u8(STREAM | LEN_BIT | (offset > 0 ? OFF_BIT : 0) | (fin ? FIN_BIT : 0));
  w.varint(id);
  if (offset > 0) w.varint(offset);
  w.varint(length);
}

/**
 * Writes an ACK frame with as many of `ranges` (descending, not touching, at least one) as fit, newest first.
 * `delay` is already shifted. Returns how many went in: 0 means that not even the first did, and nothing was written.
 */
export function writeAck(w: Writer, ranges: readonly PacketRange[], delay: number, ecn?: EcnCounts): number {
  let count = ranges.length;
  while (count > 0 && ackSize(ranges, count, delay, ecn) > w.room) count--;
  if (count === 0) return 0;
  w.u8(ecn ? ACK_ECN : ACK);
  w.varint(ranges[0]!.last);
  w.varint(delay);
  w.varint(count - 1);
  w.varint(ranges[0]!.last - ranges[0]!.first);
  for (let i = 1; i < count; i++) {
    w.varint(gap(ranges, i));
    w.varint(ranges[i]!.last - ranges[i]!.first);
  }
  if (ecn) {
    w.varint(ecn.ect0);
    w.varint(ecn.ect1);
    w.varint(ecn.ce);
  }
  return count;
}

/**
 * Table 3 of RFC 9000 §12.4, RFC 9221 §5, draft-ietf-quic-ack-frequency §3: whether a packet may carry the frame; if not, PROTOCOL_VIOLATION.
 * A CONNECTION_CLOSE of the application (0x1d) needs `application`: it stays out of Initial and Handshake packets.
 */
export function frameAllowed(type: FrameType, packet: PacketType, application = false): boolean {
  switch (type) {
    case 'padding':
    case 'ping':
      return true;
    case 'connection_close':
      return !application || packet === '0rtt' || packet === '1rtt';
    case 'ack':
    case 'crypto':
      return packet !== '0rtt';
    case 'new_token':
    case 'path_response':
    case 'handshake_done':
    case 'ack_frequency':
    case 'immediate_ack':
      return packet === '1rtt';
    default:
      return packet === '0rtt' || packet === '1rtt';
  }
}

/** RFC 9000 §13.2: all frames but ACK, PADDING and CONNECTION_CLOSE. */
export function isAckEliciting(type: FrameType): boolean {
  return type !== 'ack' && type !== 'padding' && type !== 'connection_close';
}

function readStream(r: Reader, type: number): Frame {
  const id = r.varint();
  const offset = type & OFF_BIT ? r.varint() : 0;
  const data = r.bytes(type & LEN_BIT ? r.varint() : r.remaining);
  // RFC 9000 §19.8: past 2^62-1 it is FLOW_CONTROL_ERROR or FRAME_ENCODING_ERROR; between, past any limit we grant.
  if (offset + data.length > Number.MAX_SAFE_INTEGER) {
    throw new QuicError(TransportError.FLOW_CONTROL_ERROR, 'STREAM offset out of range', type);
  }
  return { type: 'stream', id, offset, fin: (type & FIN_BIT) !== 0, data };
}

function readAck(r: Reader, type: number): Frame {
  let last = r.varint();
  const delay = r.varint();
  const count = r.varint();
  let first = last - r.varint();
  // RFC 9000 §19.3.1: a packet number that computes to less than 0 is a FRAME_ENCODING_ERROR.
  if (first < 0) throw malformed(r, 'ACK range below packet number 0');
  const ranges = [{ first, last }];
  for (let i = 0; i < count; i++) {
    last = first - r.varint() - 2;
    first = last - r.varint();
    if (first < 0) throw malformed(r, 'ACK range below packet number 0');
    ranges.push({ first, last });
  }
  if (type === ACK) return { type: 'ack', ranges, delay };
  return { type: 'ack', ranges, delay, ecn: { ect0: r.varint(), ect1: r.varint(), ce: r.varint() } };
}

/** RFC 9000 §19.11, §19.14: more than 2^60 streams is a FRAME_ENCODING_ERROR. */
function streamCount(r: Reader): number {
  const count = r.streamCount();
  if (count === Number.POSITIVE_INFINITY) throw malformed(r, 'more than 2^60 streams');
  return count;
}

/** RFC 9000 §19.3.1: packets missing between two ranges, less one. */
const gap = (ranges: readonly PacketRange[], i: number): number => ranges[i - 1]!.first - ranges[i]!.last - 2;

function ackSize(ranges: readonly PacketRange[], count: number, delay: number, ecn?: EcnCounts): number {
  const newest = ranges[0]!;
  let size = 1 + varintSize(newest.last) + varintSize(delay) + varintSize(count - 1);
  size += varintSize(newest.last - newest.first);
  for (let i = 1; i < count; i++) {
    size += varintSize(gap(ranges, i)) + varintSize(ranges[i]!.last - ranges[i]!.first);
  }
  if (ecn) size += varintSize(ecn.ect0) + varintSize(ecn.ect1) + varintSize(ecn.ce);
  return size;
}

type IntegerFrame = Extract<
  Frame,
  {
    type:
      | `max_${string}`
      | `${string}_blocked`
      | 'ping'
      | 'reset_stream'
      | 'stop_sending'
      | 'retire_connection_id'
      | 'handshake_done'
      | 'ack_frequency'
      | 'immediate_ack';
  }
>;

/** Wire type and fields, in order, of the frames made of integers only. */
function integerFields(f: IntegerFrame): number[] {
  switch (f.type) {
    case 'ping':
      return [PING];
    case 'reset_stream':
      return [RESET_STREAM, f.id, f.code, f.finalSize];
    case 'stop_sending':
      return [STOP_SENDING, f.id, f.code];
    case 'max_data':
      return [MAX_DATA, f.max];
    case 'max_stream_data':
      return [MAX_STREAM_DATA, f.id, f.max];
    case 'max_streams':
      return [f.bidirectional ? MAX_STREAMS_BIDI : MAX_STREAMS_UNI, f.max];
    case 'data_blocked':
      return [DATA_BLOCKED, f.limit];
    case 'stream_data_blocked':
      return [STREAM_DATA_BLOCKED, f.id, f.limit];
    case 'streams_blocked':
      return [f.bidirectional ? STREAMS_BLOCKED_BIDI : STREAMS_BLOCKED_UNI, f.limit];
    case 'retire_connection_id':
      return [RETIRE_CONNECTION_ID, f.sequence];
    case 'handshake_done':
      return [HANDSHAKE_DONE];
    case 'ack_frequency':
      return [ACK_FREQUENCY, f.sequence, f.threshold, f.maxAckDelayUs, f.reorderingThreshold];
    case 'immediate_ack':
      return [IMMEDIATE_ACK];
  }
}

const malformed = (r: Reader, message: string): QuicError =>
  new QuicError(TransportError.FRAME_ENCODING_ERROR, message, r.frameType);

const FIN_BIT = 0x01;
const LEN_BIT = 0x02;
const OFF_BIT = 0x04;

// RFC 9000 table 3 (§12.4), RFC 9221 §4, draft-ietf-quic-ack-frequency §10.2.
const PADDING = 0x00;
const PING = 0x01;
const ACK = 0x02;
const ACK_ECN = 0x03;
const RESET_STREAM = 0x04;
const STOP_SENDING = 0x05;
const CRYPTO = 0x06;
const NEW_TOKEN = 0x07;
const STREAM = 0x08;
const STREAM_LAST = 0x0f;
const MAX_DATA = 0x10;
const MAX_STREAM_DATA = 0x11;
const MAX_STREAMS_BIDI = 0x12;
const MAX_STREAMS_UNI = 0x13;
const DATA_BLOCKED = 0x14;
const STREAM_DATA_BLOCKED = 0x15;
const STREAMS_BLOCKED_BIDI = 0x16;
const STREAMS_BLOCKED_UNI = 0x17;
const NEW_CONNECTION_ID = 0x18;
const RETIRE_CONNECTION_ID = 0x19;
const PATH_CHALLENGE = 0x1a;
const PATH_RESPONSE = 0x1b;
const CONNECTION_CLOSE = 0x1c;
const CONNECTION_CLOSE_APP = 0x1d;
const HANDSHAKE_DONE = 0x1e;
const DATAGRAM = 0x30;
const DATAGRAM_LEN = 0x31;
const ACK_FREQUENCY = 0xaf;
const IMMEDIATE_ACK = 0x1f;
