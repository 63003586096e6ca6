/** Assembles the next datagram: which packets, which frames, within the windows that bind (RFC 9000 §12.2, §13). */
import { type SentPacket, SPACES, type Space } from '../../recovery/types.ts';
import { Writer } from '../wire/cursor.ts';
import { type Frame, frameSize, writeAck, writeFrame, writeStreamHeader } from '../wire/frames.ts';
import {
  packetNumberLength,
  patchLength,
  QUIC_V1,
  writeLongHeader,
  writeShortHeader,
} from '../wire/header.ts';
import type { PacketSpace } from './packet-space.ts';
import { onFramesLost } from './sent-frames.ts';
import type { ConnectionState, SentFrame } from './state.ts';

/** RFC 9000 §14.1: datagrams with ack-eliciting Initial packets are at least this large. */
const MIN_INITIAL_DATAGRAM = 1200;
/** A packet is not worth starting in less room than this. */
const MIN_PACKET = 64;
const TAG = 16;
/** Unit of the ACK Delay field at our ack_delay_exponent of 3, the default (RFC 9000 §19.3). */
const ACK_DELAY_UNIT_US = 8;
/** Datagrams are cut from slabs, so that one can be in the socket's queue while the next is written. */
const SLAB = 256 * 1024;

/** A packet written but not yet sealed. */
interface OpenPacket {
  space: PacketSpace;
  start: number;
  pnOffset: number;
  pnLength: 1 | 2 | 3 | 4;
  lengthOffset: number;
  packetNumber: number;
  /** End of the plaintext. */
  end: number;
  ackEliciting: boolean;
  inFlight: boolean;
  frames: SentFrame[];
  /** Bounded so that the tag still fits behind it. */
  writer: Writer;
}

export class Sender {
  readonly #state: ConnectionState;
  #slab = Buffer.allocUnsafeSlow(SLAB);
  #slabUsed = 0;
  /** When the pacer lets the next packet go, while it holds one back. */
  pacedUntilUs: number | null = null;

  constructor(state: ConnectionState) {
    this.#state = state;
  }

  /** The next datagram to send, or null. The buffer stays untouched by later calls. */
  poll(nowUs: number): Buffer | null {
    const state = this.#state;
    this.pacedUntilUs = null;
    if (state.phase === 'draining' || state.phase === 'terminated') return null;
    if (state.phase === 'closing' && !state.closePending) return null;

    let limit = state.datagramBytes;
    const credit = state.amplificationCredit;
    if (credit < limit) limit = credit;
    if (limit < MIN_PACKET) {
      state.recovery.antiAmplificationBlocked = true;
      return null;
    }
    state.recovery.antiAmplificationBlocked = false;

    if (this.#slabUsed + state.datagramBytes > SLAB) {
      this.#slab = Buffer.allocUnsafeSlow(SLAB);
      this.#slabUsed = 0;
    }
    const buffer = this.#slab;
    const start = this.#slabUsed;
    const packets =
      state.phase === 'closing' ? this.#closePackets(start, limit) : this.#openPackets(start, limit, nowUs);
    if (packets.length === 0) return null;

    const padded = packets.some(
      (packet) => packet.space.name === 'initial' && (packet.ackEliciting || state.role === 'client'),
    );
    if (padded) this.#pad(packets, start, limit);
    let end = start;
    for (const packet of packets) {
      end = this.#seal(packet);
      this.#record(packet, end - packet.start, nowUs);
    }
    this.#slabUsed = end;
    state.bytesSent += end - start;
    return buffer.subarray(start, end);
  }

  /** What may be sent now: everything, or only what congestion control does not govern. */
  #mayElicit(nowUs: number): boolean {
    const state = this.#state;
    const { recovery, config } = state;
    if (!recovery.canSend(state.datagramBytes)) return false;
    const { pacingBps, sendQuantum } = config.controller;
    if (pacingBps === null) return true;
    const until = state.pacer.delayUntil(nowUs, state.datagramBytes, pacingBps, sendQuantum);
    if (until <= nowUs) return true;
    this.pacedUntilUs = until;
    return false;
  }

  #hasEliciting(space: PacketSpace): boolean {
    const state = this.#state;
    if (space.cryptoOut.hasWork(Number.MAX_SAFE_INTEGER)) return true;
    if (space.name !== 'application' || !state.handshakeComplete) return false;
    return (
      state.control.length > 0 ||
      state.datagrams.length > 0 ||
      state.peerIds.hasRetired ||
      state.streams.hasControl ||
      state.streams.hasWork
    );
  }

  #openPackets(start: number, limit: number, nowUs: number): OpenPacket[] {
    const state = this.#state;
    const packets: OpenPacket[] = [];
    let position = start;
    let eliciting: boolean | null = null;
    for (const name of SPACES) {
      const space = state.spaces[name];
      if (!space.writeKeys) continue;
      if (start + limit - position < MIN_PACKET) break;
      const ackDue = space.received.ackDeadlineUs !== null && space.received.ackDeadlineUs <= nowUs;
      const hasEliciting = this.#hasEliciting(space);
      if (space.probes === 0 && !hasEliciting && !ackDue) continue;
      let mayElicit = space.probes > 0;
      if (!mayElicit && hasEliciting) {
        eliciting ??= this.#mayElicit(nowUs);
        mayElicit = eliciting;
      }
      if (!mayElicit && !ackDue) continue;
      const packet = this.#packet(space, position, start + limit, mayElicit, nowUs);
      if (!packet) continue;
      packets.push(packet);
      position = packet.end + TAG;
    }
    // Nothing to send although the window may have had room (draft-ietf-ccwg-bbr §4.1.2.4).
    if (packets.length === 0 && eliciting === null && state.handshakeComplete)
      state.recovery.onAppLimited(nowUs);
    return packets;
  }

  #begin(space: PacketSpace, start: number, limit: number): OpenPacket {
    const state = this.#state;
    const writer = new Writer(this.#slab, start, limit - TAG);
    const packetNumber = space.nextPacketNumber;
    const pnLength = packetNumberLength(packetNumber, space.largestAcked);
    const dcid = state.peerIds.current;
    let pnOffset: number;
    let lengthOffset = -1;
    if (space.name === 'application') {
      ({ pnOffset } = writeShortHeader(writer, { dcid, keyPhase: 0, spin: 0, packetNumber, pnLength }));
    } else {
      ({ pnOffset, lengthOffset } = writeLongHeader(writer, {
        type: space.name,
        version: QUIC_V1,
        dcid,
        scid: state.localId,
        packetNumber,
        pnLength,
      }));
    }
    return {
      space,
      start,
      pnOffset,
      pnLength,
      lengthOffset,
      packetNumber,
      end: writer.pos,
      ackEliciting: false,
      inFlight: false,
      frames: [],
      writer,
    };
  }

  #packet(
    space: PacketSpace,
    start: number,
    limit: number,
    mayElicit: boolean,
    nowUs: number,
  ): OpenPacket | null {
    const packet = this.#begin(space, start, limit);
    const { writer } = packet;
    const headerEnd = writer.pos;
    if (space.probes > 0) this.#prepareProbe(space);

    this.#ack(space, packet, nowUs);
    if (mayElicit) {
      this.#crypto(space, packet);
      if (space.name === 'application' && this.#state.handshakeComplete) {
        this.#control(packet);
        this.#datagrams(packet);
        this.#streams(packet);
      }
      if (!packet.ackEliciting && space.probes > 0) {
        // RFC 9002 §6.2.4: with nothing else to send, a PING elicits the acknowledgement.
        writeFrame(writer, { type: 'ping' });
        packet.ackEliciting = true;
      }
      if (packet.ackEliciting && space.probes > 0) space.probes--;
    }
    if (writer.pos === headerEnd) return null;
    packet.inFlight = packet.ackEliciting;
    this.#padForSample(packet);
    packet.end = writer.pos;
    return packet;
  }

  /** RFC 9001 §5.4.2: header protection samples 16 bytes starting 4 after the packet number's start. */
  #padForSample(packet: OpenPacket): void {
    const { writer } = packet;
    const least = packet.pnOffset + 4;
    if (writer.pos < least) {
      this.#slab.fill(0, writer.pos, least);
      writer.pos = least;
    }
  }

  /** Makes sure a probe has something useful in it: new data, else the oldest data in flight (RFC 9002 §6.2.4). */
  #prepareProbe(space: PacketSpace): void {
    if (this.#hasEliciting(space)) return;
    for (const packet of this.#state.recovery.unacked(space.name)) {
      onFramesLost(this.#state, space, packet.frames);
      return;
    }
  }

  #ack(space: PacketSpace, packet: OpenPacket, nowUs: number): void {
    const { received } = space;
    if (received.ackDeadlineUs === null) return;
    const delay =
      space.name === 'application'
        ? Math.floor((nowUs - received.largestReceivedAtUs) / ACK_DELAY_UNIT_US)
        : 0;
    if (writeAck(packet.writer, received.ranges, delay) === 0) return;
    packet.frames.push({ kind: 'ack', largest: received.largest });
    received.onAckSent();
  }

  #crypto(space: PacketSpace, packet: OpenPacket): void {
    const { writer } = packet;
    while (space.cryptoOut.hasWork(Number.MAX_SAFE_INTEGER)) {
      const chunk = space.cryptoOut.next(writer.room, Number.MAX_SAFE_INTEGER);
      if (!chunk || chunk.data.length === 0) return;
      writeFrame(writer, { type: 'crypto', offset: chunk.offset, data: chunk.data });
      packet.frames.push({ kind: 'crypto', offset: chunk.offset, length: chunk.data.length });
      packet.ackEliciting = true;
    }
  }

  #put(packet: OpenPacket, frame: Frame, sent: SentFrame | null): boolean {
    if (frameSize(frame) > packet.writer.room) return false;
    writeFrame(packet.writer, frame);
    if (sent) packet.frames.push(sent);
    packet.ackEliciting = true;
    return true;
  }

  #control(packet: OpenPacket): void {
    const state = this.#state;
    while (state.control.length > 0) {
      const frame = state.control[0]!;
      const again: SentFrame | null = frame.type === 'path_response' ? null : { kind: 'control', frame };
      if (!this.#put(packet, frame, again)) return;
      state.control.shift();
    }
    // Each of the following is at most 19 bytes; without that much room they wait for the next packet.
    const room = (): boolean => packet.writer.room >= 19;
    while (state.peerIds.hasRetired && room()) {
      const frame: Frame = { type: 'retire_connection_id', sequence: state.peerIds.takeRetired()! };
      this.#put(packet, frame, { kind: 'control', frame });
    }
    while (state.streams.hasControl && room()) {
      const frame = state.streams.nextControl()!;
      this.#put(packet, frame, { kind: 'stream-control', frame });
    }
  }

  #datagrams(packet: OpenPacket): void {
    const { datagrams } = this.#state;
    while (datagrams.length > 0) {
      // RFC 9221 §5: lost DATAGRAMs are not sent again.
      if (!this.#put(packet, { type: 'datagram', data: datagrams[0]! }, null)) {
        // The datagram size may have shrunk since it was queued: what fits no packet is dropped.
        if (datagrams[0]!.length > this.#state.maxDatagramPayload) datagrams.shift();
        return;
      }
      datagrams.shift();
    }
  }

  #streams(packet: OpenPacket): void {
    const { streams } = this.#state;
    const { writer } = packet;
    let wrote = false;
    while (writer.room > 24 && streams.hasWork) {
      const stream = streams.current;
      const send = stream.send!;
      const reset = send.takeReset();
      if (reset) {
        const frame: Frame = { type: 'reset_stream', id: stream.id, ...reset };
        this.#put(packet, frame, { kind: 'reset', id: stream.id });
        continue;
      }
      const chunk = send.next(writer.room, streams.flow.sendCredit);
      if (!chunk) break;
      const { offset, data, fin, newBytes } = chunk;
      writeStreamHeader(writer, stream.id, offset, data.length, fin);
      writer.bytes(data);
      packet.frames.push({ kind: 'stream', id: stream.id, offset, length: data.length, fin });
      packet.ackEliciting = true;
      streams.onSentData(stream, data.length, newBytes);
      wrote = true;
    }
    if (wrote) streams.rotate();
  }

  /** Packets with CONNECTION_CLOSE at every level the peer may be able to read (RFC 9000 §10.2.3). */
  #closePackets(start: number, limit: number): OpenPacket[] {
    const state = this.#state;
    const close = state.closeFrame!;
    state.closePending = false;
    const packets: OpenPacket[] = [];
    let position = start;
    for (const name of SPACES) {
      const space = state.spaces[name];
      if (!space.writeKeys) continue;
      if (name === 'application' && !state.handshakeComplete) continue;
      const packet = this.#begin(space, position, start + limit);
      // Before 1-RTT an application's code would leak its state: it becomes APPLICATION_ERROR.
      const hidden = close.application && name !== 'application';
      const frame: Frame = hidden
        ? { type: 'connection_close', code: 0x0c, application: false, frameType: 0, reason: '' }
        : { type: 'connection_close', ...close };
      if (frameSize(frame) > packet.writer.room) continue;
      writeFrame(packet.writer, frame);
      this.#padForSample(packet);
      packet.end = packet.writer.pos;
      packets.push(packet);
      position = packet.end + TAG;
    }
    return packets;
  }

  /** Extends the last packet with PADDING so that the datagram has the least size of Initial datagrams. */
  #pad(packets: OpenPacket[], start: number, limit: number): void {
    const last = packets.at(-1)!;
    const target = start + Math.min(MIN_INITIAL_DATAGRAM, limit) - TAG;
    if (last.end >= target) return;
    this.#slab.fill(0, last.end, target);
    last.end = target;
    // RFC 9002 §2: packets with PADDING count as in flight.
    last.inFlight = true;
  }

  #seal(packet: OpenPacket): number {
    const { space, start, pnOffset, pnLength, lengthOffset, end, packetNumber } = packet;
    if (lengthOffset >= 0) patchLength(this.#slab, lengthOffset, end + TAG - pnOffset);
    space.nextPacketNumber = packetNumber + 1;
    return space.writeKeys!.seal(this.#slab, start, pnOffset, pnLength, end, packetNumber);
  }

  #record(packet: OpenPacket, bytes: number, nowUs: number): void {
    const state = this.#state;
    const { space, ackEliciting, inFlight } = packet;
    state.packetsSent++;
    if (state.phase !== 'open') return;
    const sent: SentPacket<SentFrame[]> = {
      packetNumber: packet.packetNumber,
      bytes,
      sentAtUs: nowUs,
      ackEliciting,
      inFlight,
      frames: packet.frames,
      delivered: 0,
      deliveredAtUs: 0,
      firstSentAtUs: 0,
      isAppLimited: false,
    };
    state.recovery.onPacketSent(space.name, sent, nowUs);
    if (inFlight) {
      const { pacingBps, sendQuantum } = state.config.controller;
      if (pacingBps !== null) state.pacer.onSent(nowUs, bytes, pacingBps, sendQuantum);
    }
    if (ackEliciting && !state.sentSinceReceived) {
      // RFC 9000 §10.1: the first ack-eliciting packet after receiving restarts the idle timer.
      state.sentSinceReceived = true;
      state.restartIdleTimer(nowUs);
    }
    // RFC 9001 §4.9.1: a client discards Initial keys when it first sends a Handshake packet.
    if (state.role === 'client' && space.name === 'handshake') state.discard('initial');
  }

  /** Marks probes owed after a PTO. */
  owe(space: Space, count: number): void {
    this.#state.spaces[space].probes = count;
  }
}
