/** Everything that happens to a datagram that arrived: packets opened, frames obeyed. */
import { LabError } from '../../../shared/errors.ts';
import { PACKET_THRESHOLD } from '../../recovery/recovery.ts';
import { GRANULARITY_US } from '../../recovery/rtt.ts';
import type { Space } from '../../recovery/types.ts';
import { copyOf, Reader, sameBytes } from '../wire/cursor.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { type Frame, frameAllowed, isAckEliciting, type PacketType, readFrame } from '../wire/frames.ts';
import {
  decodePacketNumber,
  type LongHeader,
  type PacketHeader,
  parseHeader,
  QUIC_V1,
  type ShortHeader,
  type VersionNegotiation,
} from '../wire/header.ts';
import { SAMPLE_LENGTH, samplesOf } from '../wire/header-protection.ts';
import type { PacketProtection } from '../wire/protection.ts';
import { isRetryAuthentic } from '../wire/retry.ts';
import { CID_LENGTH } from './config.ts';
import type { Handshaker } from './handshaker.ts';
import { type DropReason, observedReceived } from './observer.ts';
import type { PacketSpace } from './packet-space.ts';
import type { Path, PathAddress } from './paths.ts';
import { onFramesAcked, onFramesLost } from './sent-frames.ts';
import type { ConnectionState } from './state.ts';

/** RFC 9000 §14.1: Initial packets in smaller datagrams are not the client's that is described there. */
const MIN_INITIAL_DATAGRAM = 1200;
/** RFC 9000 §9.1: frames by which alone nobody moves. */
const isProbing = (type: Frame['type']): boolean =>
  type === 'path_challenge' || type === 'path_response' || type === 'new_connection_id' || type === 'padding';

/** Packets kept because their keys are not there yet (RFC 9000 §5.7), and bytes of them. */
const UNDECRYPTABLE_LIMIT = 16;
const UNDECRYPTABLE_BYTES = 32 * 1024;

/** Packets of application data until acknowledgements are thinned out. */
const SETTLED_AFTER = 100;
const SETTLED_ACK_THRESHOLD = 10;

/** RFC 9000 §17.3.1. */
const KEY_PHASE = 0x04;

const PACKET_TYPE = { initial: 'initial', handshake: 'handshake', application: '1rtt' } as const;

export class Receiver {
  readonly #state: ConnectionState;
  readonly #handshaker: Handshaker;
  #undecryptable: { type: PacketType; datagram: Buffer }[] = [];
  /** The packet at hand waited for its keys. */
  #wasBuffered = false;
  /** Where the datagram at hand came from, whether any packet of it was opened, and to which of our ids the last one went. */
  #from: PathAddress;
  #opened = false;
  /** It was counted for its path. */
  #isCounted = false;
  /** Whether all frames of the packet at hand may be sent on a path that is only tried (RFC 9000 §9.1). */
  #isProbing = true;
  /** The packet at hand holds an IMMEDIATE_ACK. */
  #isAckAskedFor = false;
  #destination: Buffer;
  /** Masks made for the headers of several datagrams, and where that of the one at hand is; null when it has none. */
  #masks: Uint8Array | null = null;
  #maskAt = 0;
  /** Source connection id of the peer's first packet. */
  #peerSourceId: Buffer | null = null;

  constructor(state: ConnectionState, handshaker: Handshaker) {
    this.#state = state;
    this.#handshaker = handshaker;
    this.#from = state.paths.active.address;
    this.#destination = state.localIds.first;
  }

  /** Makes the header-protection masks of 1-RTT packets at once; null when they cannot be read yet. */
  masksOf(datagrams: readonly Buffer[]): Uint8Array | null {
    const { readKeys } = this.#state.spaces.application;
    return readKeys?.headerMasks(samplesOf(datagrams, 1 + CID_LENGTH)) ?? null;
  }

  /** As `receive`, of the datagram number `index` of those that `masks` were made of. */
  receiveOneOf(
    datagram: Buffer,
    from: PathAddress,
    nowUs: number,
    masks: Uint8Array | null,
    index: number,
  ): void {
    this.#masks = masks;
    this.#maskAt = index * SAMPLE_LENGTH;
    try {
      this.receive(datagram, from, nowUs);
    } finally {
      this.#masks = null;
    }
  }

  /** Processes a datagram; throws QuicError when the peer broke the protocol. Decrypts in place. */
  receive(datagram: Buffer, from: PathAddress, nowUs: number): void {
    const state = this.#state;
    const { active } = state.paths;
    state.observer?.onDatagramReceived(datagram.length, nowUs);
    // RFC 9000 §9: nobody moves before the handshake is confirmed.
    if (from !== active.address && !state.handshakeConfirmed) {
      state.observer?.onPacketDropped(null, datagram.length, 'rejected', nowUs);
      return;
    }
    state.bytesReceived += datagram.length;
    if (from === active.address) active.bytesReceived += datagram.length;
    this.#from = from;
    this.#opened = false;
    this.#isCounted = false;
    this.#wasBuffered = false;
    this.#packets(datagram, nowUs);
    if (!this.#opened && state.peerIds.isReset(datagram)) {
      const reason = 'the peer does not know the connection any more (stateless reset)';
      state.terminate({ by: 'peer', code: TransportError.NO_ERROR, application: false, reason });
      return;
    }
    if (this.#undecryptable.length > 0) {
      this.#masks = null;
      this.#retryUndecryptable(nowUs);
    }
  }

  #packets(datagram: Buffer, nowUs: number): void {
    const state = this.#state;
    let first: PacketHeader | null = null;
    for (let position = 0; position < datagram.length; ) {
      const header = parseHeader(datagram, position, CID_LENGTH);
      if (!header) {
        state.observer?.onPacketDropped(null, datagram.length - position, 'invalid', nowUs);
        return;
      }
      position = header.end;
      // RFC 9000 §12.2: only packets for the connection of the first belong together.
      if (first && !header.dcid.equals(first.dcid)) continue;
      first ??= header;
      switch (header.form) {
        case 'short':
          this.#packet(datagram, header, 'application', nowUs);
          break;
        case 'long':
          if (header.type === 'retry') {
            this.#onRetry(datagram, header, nowUs);
            return;
          }
          if (header.type === 'handshake') {
            this.#packet(datagram, header, 'handshake', nowUs);
          } else if (header.type === '0rtt') {
            // RFC 9000 §17.2.3: only clients send them.
            if (state.role === 'server') this.#packet(datagram, header, 'application', nowUs);
            else this.#drop(header, 'unsupported', nowUs);
          } else if (
            header.type === 'initial' &&
            (state.role === 'client' || datagram.length >= MIN_INITIAL_DATAGRAM)
          ) {
            this.#packet(datagram, header, 'initial', nowUs);
          } else this.#drop(header, 'invalid', nowUs);
          break;
        case 'version':
          this.#onVersionNegotiation(header, nowUs);
          return;
        case 'unknown-version':
          return;
      }
    }
  }

  #onVersionNegotiation(header: VersionNegotiation, nowUs: number): void {
    const state = this.#state;
    // RFC 9000 §6.2: ignored once anything was heard, when it does not answer us, and when it lists our version.
    if (state.role !== 'client' || state.heardFromPeer || state.retrySourceId) return;
    if (!header.dcid.equals(state.localIds.first) || !header.scid.equals(state.originalDestinationId)) return;
    if (header.versions.includes(QUIC_V1)) return;
    state.observer?.onVersionNegotiation(header.versions, header.end - header.start, nowUs);
    const offered = header.versions.map((version) => `0x${version.toString(16).padStart(8, '0')}`).join(', ');
    const cause = new LabError('RL_VERSION_UNSUPPORTED', `The server speaks only QUIC versions ${offered}`);
    state.terminate({ by: 'local', code: 0, application: false, reason: cause.message, cause });
  }

  /** RFC 9000 §17.2.5.2: obeyed once, before anything else was heard, and when it answers our Initial. */
  #onRetry(datagram: Buffer, header: LongHeader, nowUs: number): void {
    const state = this.#state;
    if (state.role !== 'client' || state.heardFromPeer || state.retrySourceId) return;
    if (!header.dcid.equals(state.localIds.first) || header.token.length === 0) return;
    if (header.scid.equals(state.originalDestinationId)) return;
    if (!isRetryAuthentic(datagram, header, state.originalDestinationId)) return;
    state.observer?.onRetry(header, nowUs);
    state.retrySourceId = copyOf(header.scid);
    state.initialToken = copyOf(header.token);
    state.initialKeyId = state.retrySourceId;
    state.peerIds.replaceInitial(state.retrySourceId);
    this.#handshaker.setInitialKeys();
    // RFC 9002 §6.2.3: what was sent is sent anew; it says nothing about congestion.
    // That goes for early data too (RFC 9000 §17.2.5.3).
    for (const name of ['initial', 'application'] as const) {
      for (const packet of state.recovery.unacked(name))
        onFramesLost(state, state.spaces[name], packet.frames, nowUs);
      state.recovery.discardSpace(name);
    }
  }

  #packet(datagram: Buffer, header: LongHeader | ShortHeader, spaceName: Space, nowUs: number): void {
    const state = this.#state;
    const space = state.spaces[spaceName];
    const type = header.form === 'long' && spaceName === 'application' ? '0rtt' : PACKET_TYPE[spaceName];
    if (space.discarded) {
      this.#drop(header, 'key_unavailable', nowUs);
      return;
    }
    if (!sameBytes(header.dcid, this.#destination) && !state.localIds.has(header.dcid)) {
      // Only a client's first packets may carry the id it invented (RFC 9000 §7.2).
      const invented =
        (type === 'initial' || type === '0rtt') &&
        state.role === 'server' &&
        header.dcid.equals(state.initialKeyId);
      if (!invented) {
        this.#drop(header, 'connection_unknown', nowUs);
        return;
      }
    }
    // RFC 9001 §4.9.3.
    if (space.earlyKeys && nowUs >= state.earlyKeysUntilUs) space.earlyKeys = null;
    const keys = this.#keys(type);
    if (!keys) {
      if (!this.#keepUndecryptable(type, datagram.subarray(header.start, header.end), nowUs))
        this.#drop(header, 'key_unavailable', nowUs);
      return;
    }
    const masks = header.form === 'short' && header.start === 0 ? this.#masks : null;
    const unprotected = keys.unprotectHeader(
      datagram,
      header.start,
      header.pnOffset,
      header.end,
      masks,
      masks ? this.#maskAt : 0,
    );
    if (!unprotected) {
      this.#drop(header, 'decryption_failure', nowUs);
      return;
    }
    const { firstByte, pnLength, truncated } = unprotected;
    const packetNumber = decodePacketNumber(truncated, pnLength, space.received.largest);
    const { keyPhases } = state;
    const phaseBit = (firstByte & KEY_PHASE) === 0 ? 0 : 1;
    let opener = keys;
    if (keyPhases && header.form === 'short') opener = keyPhases.reader(phaseBit, packetNumber, nowUs);
    const payload = opener.open(datagram, header.start, header.pnOffset + pnLength, header.end, packetNumber);
    if (!payload) {
      this.#drop(header, 'decryption_failure', nowUs);
      this.#onNotOpened(keys);
      return;
    }
    if (keyPhases && header.form === 'short') keyPhases.onOpened(opener, packetNumber, nowUs, state.ptoUs);
    // Authentic from here on.
    this.#opened = true;
    if (space.earlyKeys && type === '1rtt' && state.earlyKeysUntilUs === Number.POSITIVE_INFINITY)
      state.earlyKeysUntilUs = nowUs + 3 * state.ptoUs;
    state.packetsReceived++;
    if (space.received.isDuplicate(packetNumber)) {
      this.#drop(header, 'duplicate', nowUs);
      return;
    }
    if (state.observer) {
      const facts = { header, space: spaceName, packetNumber, phaseBit, payload } as const;
      const packet = observedReceived(state, { ...facts, path: this.#from, wasBuffered: this.#wasBuffered });
      state.observer.onPacketReceived(packet, nowUs);
    }
    if (state.phase !== 'open') {
      this.#whileClosing(payload, nowUs);
      return;
    }
    // RFC 9000 §17.2, §17.3.1: reserved bits must be zero after protection is removed.
    if ((firstByte & (header.form === 'long' ? 0x0c : 0x18)) !== 0) {
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'reserved header bits are set');
    }
    if (header.form === 'long' && !this.#onAuthenticLongHeader(header, spaceName)) return;
    state.heardFromPeer = true;
    state.lastReceivedAtUs = nowUs;
    state.sentSinceReceived = false;
    state.restartIdleTimer(nowUs);

    const { active } = state.paths;
    const path = this.#from === active.address ? active : state.paths.open(this.#from);
    // RFC 9000 §8.1: a datagram counts once, however many packets are in it.
    if (path !== active && !this.#isCounted) path.bytesReceived += datagram.length;
    this.#isCounted = true;
    const isNewest = packetNumber > space.received.largest;
    this.#isProbing = true;
    this.#isAckAskedFor = false;
    const ackEliciting = this.#frames(payload, type, spaceName, header.dcid, nowUs);
    if (path !== active && isNewest && !this.#isProbing) this.#follow(path, header.dcid);
    else if (path === active && !sameBytes(header.dcid, this.#destination))
      this.#destination = copyOf(header.dcid);
    // RFC 9000 §13.2.1: Initial and Handshake packets are acknowledged at once.
    const isUrgent = spaceName !== 'application' || this.#isAckAskedFor;
    space.received.onReceived(packetNumber, nowUs, ackEliciting, isUrgent);
    if (packetNumber >= SETTLED_AFTER && spaceName === 'application') this.#adaptAcknowledgements(space);
  }

  #drop(header: LongHeader | ShortHeader, reason: DropReason, nowUs: number): void {
    const { observer } = this.#state;
    if (!observer) return;
    const type = header.form === 'long' ? header.type : '1rtt';
    observer.onPacketDropped(type, header.end - header.start, reason, nowUs);
  }

  /** RFC 9000 §9.3: the client sends from another address now. */
  #follow(path: Path, dcid: Buffer): void {
    const state = this.#state;
    if (state.role !== 'server' || state.phase !== 'open') return;
    if (!dcid.equals(this.#destination)) {
      // RFC 9000 §9.5: a client that changed its id on purpose is given another of its own in return.
      state.paths.destination(path);
      this.#destination = copyOf(dcid);
    }
    state.migrate(path);
    if (!path.validated) state.paths.challenge(path);
  }

  /** RFC 9001 §6.6: forgeries over the whole connection are counted, and few enough to be sure that none got through. */
  #onNotOpened(keys: PacketProtection): void {
    if (++this.#state.packetsNotOpened >= keys.integrityLimit) {
      throw new QuicError(TransportError.AEAD_LIMIT_REACHED, 'too many packets failed to open');
    }
  }

  /**
   * RFC 9000 §13.2.2 leaves it to the receiver how many packets one ACK answers. Once the sender's window has had time to
   * grow, ten: each ACK costs both ends as much as a packet of data. What keeps the sender's clock ticking when its
   * window is smaller than that is a delay of a quarter RTT. A peer that says how it wants it gets it that way.
   */
  #adaptAcknowledgements(space: PacketSpace): void {
    const { config, recovery, ackFrequency } = this.#state;
    const { rtt } = recovery;
    if (!rtt.hasSample || ackFrequency.isDirected || config.maxAckDelayMs !== undefined) return;
    space.received.ackThreshold = SETTLED_ACK_THRESHOLD;
    space.received.maxAckDelayUs = Math.min(
      this.#state.longestAckDelayUs,
      Math.max(GRANULARITY_US, rtt.smoothedUs / 4),
    );
  }

  /** What an authentic long header tells; false when its packet is to be dropped. */
  #onAuthenticLongHeader(header: LongHeader, spaceName: Space): boolean {
    const state = this.#state;
    if (state.role === 'client') {
      // RFC 9000 §17.2.2: only clients send tokens.
      if (header.token.length > 0) return false;
      // RFC 9000 §7.2: the server's id replaces the invented one once; packets with another are dropped.
      if (this.#peerSourceId) return header.scid.equals(this.#peerSourceId);
      this.#peerSourceId = copyOf(header.scid);
      state.peerIds.replaceInitial(this.#peerSourceId);
      return true;
    }
    if (!header.scid.equals(this.#peerSourceId ?? state.peerIds.current)) return false;
    this.#peerSourceId ??= state.peerIds.current;
    if (spaceName === 'handshake') {
      // RFC 9000 §8.1 and RFC 9001 §4.9.1.
      state.paths.active.validated = true;
      state.discard('initial');
    }
    return true;
  }

  /** Whether the packet is kept until there are keys for it. */
  #keepUndecryptable(type: PacketType, packet: Buffer, nowUs: number): boolean {
    if (!this.#awaitsKeys(type) || this.#undecryptable.length >= UNDECRYPTABLE_LIMIT) return false;
    const kept = this.#undecryptable.reduce((bytes, { datagram }) => bytes + datagram.length, 0);
    if (kept + packet.length > UNDECRYPTABLE_BYTES) return false;
    this.#undecryptable.push({ type, datagram: Buffer.from(packet) });
    this.#state.observer?.onPacketBuffered(type, packet.length, nowUs);
    return true;
  }

  #retryUndecryptable(nowUs: number): void {
    const ready = this.#undecryptable.filter(({ type }) => this.#keys(type) !== null);
    this.#undecryptable = this.#undecryptable.filter(({ type }) => this.#awaitsKeys(type));
    this.#wasBuffered = true;
    for (const { datagram } of ready) this.#packets(datagram, nowUs);
  }

  /** What packets of a type are opened with now; null before there are keys, or when there will be none. */
  #keys(type: PacketType): PacketProtection | null {
    const { application, handshake, initial } = this.#state.spaces;
    switch (type) {
      case 'initial':
        return initial.readKeys;
      case '0rtt':
        return application.earlyKeys;
      case 'handshake':
        return handshake.readKeys;
      case '1rtt':
        return application.readKeys;
    }
  }

  /** Whether there may yet be keys for packets of a type. */
  #awaitsKeys(type: PacketType): boolean {
    const { application, handshake } = this.#state.spaces;
    if (this.#keys(type)) return false;
    if (type === 'handshake') return !handshake.discarded;
    // With its answer the server has decided about early data.
    return type === '1rtt' || (type === '0rtt' && !application.writeKeys);
  }

  /** RFC 9000 §10.2: while closing, packets are only answered; the peer's own close starts draining. */
  #whileClosing(payload: Buffer, nowUs: number): void {
    const state = this.#state;
    if (state.phase !== 'closing') return;
    const reader = new Reader(payload);
    while (reader.remaining > 0) {
      const frame = readFrame(reader);
      if (frame.type === 'connection_close') {
        state.startDraining(nowUs, { by: 'local', code: 0, application: false, reason: '' });
        return;
      }
    }
    const count = ++state.packetsWhileClosing;
    if ((count & (count - 1)) === 0) state.closePending = true;
  }

  /** Obeys every frame of a packet; returns whether the packet asks for an acknowledgement. */
  #frames(payload: Buffer, type: PacketType, spaceName: Space, dcid: Buffer, nowUs: number): boolean {
    const reader = new Reader(payload);
    if (reader.remaining === 0)
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'packet without frames');
    let ackEliciting = false;
    while (reader.remaining > 0) {
      const frame = readFrame(reader);
      const application = frame.type === 'connection_close' && frame.application;
      if (!frameAllowed(frame.type, type, application)) {
        throw new QuicError(TransportError.PROTOCOL_VIOLATION, `${frame.type} in a packet of type ${type}`);
      }
      if (isAckEliciting(frame.type)) ackEliciting = true;
      if (this.#isProbing && !isProbing(frame.type)) this.#isProbing = false;
      if (frame.type === 'retire_connection_id') {
        for (const replacement of this.#state.localIds.retire(frame.sequence, dcid)) {
          this.#state.control.add(replacement);
        }
      } else this.#frame(frame, spaceName, nowUs);
      if (this.#state.phase !== 'open') break;
    }
    return ackEliciting;
  }

  #frame(frame: Frame, spaceName: Space, nowUs: number): void {
    const state = this.#state;
    const { streams } = state;
    switch (frame.type) {
      case 'padding':
      case 'ping':
        break;
      case 'ack':
        this.#onAck(frame, spaceName, nowUs);
        break;
      case 'crypto':
        this.#handshaker.receive(spaceName, frame.offset, frame.data, nowUs);
        break;
      case 'stream':
        streams.onStreamFrame(frame.id, frame.offset, frame.data, frame.fin);
        break;
      case 'ack_frequency':
        state.ackFrequency.onFrame(frame);
        break;
      case 'immediate_ack':
        this.#isAckAskedFor = true;
        break;
      case 'datagram':
        state.events.push({ type: 'datagram', data: frame.data, atUs: nowUs });
        break;
      case 'reset_stream':
        streams.onResetStream(frame.id, frame.code, frame.finalSize);
        break;
      case 'stop_sending':
        streams.onStopSending(frame.id, frame.code);
        break;
      case 'max_data':
        streams.onMaxData(frame.max);
        break;
      case 'max_stream_data':
        streams.onMaxStreamData(frame.id, frame.max);
        break;
      case 'max_streams':
        streams.onMaxStreams(!frame.bidirectional, frame.max);
        break;
      case 'stream_data_blocked':
        streams.onStreamDataBlocked(frame.id);
        break;
      case 'data_blocked':
      case 'streams_blocked':
        break;
      case 'new_connection_id':
        state.peerIds.onNewConnectionId(
          frame.sequence,
          frame.retirePriorTo,
          copyOf(frame.connectionId),
          copyOf(frame.statelessResetToken),
        );
        break;
      case 'path_challenge':
        state.paths.respond(state.paths.open(this.#from), Buffer.from(frame.data));
        break;
      case 'path_response':
        this.#onPathResponse(frame.data);
        break;
      case 'new_token':
        // RFC 9000 §19.7: only servers send it.
        if (state.role === 'server')
          throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'NEW_TOKEN from a client', 0x07);
        state.events.push({ type: 'token', token: copyOf(frame.token) });
        break;
      case 'handshake_done':
        if (state.role === 'server')
          throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'HANDSHAKE_DONE from a client', 0x1e);
        if (!state.handshakeConfirmed) state.confirmHandshake();
        break;
      case 'connection_close':
        state.startDraining(nowUs, {
          by: 'peer',
          code: frame.code,
          application: frame.application,
          // It ends up on terminals and screens: no control or formatting characters.
          reason: frame.reason.replace(/[\p{Cc}\p{Cf}]/gu, ''),
        });
        break;
    }
  }

  #onPathResponse(data: Buffer): void {
    const state = this.#state;
    if (!state.paths.hasChallenged)
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'PATH_RESPONSE without challenge', 0x1b);
    const path = state.paths.onResponse(data);
    if (path?.isGoal) state.migrate(path);
  }

  #onAck(frame: Extract<Frame, { type: 'ack' }>, spaceName: Space, nowUs: number): void {
    const state = this.#state;
    const space = state.spaces[spaceName];
    const exponent = spaceName === 'application' ? (state.peerParameters?.ackDelayExponent ?? 3) : 0;
    // RFC 9002 §5.3: the delay field of Initial packets is ignored; ours sends 0 in Handshake too.
    const delayUs = spaceName === 'application' ? frame.delay * 2 ** exponent : 0;
    const result = state.recovery.onAck(spaceName, frame.ranges, delayUs, nowUs);
    if (!result)
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'acknowledged a packet never sent', 0x02);
    space.largestAcked = Math.max(space.largestAcked, frame.ranges[0]!.last);
    if (result.acked.length > 0) state.unacknowledgedSinceUs = nowUs;
    if (spaceName === 'application') {
      const largest = frame.ranges[0]!.last;
      state.keyPhases?.onAcked(largest);
      // RFC 9001 §4.1.2: a server that opened a 1-RTT packet has completed the handshake, whatever became of HANDSHAKE_DONE.
      if (!state.handshakeConfirmed && state.handshakeComplete && largest >= state.firstOneRttPacket)
        state.confirmHandshake();
    }
    for (const packet of result.acked) {
      state.mtu.onAcked(packet.bytes, packet.packetNumber);
      onFramesAcked(state, space, packet.frames, nowUs);
    }
    if (spaceName === 'application' && space.nextPacketNumber >= SETTLED_AFTER) this.#directPeer(nowUs);
    for (const packet of result.lost) {
      if (state.observer) {
        const { packetNumber, isMtuProbe = false } = packet;
        const byReordering = space.largestAcked >= packetNumber + PACKET_THRESHOLD;
        state.observer.onPacketLost({ space: spaceName, packetNumber, isMtuProbe, byReordering }, nowUs);
      }
      if (!packet.isMtuProbe && state.mtu.onLost(packet.bytes, packet.packetNumber, nowUs)) state.resize();
      onFramesLost(state, space, packet.frames, nowUs);
    }
  }

  /** draft-ietf-quic-ack-frequency §4: tells the peer of a bulk sender how often to acknowledge, when that has changed notably. */
  #directPeer(nowUs: number): void {
    const { ackFrequency, recovery, control, datagramBytes } = this.#state;
    const { rtt, controller } = recovery;
    if (recovery.isAppLimited) return;
    const frame = ackFrequency.request(nowUs, controller.cwnd / datagramBytes, rtt.smoothedUs);
    if (frame) control.add(frame);
  }
}
