/** A packet while it is written: header first, then frames, then padding and protection (RFC 9000 §12, §17). */
import { Writer } from '../wire/cursor.ts';
import {
  packetNumberLength,
  patchLength,
  QUIC_V1,
  writeLongHeader,
  writeShortHeader,
} from '../wire/header.ts';
import type { HeaderBatch } from '../wire/header-protection.ts';
import type { PacketSpace } from './packet-space.ts';
import type { ConnectionState, SentFrame } from './state.ts';

/** Bytes that protection adds behind the plaintext (RFC 9001 §5.3). */
export const TAG = 16;

export interface OpenPacket {
  space: PacketSpace;
  dcid: Buffer;
  start: number;
  pnOffset: number;
  pnLength: 1 | 2 | 3 | 4;
  /** -1 in a short header. */
  lengthOffset: number;
  packetNumber: number;
  ackEliciting: boolean;
  inFlight: boolean;
  /** Its datagram has to have the least size of full ones. */
  expand: boolean;
  isMtuProbe: boolean;
  isPtoProbe: boolean;
  frames: SentFrame[];
  /** At the end of the plaintext; bounded so that the tag still fits behind it. */
  writer: Writer;
}

/** Writes the header of the next packet of `space` at `start`; the packet ends at `limit` at the latest. */
export function beginPacket(
  state: ConnectionState,
  buffer: Buffer,
  space: PacketSpace,
  start: number,
  limit: number,
  dcid: Buffer = state.peerIds.current,
): OpenPacket {
  const writer = new Writer(buffer, start, limit - TAG);
  const packetNumber = space.nextPacketNumber;
  const pnLength = packetNumberLength(packetNumber, space.largestAcked);
  let pnOffset: number;
  let lengthOffset = -1;
  if (space.name === 'application' && space.writeKeys) {
    ({ pnOffset } = writeShortHeader(writer, {
      dcid,
      keyPhase: space.keyPhase,
      spin: 0,
      packetNumber,
      pnLength,
    }));
  } else {
    ({ pnOffset, lengthOffset } = writeLongHeader(writer, {
      type: space.name === 'application' ? '0rtt' : space.name,
      version: QUIC_V1,
      dcid,
      scid: state.localIds.first,
      token: state.initialToken,
      packetNumber,
      pnLength,
    }));
  }
  return {
    space,
    dcid,
    start,
    pnOffset,
    pnLength,
    lengthOffset,
    packetNumber,
    ackEliciting: false,
    inFlight: false,
    expand: false,
    isMtuProbe: false,
    isPtoProbe: false,
    frames: [],
    writer,
  };
}

/** RFC 9001 §5.4.2: header protection samples 16 bytes starting 4 after the packet number's start. */
export function padForSample(packet: OpenPacket): void {
  padTo(packet, packet.pnOffset + 4);
}

/** Extends a packet with PADDING to `end`, the tag not counted. */
export function padTo({ writer }: OpenPacket, end: number): void {
  if (writer.pos >= end) return;
  writer.buf.fill(0, writer.pos, end);
  writer.pos = end;
}

/** Protects a packet, but leaves the header of a 1-RTT packet to `headers`; returns its end. */
export function sealPacket(packet: OpenPacket, headers: HeaderBatch): number {
  const { space, start, pnOffset, pnLength, lengthOffset, packetNumber, writer } = packet;
  if (lengthOffset >= 0) patchLength(writer.buf, lengthOffset, writer.pos + TAG - pnOffset);
  space.nextPacketNumber = packetNumber + 1;
  const batch = space.name === 'application' && space.writeKeys ? headers : undefined;
  const keys = space.writeKeys ?? space.earlyKeys!;
  return keys.seal(writer.buf, start, pnOffset, pnLength, writer.pos, packetNumber, batch);
}
