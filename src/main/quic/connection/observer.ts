/** What an onlooker is told of a connection: enough for qlog, and nothing is computed while nobody looks on. */
import type { ControllerSnapshot } from '../../congestion/controller.ts';
import { SPACES, type Space } from '../../recovery/types.ts';
import type { PacketType } from '../wire/frames.ts';
import type { LongHeader, ShortHeader } from '../wire/header.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import type { CloseReason } from './config.ts';
import { type OpenPacket, TAG } from './open-packet.ts';
import type { PathAddress } from './paths.ts';
import type { ConnectionState, Phase } from './state.ts';

/** What is known of a connection when it begins. */
export interface Origin {
  role: 'client' | 'server';
  startedAtUs: number;
  originalDestinationId: Buffer;
  localId: Buffer;
  peerId: Buffer;
  remote: PathAddress;
  /** Offered or accepted. */
  alpn: readonly string[];
  parameters: TransportParameters;
  datagramBytes: number;
  initialWindowBytes: number;
}

/** A packet in the clear. Buffers are views, for the duration of the call. */
export interface ObservedPacket {
  type: PacketType;
  packetNumber: number;
  dcid: Buffer;
  /** Null in a short header. */
  scid: Buffer | null;
  /** Of an Initial; empty or null otherwise. */
  token: Buffer | null;
  /** Number of key updates before this packet's keys; null in a long header. */
  keyPhase: number | null;
  /** The whole packet, its tag included. */
  bytes: number;
  /** Length field of a long header (RFC 9000 §17.2); null in a short one. */
  length: number | null;
  /** Frames, without protection. */
  payload: Buffer;
  path: PathAddress;
  isMtuProbe: boolean;
  /** Sent because of a probe timeout (RFC 9002 §6.2.4). */
  isPtoProbe: boolean;
  /** Arrived before its keys. */
  wasBuffered: boolean;
}

export type DropReason =
  | 'invalid'
  | 'rejected'
  | 'unsupported'
  | 'duplicate'
  | 'connection_unknown'
  | 'decryption_failure'
  | 'key_unavailable';

/** Where a connection stands between two calls of its owner. */
export interface Status {
  phase: Phase;
  handshakeComplete: boolean;
  handshakeConfirmed: boolean;
  /** By packet-number space: whether there are keys, both directions; null once they are discarded. */
  keys: Record<Space, { read: boolean; write: boolean } | null>;
  cipherSuite: string | null;
  alpn: string | null;
  peerParameters: TransportParameters | null;
  controller: ControllerSnapshot;
  /** Null before the first sample. */
  rtt: { latestUs: number; smoothedUs: number; varianceUs: number; minUs: number } | null;
  bytesInFlight: number;
  /** pto_count of RFC 9002 A.3. */
  timeoutsInRow: number;
  /** When the loss detection timer fires (RFC 9002 A.8). */
  lossTimerUs: number | null;
  datagramBytes: number;
  path: PathAddress;
  isPathValidated: boolean;
  closed: CloseReason | null;
}

export interface Observer {
  /** A datagram arrived; the packets that follow were in it. */
  onDatagramReceived(bytes: number, nowUs: number): void;
  /** A datagram left; the packets since the last one are in it. */
  onDatagramSent(bytes: number, nowUs: number): void;
  onPacketSent(packet: ObservedPacket, nowUs: number): void;
  /** An authentic packet that was not received before. */
  onPacketReceived(packet: ObservedPacket, nowUs: number): void;
  /** A Retry that is obeyed. */
  onRetry(header: LongHeader, nowUs: number): void;
  /** A Version Negotiation that leaves nothing to go on with. */
  onVersionNegotiation(versions: readonly number[], bytes: number, nowUs: number): void;
  /** `type` is null where it cannot be told. */
  onPacketDropped(type: PacketType | 'retry' | null, bytes: number, reason: DropReason, nowUs: number): void;
  /** A packet waits for its keys. */
  onPacketBuffered(type: PacketType, bytes: number, nowUs: number): void;
  /** Loss detection gave a packet up: because of later ones that were acknowledged, or of the time since. */
  onPacketLost(
    lost: { space: Space; packetNumber: number; isMtuProbe: boolean; byReordering: boolean },
    nowUs: number,
  ): void;
  onLossTimerExpired(nowUs: number): void;
  /** After everything that may have changed something. */
  onSettled(status: Status, nowUs: number): void;
}

const TYPE = { initial: 'initial', handshake: 'handshake', application: '1rtt' } as const;

export function originOf(state: ConnectionState, parameters: TransportParameters): Origin {
  return {
    role: state.role,
    startedAtUs: state.startedAtUs,
    originalDestinationId: state.originalDestinationId,
    localId: state.localIds.first,
    peerId: state.peerIds.current,
    remote: state.paths.active.address,
    alpn: state.config.alpn,
    parameters,
    datagramBytes: state.datagramBytes,
    initialWindowBytes: state.recovery.controller.cwnd,
  };
}

/** A packet about to be sealed. */
export function observedSent(state: ConnectionState, packet: OpenPacket, path: PathAddress): ObservedPacket {
  const { space, start, pnOffset, pnLength, writer } = packet;
  const isLong = space.name !== 'application' || !space.writeKeys;
  return {
    type: space.name === 'application' && isLong ? '0rtt' : TYPE[space.name],
    packetNumber: packet.packetNumber,
    dcid: packet.dcid,
    scid: isLong ? state.localIds.first : null,
    token: space.name === 'initial' ? state.initialToken : null,
    keyPhase: isLong ? null : (state.keyPhases?.updates ?? 0),
    bytes: writer.pos + TAG - start,
    length: isLong ? writer.pos + TAG - pnOffset : null,
    payload: writer.buf.subarray(pnOffset + pnLength, writer.pos),
    path,
    isMtuProbe: packet.isMtuProbe,
    isPtoProbe: packet.isPtoProbe,
    wasBuffered: false,
  };
}

/** A packet that was opened. `phaseBit` is its Key Phase bit; a packet of the phase before may come late. */
export function observedReceived(
  state: ConnectionState,
  packet: {
    header: LongHeader | ShortHeader;
    space: Space;
    packetNumber: number;
    phaseBit: 0 | 1;
    payload: Buffer;
    path: PathAddress;
    wasBuffered: boolean;
  },
): ObservedPacket {
  const { header, phaseBit } = packet;
  const updates = state.keyPhases?.updates ?? 0;
  return {
    type: packet.space === 'application' && header.form === 'long' ? '0rtt' : TYPE[packet.space],
    packetNumber: packet.packetNumber,
    dcid: header.dcid,
    scid: header.form === 'long' ? header.scid : null,
    token: header.form === 'long' ? header.token : null,
    keyPhase: header.form === 'long' ? null : updates % 2 === phaseBit ? updates : updates - 1,
    bytes: header.end - header.start,
    length: header.form === 'long' ? header.end - header.pnOffset : null,
    payload: packet.payload,
    path: packet.path,
    isMtuProbe: false,
    isPtoProbe: false,
    wasBuffered: packet.wasBuffered,
  };
}

export function statusOf(
  state: ConnectionState,
  tls: { suite: { name: string } | null; alpn: string | null },
): Status {
  const { recovery, paths } = state;
  const { rtt } = recovery;
  const keys = {} as Status['keys'];
  for (const name of SPACES) {
    const { readKeys, writeKeys, discarded } = state.spaces[name];
    keys[name] = discarded ? null : { read: readKeys !== null, write: writeKeys !== null };
  }
  return {
    phase: state.phase,
    handshakeComplete: state.handshakeComplete,
    handshakeConfirmed: state.handshakeConfirmed,
    keys,
    cipherSuite: tls.suite?.name ?? null,
    alpn: tls.alpn,
    peerParameters: state.peerParameters,
    controller: recovery.controller.snapshot(),
    rtt: rtt.hasSample
      ? {
          latestUs: rtt.latestUs,
          smoothedUs: rtt.smoothedUs,
          varianceUs: rtt.varianceUs,
          minUs: rtt.minUs,
        }
      : null,
    bytesInFlight: recovery.bytesInFlight,
    timeoutsInRow: recovery.timeoutsInRow,
    lossTimerUs: state.phase === 'open' ? recovery.deadlineUs() : null,
    datagramBytes: state.datagramBytes,
    path: paths.active.address,
    isPathValidated: paths.active.validated,
    closed: state.closeReason,
  };
}
