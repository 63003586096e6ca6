/** Everything that happens to a datagram that arrived: packets opened, frames obeyed. */
import { LabError } from '../../../shared/errors.ts';
import { GRANULARITY_US } from '../../recovery/rtt.ts';
import type { Space } from '../../recovery/types.ts';
import { copyOf, Reader, sameBytes } from '../wire/cursor.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import { type Frame, frameAllowed, isAckEliciting, readFrame } from '../wire/frames.ts';
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
import type { PacketSpace } from './packet-space.ts';
import type { Path, PathAddress } from './paths.ts';
import { onFramesAcked, onFramesLost } from './sent-frames.ts';
import { type ConnectionState, LONGEST_ACK_DELAY_US } from './state.ts';

/** RFC 9000 §14.1: Initial packets in smaller datagrams are not the client's that is described there. */
const MIN_INITIAL_DATAGRAM = 1200;
/** RFC 9000 §9.1: frames by which alone nobody moves. */
const isProbing = (type: Frame['type']): boolean =>
  type === 'path_challenge' || type === 'path_response' || type === 'new_connection_id' || type === 'padding';

/** Packets kept because their keys are not there yet (RFC 9000 §5.7). */
const UNDECRYPTABLE_LIMIT = 16;

/** Packets of application data until acknowledgements are thinned out. */
const SETTLED_AFTER = 100;
const SETTLED_ACK_THRESHOLD = 10;

/** RFC 9000 §17.3.1. */
const KEY_PHASE = 0x04;

const PACKET_TYPE = { initial: 'initial', handshake: 'handshake', application: '1rtt' } as const;

export class Receiver {
  readonly #state: ConnectionState;
  readonly #handshaker: Handshaker;
  #undecryptable: { space: Space; datagram: Buffer }[] = [];
  /** Where the datagram at hand came from, whether any packet of it was opened, and to which of our ids the last one went. */
  #from: PathAddress;
  #opened = false;
  /** Whether all frames of the packet at hand may be sent on a path that is only tried (RFC 9000 §9.1). */
  #isProbing = true;
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
    // RFC 9000 §9: nobody moves before the handshake is confirmed.
    if (from !== active.address && !state.handshakeConfirmed) return;
    state.bytesReceived += datagram.length;
    if (from === active.address) active.bytesReceived += datagram.length;
    this.#from = from;
    this.#opened = false;
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
      if (!header) return;
      position = header.end;
      // RFC 9000 §12.2: only packets for the connection of the first belong together.
      if (first && !header.dcid.equals(first.dcid)) continue;
      first ??= header;
      switch (header.form) {
        case 'short':
          this.#packet(datagram, header, 'application', nowUs);
          break;
        case 'long':
          // 0-RTT is not spoken yet: dropped, as RFC 9000 §5.2.2 allows.
          if (header.type === 'retry') {
            this.#onRetry(datagram, header, nowUs);
            return;
          }
          if (header.type === 'handshake') {
            this.#packet(datagram, header, 'handshake', nowUs);
          } else if (
            header.type === 'initial' &&
            (state.role === 'client' || datagram.length >= MIN_INITIAL_DATAGRAM)
          ) {
            this.#packet(datagram, header, 'initial', nowUs);
          }
          break;
        case 'version':
          this.#onVersionNegotiation(header);
          return;
        case 'unknown-version':
          return;
      }
    }
  }

  #onVersionNegotiation(header: VersionNegotiation): void {
    const state = this.#state;
    // RFC 9000 §6.2: ignored once anything was heard, when it does not answer us, and when it lists our version.
    if (state.role !== 'client' || state.heardFromPeer) return;
    if (!header.dcid.equals(state.localIds.first) || !header.scid.equals(state.originalDestinationId)) return;
    if (header.versions.includes(QUIC_V1)) return;
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
    state.retrySourceId = copyOf(header.scid);
    state.initialToken = copyOf(header.token);
    state.initialKeyId = state.retrySourceId;
    state.peerIds.replaceInitial(state.retrySourceId);
    this.#handshaker.setInitialKeys();
    // RFC 9002 §6.2.3: what was sent is sent anew; it says nothing about congestion.
    const { initial } = state.spaces;
    for (const packet of state.recovery.unacked('initial'))
      onFramesLost(state, initial, packet.frames, nowUs);
    state.recovery.discardSpace('initial');
  }

  #packet(datagram: Buffer, header: LongHeader | ShortHeader, spaceName: Space, nowUs: number): void {
    const state = this.#state;
    const space = state.spaces[spaceName];
    if (space.discarded) return;
    if (!sameBytes(header.dcid, this.#destination) && !state.localIds.has(header.dcid)) {
      // Only a client's first packets may carry the id it invented (RFC 9000 §7.2).
      const invented =
        spaceName === 'initial' && state.role === 'server' && header.dcid.equals(state.initialKeyId);
      if (!invented) return;
    }
    const keys = space.readKeys;
    if (!keys) {
      if (this.#undecryptable.length < UNDECRYPTABLE_LIMIT) {
        const copy = Buffer.from(datagram.subarray(header.start, header.end));
        this.#undecryptable.push({ space: spaceName, datagram: copy });
      }
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
    if (!unprotected) return;
    const { firstByte, pnLength, truncated } = unprotected;
    const packetNumber = decodePacketNumber(truncated, pnLength, space.received.largest);
    const { keyPhases } = state;
    let opener = keys;
    if (keyPhases && header.form === 'short')
      opener = keyPhases.reader((firstByte & KEY_PHASE) === 0 ? 0 : 1, packetNumber, nowUs);
    const payload = opener.open(datagram, header.start, header.pnOffset + pnLength, header.end, packetNumber);
    if (!payload) {
      this.#onNotOpened(keys);
      return;
    }
    if (keyPhases && header.form === 'short') keyPhases.onOpened(opener, packetNumber, nowUs, state.ptoUs);
    // Authentic from here on.
    this.#opened = true;
    state.packetsReceived++;
    if (space.received.isDuplicate(packetNumber)) return;
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
    if (path !== active) path.bytesReceived += datagram.length;
    const isNewest = packetNumber > space.received.largest;
    this.#isProbing = true;
    const ackEliciting = this.#frames(payload, spaceName, header.dcid, nowUs);
    if (path !== active && isNewest && !this.#isProbing) this.#follow(path, header.dcid);
    else if (path === active && !sameBytes(header.dcid, this.#destination))
      this.#destination = copyOf(header.dcid);
    // RFC 9000 §13.2.1: Initial and Handshake packets are acknowledged at once.
    space.received.onReceived(packetNumber, nowUs, ackEliciting, spaceName !== 'application');
    if (packetNumber >= SETTLED_AFTER && spaceName === 'application') this.#adaptAcknowledgements(space);
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
   * window is smaller than that is a delay of a quarter RTT.
   */
  #adaptAcknowledgements(space: PacketSpace): void {
    const { rtt } = this.#state.recovery;
    if (!rtt.hasSample) return;
    space.received.ackThreshold = SETTLED_ACK_THRESHOLD;
    space.received.maxAckDelayUs = Math.min(
      LONGEST_ACK_DELAY_US,
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

  #retryUndecryptable(nowUs: number): void {
    const ready = this.#undecryptable.filter(({ space }) => this.#state.spaces[space].readKeys !== null);
    if (ready.length === 0) return;
    this.#undecryptable = this.#undecryptable.filter(
      ({ space }) => this.#state.spaces[space].readKeys === null && !this.#state.spaces[space].discarded,
    );
    for (const { datagram } of ready) this.#packets(datagram, nowUs);
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
  #frames(payload: Buffer, spaceName: Space, dcid: Buffer, nowUs: number): boolean {
    const reader = new Reader(payload);
    if (reader.remaining === 0)
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'packet without frames');
    let ackEliciting = false;
    while (reader.remaining > 0) {
      const frame = readFrame(reader);
      const application = frame.type === 'connection_close' && frame.application;
      if (!frameAllowed(frame.type, PACKET_TYPE[spaceName], application)) {
        throw new QuicError(
          TransportError.PROTOCOL_VIOLATION,
          `${frame.type} in a packet of the ${spaceName} space`,
        );
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
    if (spaceName === 'application') state.keyPhases?.onAcked(frame.ranges[0]!.last);
    for (const packet of result.acked) {
      state.mtu.onAcked(packet.bytes);
      onFramesAcked(state, space, packet.frames, nowUs);
    }
    for (const packet of result.lost) {
      if (!packet.isMtuProbe && state.mtu.onLost(packet.bytes, nowUs)) state.resize();
      onFramesLost(state, space, packet.frames, nowUs);
    }
  }
}
