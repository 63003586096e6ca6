/** Assembles the next datagram: which packets, which frames, within the windows that bind (RFC 9000 §12.2, §13). */
import { type SentPacket, SPACES, type Space } from '../../recovery/types.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { type Frame, frameSize, writeAck, writeFrame, writeStreamHeader } from '../wire/frames.ts';
import { closePackets } from './close-packets.ts';
import { observedSent } from './observer.ts';
import { beginPacket, type OpenPacket, padForSample, padTo, sealPacket, TAG } from './open-packet.ts';
import type { Outbox } from './outbox.ts';
import type { PacketSpace } from './packet-space.ts';
import type { Path } from './paths.ts';
import { onFramesLost } from './sent-frames.ts';
import type { ConnectionState, SentFrame } from './state.ts';
import { STREAM_CONTROL_BYTES } from './stream-control.ts';

/** RFC 9000 §14.1, §8.2.2: datagrams with ack-eliciting Initial packets or PATH_RESPONSE are at least this large. */
const FULL_DATAGRAM = 1200;
/** A packet is not worth starting in less room than this. */
const MIN_PACKET = 64;
/** Unit of the ACK Delay field at our ack_delay_exponent of 3, the default (RFC 9000 §19.3). */
const ACK_DELAY_UNIT_US = 8;
/** Longest RETIRE_CONNECTION_ID frame. */
const RETIRE_BYTES = 9;
/** Packets that a key keeps for the CONNECTION_CLOSE it ends with (RFC 9001 §6.6). */
const SEALS_FOR_CLOSING = 32;
/** Part of the congestion window that a path MTU probe may take. */
const PROBE_SHARE = 8;
/** After so many packets with nothing but an ACK one asks for an answer (RFC 9000 §13.2.4). */
const ACKS_BEFORE_PING = 20;

export class Sender {
  readonly #state: ConnectionState;
  /** When the pacer lets the next packet go, while it holds one back. */
  pacedUntilUs: number | null = null;
  #acksAlone = 0;

  constructor(state: ConnectionState) {
    this.#state = state;
  }

  /** Adds the next datagram to send to `outbox`; false when there is none. */
  poll(nowUs: number, outbox: Outbox): boolean {
    const state = this.#state;
    this.pacedUntilUs = null;
    if (state.phase === 'draining' || state.phase === 'terminated') return false;
    if (state.phase === 'closing' && !state.closePending) return false;

    if (state.keyPhases?.isWorn && !state.updateKeys(nowUs)) this.#guardKeys(nowUs);

    const probed = state.phase === 'open' ? state.paths.next(MIN_PACKET) : null;
    const path = probed ?? state.paths.active;
    const limit = Math.min(state.datagramBytes, path.credit);
    state.recovery.antiAmplificationBlocked = state.paths.active.credit < MIN_PACKET;
    if (limit < MIN_PACKET) return false;

    const probeBytes = state.phase === 'open' && !probed ? this.#mtuProbeDue(nowUs) : null;
    if (probeBytes !== null) {
      this.#mtuProbe(probeBytes, nowUs, outbox);
      return true;
    }
    outbox.reserve(state.datagramBytes);
    const { buffer, start } = outbox;
    let packets: OpenPacket[];
    if (state.phase === 'closing') {
      state.closePending = false;
      packets = closePackets(state, buffer, start, start + limit);
    } else if (probed) {
      packets = [this.#pathProbe(probed, buffer, start, limit, nowUs)];
    } else {
      packets = this.#openPackets(buffer, start, limit, nowUs);
    }
    if (packets.length === 0) return false;

    for (const { expand, space, ackEliciting } of packets) {
      if (!expand && !(space.name === 'initial' && (ackEliciting || state.role === 'client'))) continue;
      const last = packets.at(-1)!;
      padTo(last, start + Math.min(FULL_DATAGRAM, limit) - TAG);
      // RFC 9002 §2: packets with PADDING count as in flight, on the path that is governed.
      last.inFlight = probed === null;
      break;
    }
    let end = start;
    for (const packet of packets) {
      end = this.#seal(packet, path, outbox, nowUs);
    }
    outbox.add(end, path.address);
    if (end - start > FULL_DATAGRAM) state.largeSentAtUs = nowUs;
    state.observer?.onDatagramSent(end - start, nowUs);
    state.bytesSent += end - start;
    path.bytesSent += end - start;
    return true;
  }

  /** The size of a path MTU probe that may be sent now (RFC 8899 §5.2). */
  #mtuProbeDue(nowUs: number): number | null {
    const state = this.#state;
    if (!state.handshakeConfirmed || !state.paths.active.validated) return null;
    const { recovery } = state;
    // A small part of the window: a first answer must not wait a round trip for a probe that may be lost.
    const bytes = state.mtu.probeDue(nowUs, Math.floor(recovery.controller.cwnd / PROBE_SHARE));
    return bytes !== null && recovery.canSend(bytes) ? bytes : null;
  }

  /** RFC 9000 §14.4: a PING, padded to the size that is tried, in a datagram of its own. */
  #mtuProbe(bytes: number, nowUs: number, outbox: Outbox): void {
    const state = this.#state;
    outbox.reserve(bytes);
    const { buffer, start } = outbox;
    const packet = beginPacket(state, buffer, state.spaces.application, start, start + bytes);
    writeFrame(packet.writer, { type: 'ping' });
    padTo(packet, start + bytes - TAG);
    packet.ackEliciting = true;
    packet.inFlight = true;
    packet.isMtuProbe = true;
    packet.frames.push({ kind: 'mtu-probe', bytes });
    state.mtu.onProbeSent(bytes);
    this.#seal(packet, state.paths.active, outbox, nowUs);
    outbox.add(start + bytes, state.paths.active.address);
    state.observer?.onDatagramSent(bytes, nowUs);
    state.bytesSent += bytes;
  }

  /** A packet of nothing but what a path is tried with, outside congestion control (RFC 9000 §8.2, §9.1). */
  #pathProbe(path: Path, buffer: Buffer, start: number, limit: number, nowUs: number): OpenPacket {
    const state = this.#state;
    const { paths, spaces } = state;
    const dcid = paths.destination(path);
    const packet = beginPacket(state, buffer, spaces.application, start, start + limit, dcid);
    for (const data of path.responses.splice(0)) writeFrame(packet.writer, { type: 'path_response', data });
    if (path.challengeDue) {
      const data = paths.takeChallenge(path, nowUs, state.ptoUs);
      writeFrame(packet.writer, { type: 'path_challenge', data });
    }
    packet.ackEliciting = true;
    packet.expand = true;
    return packet;
  }

  /** RFC 9001 §6.6: a peer that stands in the way of updates ends the connection, while the key may still say so. */
  #guardKeys(nowUs: number): void {
    const keys = this.#state.spaces.application.writeKeys!;
    if (keys.packetsSealed < keys.confidentialityLimit - SEALS_FOR_CLOSING) return;
    const cause = new QuicError(
      TransportError.AEAD_LIMIT_REACHED,
      'the packet key has sealed as many packets as it may',
    );
    const { code, frameType, message: reason } = cause;
    this.#state.startClosing(
      nowUs,
      { code, application: false, frameType, reason },
      { by: 'local', code, application: false, reason, cause },
    );
  }

  /** What may be sent now: everything, or only what congestion control does not govern. */
  #mayElicit(nowUs: number): boolean {
    const state = this.#state;
    const { recovery } = state;
    if (!recovery.canSend(state.datagramBytes)) return false;
    const { pacingBps, sendQuantum } = recovery.controller;
    if (pacingBps === null) return true;
    const until = state.pacer.delayUntil(nowUs, state.datagramBytes, pacingBps, sendQuantum);
    if (until <= nowUs) return true;
    this.pacedUntilUs = until;
    return false;
  }

  #hasEliciting(space: PacketSpace): boolean {
    const state = this.#state;
    if (space.cryptoOut.hasWork(Number.MAX_SAFE_INTEGER)) return true;
    if (space.name !== 'application' || !state.mayCarryData) return false;
    return (
      state.datagrams.length > 0 ||
      // Before `hasControl`, since it is what finds streams to be blocked.
      state.streams.hasWork ||
      state.streams.hasControl ||
      state.control.size > 0 ||
      state.peerIds.hasRetired
    );
  }

  #openPackets(buffer: Buffer, start: number, limit: number, nowUs: number): OpenPacket[] {
    const state = this.#state;
    const packets: OpenPacket[] = [];
    let position = start;
    let eliciting: boolean | null = null;
    for (const name of SPACES) {
      const space = state.spaces[name];
      if (!space.writeKeys && !(space.earlyKeys && state.role === 'client')) continue;
      if (start + limit - position < MIN_PACKET) break;
      const ackDue = space.received.ackDeadlineUs !== null && space.received.ackDeadlineUs <= nowUs;
      const hasEliciting = this.#hasEliciting(space);
      if (space.probes === 0 && !hasEliciting && !ackDue) continue;
      let mayElicit = space.probes > 0;
      if (!mayElicit && hasEliciting) {
        eliciting ??= this.#mayElicit(nowUs);
        mayElicit = eliciting;
      }
      // RFC 9000 §14.1: an Initial that elicits is not worth its name in less than a full datagram.
      if (name === 'initial' && limit < FULL_DATAGRAM) mayElicit = false;
      if (!mayElicit && !ackDue) continue;
      const packet = this.#packet(space, buffer, position, start + limit, mayElicit, nowUs);
      if (!packet) continue;
      packets.push(packet);
      position = packet.writer.pos + TAG;
    }
    // Nothing to send although the window may have had room (draft-ietf-ccwg-bbr §4.1.2.4).
    if (packets.length === 0 && eliciting === null && state.handshakeComplete)
      state.recovery.onAppLimited(nowUs);
    return packets;
  }

  #packet(
    space: PacketSpace,
    buffer: Buffer,
    start: number,
    limit: number,
    mayElicit: boolean,
    nowUs: number,
  ): OpenPacket | null {
    const packet = beginPacket(this.#state, buffer, space, start, limit);
    const { writer } = packet;
    const headerEnd = writer.pos;
    if (mayElicit && space.probes > 0) this.#prepareProbe(space, nowUs);

    this.#ack(space, packet, nowUs);
    if (mayElicit) {
      this.#crypto(space, packet);
      if (space.name === 'application' && this.#state.mayCarryData) {
        this.#control(packet, nowUs);
        this.#datagrams(packet);
        this.#streams(packet);
      }
      if (!packet.ackEliciting && space.probes > 0) {
        // RFC 9002 §6.2.4: with nothing else to send, a PING elicits the acknowledgement.
        writeFrame(writer, { type: 'ping' });
        packet.ackEliciting = true;
      }
      if (packet.ackEliciting && space.probes > 0) {
        space.probes--;
        packet.isPtoProbe = true;
        // draft-ietf-quic-ack-frequency §7: the answer to a probe is not to wait for more packets.
        if (space.name === 'application' && this.#state.ackFrequency.isSupported)
          this.#put(packet, { type: 'immediate_ack' }, null);
      }
    }
    if (writer.pos === headerEnd) return null;
    if (space.name === 'application') this.#askForAcknowledgement(packet);
    packet.inFlight = packet.ackEliciting;
    padForSample(packet);
    return packet;
  }

  /** A receiver that only acknowledges learns with a PING now and then what of it arrived, and the RTT. */
  #askForAcknowledgement(packet: OpenPacket): void {
    if (!packet.ackEliciting) {
      if (++this.#acksAlone < ACKS_BEFORE_PING || packet.writer.room === 0) return;
      if (!this.#state.recovery.canSend(this.#state.datagramBytes)) return;
      writeFrame(packet.writer, { type: 'ping' });
      packet.ackEliciting = true;
    }
    this.#acksAlone = 0;
  }

  /**
   * Makes sure a probe has something useful in it: new data, else the oldest in flight (RFC 9002 §6.2.4), in each probe
   * of a PTO that of another packet.
   */
  #prepareProbe(space: PacketSpace, nowUs: number): void {
    if (this.#hasEliciting(space)) return;
    for (const packet of this.#state.recovery.unacked(space.name)) {
      if (packet.packetNumber < space.probeFrom || packet.isMtuProbe) continue;
      if (packet.packetNumber >= space.probeBefore) return;
      space.probeFrom = packet.packetNumber + 1;
      onFramesLost(this.#state, space, packet.frames, nowUs);
      if (this.#hasEliciting(space)) return;
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

  #control(packet: OpenPacket, nowUs: number): void {
    const state = this.#state;
    const { streams, peerIds } = state;
    for (const frame of state.control) {
      if (!this.#put(packet, frame, { kind: 'control', frame })) return;
      state.control.delete(frame);
      if (frame.type === 'new_connection_id') state.localIds.onSent(frame.sequence);
    }
    const { writer } = packet;
    while (peerIds.hasRetired && writer.room >= RETIRE_BYTES) {
      const sequence = peerIds.takeRetired()!;
      this.#put(packet, { type: 'retire_connection_id', sequence }, { kind: 'retire', sequence });
    }
    while (streams.hasControl && writer.room >= STREAM_CONTROL_BYTES) {
      const frame = streams.nextControl()!;
      this.#put(packet, frame, { kind: 'stream-control', frame });
      if (frame.type === 'data_blocked' || frame.type === 'stream_data_blocked') {
        const periodUs = state.idlePeriodUs;
        state.blockedReminderUs = periodUs === null ? null : nowUs + periodUs / 2;
      }
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

  /** Protects and counts a packet; returns its end. */
  #seal(packet: OpenPacket, path: Path, outbox: Outbox, nowUs: number): number {
    const state = this.#state;
    state.observer?.onPacketSent(observedSent(state, packet, path.address), nowUs);
    const end = sealPacket(packet, outbox.headers);
    this.#record(packet, end - packet.start, nowUs);
    return end;
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
      isMtuProbe: packet.isMtuProbe,
      frames: packet.frames,
      delivered: 0,
      deliveredAtUs: 0,
      firstSentAtUs: 0,
      txInFlight: 0,
      lost: 0,
      isAppLimited: false,
    };
    state.recovery.onPacketSent(space.name, sent, nowUs);
    if (inFlight) {
      if (state.recovery.bytesInFlight === bytes) state.unacknowledgedSinceUs = nowUs;
      const { pacingBps, sendQuantum } = state.recovery.controller;
      if (pacingBps !== null) state.pacer.onSent(nowUs, bytes, pacingBps, sendQuantum);
    }
    if (ackEliciting && !state.sentSinceReceived) {
      // RFC 9000 §10.1: the first ack-eliciting packet after receiving restarts the idle timer.
      state.sentSinceReceived = true;
      state.restartIdleTimer(nowUs);
    }
    if (space.nextPacketNumber === space.skipAt) {
      space.nextPacketNumber++;
      state.scheduleSkip();
    }
    // RFC 9001 §4.9.1: a client discards Initial keys when it first sends a Handshake packet.
    if (state.role === 'client' && space.name === 'handshake') state.discard('initial');
  }

  /** Marks probes owed after a PTO. */
  owe(space: Space, count: number): void {
    const probed = this.#state.spaces[space];
    probed.probes = count;
    probed.probeFrom = 0;
    probed.probeBefore = probed.nextPacketNumber;
  }
}
