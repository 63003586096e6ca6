/** What the parts of a connection share. Only files of this folder see it; the outside sees `Connection`. */
import type { CongestionController } from '../../congestion/controller.ts';
import type { CongestionWatch } from '../../recovery/congestion-watch.ts';
import { Pacer } from '../../recovery/pacer.ts';
import { Recovery } from '../../recovery/recovery.ts';
import { SPACES, type Space } from '../../recovery/types.ts';
import type { Frame } from '../wire/frames.ts';
import { DEFAULT_PARAMETERS, type TransportParameters } from '../wire/transport-parameters.ts';
import { AckFrequency } from './ack-frequency.ts';
import type { ClientConfig, CloseReason, ConnectionEvent, ServerConfig } from './config.ts';
import { PeerConnectionIds } from './connection-ids.ts';
import type { KeyPhases } from './key-phases.ts';
import { LocalConnectionIds } from './local-ids.ts';
import type { Observer } from './observer.ts';
import { PacketSpace } from './packet-space.ts';
import { PathMtu } from './path-mtu.ts';
import { Path, type PathAddress, Paths } from './paths.ts';
import { StallGuard } from './stall-guard.ts';
import type { StreamControlFrame } from './stream-control.ts';
import { StreamSet } from './stream-set.ts';

/** What a sent packet carried that someone must hear about when it is acknowledged or lost. */
export type SentFrame =
  | { kind: 'stream'; id: number; offset: number; length: number; fin: boolean }
  | { kind: 'crypto'; offset: number; length: number }
  | { kind: 'mtu-probe'; bytes: number }
  | { kind: 'ack'; largest: number }
  /** Sent again as it is when lost. */
  | { kind: 'control'; frame: Frame }
  | { kind: 'retire'; sequence: number }
  | { kind: 'reset'; id: number }
  /** Told again with the value of that moment when lost. */
  | { kind: 'stream-control'; frame: StreamControlFrame };

const NO_TOKEN = Buffer.alloc(0);

/** RFC 9000 §10: `closing` answers with CONNECTION_CLOSE, `draining` is silent, `terminated` is over. */
export type Phase = 'open' | 'closing' | 'draining' | 'terminated';

/** Unsent DATAGRAMs kept; more are refused, since stale datagrams serve nobody (RFC 9221 §5.2 leaves it to us). */
const DATAGRAM_QUEUE = 1024;
/** A server forgets a client that falls silent in the handshake after this long, whatever the idle timeout. */
const HANDSHAKE_IDLE_US = 10_000_000;
/** A server gives a handshake up that is not complete after this long, however lively the client is. */
const HANDSHAKE_LIMIT_US = 20_000_000;
/** How long a peer may leave everything unacknowledged where no idle timeout is agreed on. */
const UNACKNOWLEDGED_US = 30_000_000;
/** Packet numbers from one that is skipped to the next: at least, and up to so many more. */
const SKIP_PERIOD = 256;
const SKIP_SPREAD = 512;
/** What our timers may come late (spec/congestion.md). */
const LATE_US = 5_000;

export class ConnectionState {
  readonly role: 'client' | 'server';
  readonly config: ClientConfig | ServerConfig;
  readonly spaces: Readonly<Record<Space, PacketSpace>>;
  readonly recovery: Recovery<SentFrame[]>;
  readonly pacer = new Pacer();
  readonly streams: StreamSet;
  readonly peerIds: PeerConnectionIds;
  readonly localIds: LocalConnectionIds;
  readonly paths: Paths;
  /** Destination of the client's first Initial (RFC 9000 §7.3). */
  readonly originalDestinationId: Buffer;
  /** What the Initial keys are made of: the destination of the client's first Initial, or of the first after a Retry. */
  initialKeyId: Buffer;
  /** Source of the Retry, if there was one. */
  retrySourceId: Buffer | null;
  /** What the client's Initials carry: of a Retry, or kept from an earlier connection (RFC 9000 §8.1). */
  initialToken: Buffer;
  readonly events: ConnectionEvent[] = [];
  /** Control frames waiting for a 1-RTT packet, each once. */
  readonly control = new Set<Frame>();
  readonly datagrams: Buffer[] = [];
  readonly stall: StallGuard;
  readonly ackFrequency: AckFrequency;
  readonly startedAtUs: number;

  /** Times that a path of the peer's began congestion control anew. */
  congestionResets = 0;
  observer: Observer | null = null;
  watch: CongestionWatch | null = null;
  /** Of this path, and of any other. */
  makeController: () => CongestionController;
  phase: Phase = 'open';
  /** Why it is not open any more. */
  closeReason: CloseReason | null = null;
  /** Once 1-RTT packets can be read. */
  keyPhases: KeyPhases | null = null;
  peerParameters: TransportParameters | null = null;
  /** RFC 9001 §4.1.1 / §4.1.2. */
  handshakeComplete = false;
  handshakeConfirmed = false;
  handshakeUs: number | null = null;
  /** Until when a server still opens 0-RTT packets that come late (RFC 9001 §4.9.3); known with the first 1-RTT packet. */
  earlyKeysUntilUs = Number.POSITIVE_INFINITY;
  /** Packet number of the first 1-RTT packet we send: those before it were 0-RTT. */
  firstOneRttPacket = 0;
  /** Data sent before the handshake was complete (RFC 9001 §4.6). */
  earlyData: 'offered' | 'accepted' | 'rejected' | null = null;
  /** Whether a packet of the peer was ever authenticated. */
  heardFromPeer = false;
  datagramBytes: number;
  mtu: PathMtu;
  lastReceivedAtUs: number;
  /** An ack-eliciting packet was sent since the last one was received (RFC 9000 §10.1). */
  sentSinceReceived = false;
  idleDeadlineUs: number | null = null;
  /** When a PING keeps the connection from idling out; null when it is not to be kept, or the PING has been sent. */
  keepAliveDeadlineUs: number | null = null;
  /** While packets are in flight: when the first of them left, or the peer last acknowledged any. */
  unacknowledgedSinceUs = 0;
  /** When the last datagram left that a path of the least size would not carry, path MTU probes aside. */
  largeSentAtUs = -1;
  /** When a sender that flow control holds back says so again, so that its peer does not idle out (RFC 9000 §4.1). */
  blockedReminderUs: number | null = null;
  closingDeadlineUs: number | null = null;
  /** A CONNECTION_CLOSE is to be sent. */
  closePending = false;
  closeFrame: { code: number; application: boolean; frameType: number; reason: string } | null = null;
  /** Packets that arrived while closing: answered at exponentially rarer moments (RFC 9000 §10.2.1). */
  packetsWhileClosing = 0;
  /** Packets that failed to open, all keys together (RFC 9001 §6.6). */
  packetsNotOpened = 0;

  packetsSent = 0;
  packetsReceived = 0;
  bytesSent = 0;
  bytesReceived = 0;

  constructor(
    role: 'client' | 'server',
    config: ClientConfig | ServerConfig,
    ids: {
      local: Buffer;
      peer: Buffer;
      originalDestination: Buffer;
      initialKey: Buffer;
      retrySource: Buffer | null;
    },
    from: PathAddress,
    nowUs: number,
  ) {
    this.role = role;
    this.config = config;
    const { random, resetToken } = config;
    this.localIds = new LocalConnectionIds({
      first: ids.local,
      random,
      resetToken: resetToken ?? (() => random(16)),
      emit: (event) => this.events.push(event),
    });
    this.peerIds = new PeerConnectionIds(ids.peer);
    this.paths = new Paths(new Path(from, role === 'client'), this.peerIds, random);
    this.originalDestinationId = ids.originalDestination;
    this.initialKeyId = ids.initialKey;
    this.retrySourceId = ids.retrySource;
    this.initialToken = (role === 'client' && (config as ClientConfig).token) || NO_TOKEN;
    this.datagramBytes = config.datagramBytes;
    this.mtu = this.newMtu();
    this.startedAtUs = nowUs;
    this.lastReceivedAtUs = nowUs;
    this.makeController = config.controller;
    this.recovery = new Recovery({
      controller: config.controller(),
      datagramBytes: config.datagramBytes,
      giveUpAtUs: () =>
        Math.min(
          this.idleDeadlineUs ?? Number.POSITIVE_INFINITY,
          this.unacknowledgedDeadlineUs ?? Number.POSITIVE_INFINITY,
        ),
    });
    this.stall = new StallGuard(1000 * (config.stallTimeoutMs ?? Number.POSITIVE_INFINITY));
    this.streams = new StreamSet(role === 'client', (event) => this.events.push(event));
    this.spaces = {
      initial: new PacketSpace('initial', role),
      handshake: new PacketSpace('handshake', role),
      application: new PacketSpace('application', role),
    };
    this.spaces.application.received.maxAckDelayUs = this.longestAckDelayUs;
    this.ackFrequency = new AckFrequency(this.spaces.application.received);
    if (role === 'server') this.recovery.peerCompletedAddressValidation = true;
  }

  /** Discards a space's keys and what it had in flight (RFC 9001 §4.9). */
  discard(space: Space): void {
    if (this.spaces[space].discarded) return;
    this.spaces[space].discard();
    this.recovery.discardSpace(space);
  }

  confirmHandshake(): void {
    this.handshakeConfirmed = true;
    this.scheduleSkip();
    this.recovery.handshakeConfirmed = true;
    this.discard('handshake');
  }

  /** Streams and DATAGRAMs may be sent: the handshake is complete, or early data goes ahead of it. */
  get mayCarryData(): boolean {
    return this.handshakeComplete || this.earlyData === 'offered' || this.earlyData === 'accepted';
  }

  /** Largest DATAGRAM payload that fits a packet and the peer's limit now; 0 when it takes none (RFC 9221 §3). */
  get maxDatagramPayload(): number {
    const limit = this.peerParameters?.maxDatagramFrameSize ?? 0;
    if (limit === 0 || !this.mayCarryData) return 0;
    // A header with the longest packet number, tag, frame type and two bytes of length.
    const isEarly = this.spaces.application.writeKeys === null;
    const header =
      1 + this.peerIds.current.length + (isEarly ? 4 + 1 + 1 + this.localIds.first.length + 2 : 0);
    const overhead = header + 4 + 16 + 3;
    return Math.max(0, Math.min(this.datagramBytes - overhead, limit - 3));
  }

  queueDatagram(data: Buffer): boolean {
    if (data.length > this.maxDatagramPayload || this.datagrams.length >= DATAGRAM_QUEUE) return false;
    this.datagrams.push(data);
    return true;
  }

  /** Begins a key update (RFC 9001 §6); false when it is too early for one. */
  updateKeys(nowUs: number): boolean {
    if (!this.handshakeConfirmed || !this.keyPhases?.mayUpdate(nowUs)) return false;
    this.keyPhases.update();
    return true;
  }

  /** Chooses the next packet number to leave out, beyond the peer's guessing. */
  scheduleSkip(): void {
    const { application } = this.spaces;
    const spread = this.config.random(2).readUInt16BE(0) % SKIP_SPREAD;
    application.skipAt = application.nextPacketNumber + SKIP_PERIOD + spread;
  }

  /** Gives the peer ids to address us by on other paths, as many as it keeps (RFC 9000 §5.1.1). */
  issueIds(): void {
    const limit = this.peerParameters?.activeConnectionIdLimit ?? 0;
    for (const frame of this.localIds.issue(limit)) this.control.add(frame);
  }

  private newMtu(): PathMtu {
    const limit = Math.min(this.config.maxDatagramBytes, this.peerParameters?.maxUdpPayloadSize ?? 0);
    return new PathMtu(this.datagramBytes, limit);
  }

  /** The peer's limit is known: sizes beyond the first are tried up to it. */
  startMtuDiscovery(): void {
    this.mtu = this.newMtu();
  }

  /** Datagrams are of another size from now on. */
  resize(): void {
    if (this.mtu.current === this.datagramBytes) return;
    this.datagramBytes = this.mtu.current;
    this.recovery.datagramBytes = this.datagramBytes;
    this.recovery.controller.onDatagramSize(this.datagramBytes);
  }

  /** All packets take this path from now on (RFC 9000 §9.3, §9.4). */
  migrate(path: Path): void {
    const { address } = this.paths.active.address;
    this.paths.activate(path);
    // RFC 9000 §9.4: a change of port alone is most likely a NAT's doing, and the path the same.
    if (path.address.address !== address || path.isGoal) {
      this.recovery.changePath(this.makeController());
      this.congestionResets++;
      this.datagramBytes = Math.min(this.config.datagramBytes, this.peerParameters!.maxUdpPayloadSize);
      this.recovery.datagramBytes = this.datagramBytes;
      this.recovery.controller.onDatagramSize(this.datagramBytes);
      this.mtu = this.newMtu();
      this.pacer.reset();
    }
    path.isGoal = false;
    this.events.push({ type: 'migrated', to: path.address });
  }

  /** max_ack_delay as announced, less what our timers may come late (RFC 9000 §18.2). */
  get longestAckDelayUs(): number {
    return (this.config.maxAckDelayMs ?? DEFAULT_PARAMETERS.maxAckDelayMs) * 1000 - LATE_US;
  }

  /** Restarts the idle timer (RFC 9000 §10.1). */
  restartIdleTimer(nowUs: number): void {
    const periodUs = this.idlePeriodUs;
    this.idleDeadlineUs = periodUs === null ? null : Math.min(nowUs + periodUs, this.handshakeDeadlineUs);
    const { keepAliveMs } = this.config;
    if (keepAliveMs === undefined || !this.handshakeComplete) return;
    this.keepAliveDeadlineUs =
      nowUs + Math.min(keepAliveMs * 1000, (periodUs ?? Number.POSITIVE_INFINITY) / 2);
  }

  /** When a server gives the handshake up; infinite once it is complete. */
  get handshakeDeadlineUs(): number {
    const limited = this.role === 'server' && !this.handshakeComplete;
    return limited ? this.startedAtUs + HANDSHAKE_LIMIT_US : Number.POSITIVE_INFINITY;
  }

  /**
   * When a peer that acknowledges nothing is given up, although it may still send: as late as one that says nothing. What it
   * does not acknowledge has to be kept for it. Null while nothing is in flight.
   */
  get unacknowledgedDeadlineUs(): number | null {
    if (this.recovery.bytesInFlight === 0) return null;
    return this.unacknowledgedSinceUs + (this.idlePeriodUs ?? UNACKNOWLEDGED_US);
  }

  /** RFC 9000 §10.1: the smaller of both offers, never under three PTOs; null when neither limits it. */
  get idlePeriodUs(): number | null {
    const local = this.config.idleTimeoutMs;
    const peer = this.peerParameters?.maxIdleTimeoutMs ?? 0;
    let periodUs = 1000 * (local === 0 ? peer : peer === 0 ? local : Math.min(local, peer));
    if (this.role === 'server' && !this.handshakeComplete) {
      periodUs = periodUs === 0 ? HANDSHAKE_IDLE_US : Math.min(periodUs, HANDSHAKE_IDLE_US);
    }
    return periodUs === 0 ? null : Math.max(periodUs, 3 * this.ptoUs);
  }

  get ptoUs(): number {
    return this.recovery.rtt.ptoBaseUs(this.recovery.maxAckDelayUs);
  }

  /** Starts closing with CONNECTION_CLOSE; what the owner hears is `info`. */
  startClosing(nowUs: number, frame: NonNullable<ConnectionState['closeFrame']>, info: CloseReason): void {
    if (this.phase !== 'open') return;
    this.phase = 'closing';
    this.closeFrame = frame;
    this.closePending = true;
    this.endPhase(nowUs, info);
  }

  startDraining(nowUs: number, info: CloseReason): void {
    if (this.phase === 'draining' || this.phase === 'terminated') return;
    const wasOpen = this.phase === 'open';
    this.phase = 'draining';
    this.closePending = false;
    if (wasOpen) this.endPhase(nowUs, info);
  }

  /** Ends at once and silently (RFC 9000 §10.1). */
  terminate(info: CloseReason): void {
    const wasOpen = this.phase === 'open';
    this.phase = 'terminated';
    this.closingDeadlineUs = null;
    if (wasOpen) this.onClosed(info);
  }

  private endPhase(nowUs: number, info: CloseReason): void {
    // RFC 9000 §10.2: closing and draining last three times the PTO.
    this.closingDeadlineUs = nowUs + 3 * this.ptoUs;
    for (const space of SPACES) this.recovery.discardSpace(space);
    this.onClosed(info);
  }

  private onClosed(info: CloseReason): void {
    this.closeReason = info;
    this.events.push({ type: 'closed', info });
  }
}
