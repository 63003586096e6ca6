/**
 * Loss detection and the sender's side of congestion control, RFC 9002: what was sent, what became of it, when to
 * probe. One object per path; all packet-number spaces together. Times are microseconds handed in.
 */
import type { AckSample, CongestionController } from '../congestion/controller.ts';
import { RateSampler } from '../congestion/rate-sampler.ts';
import type { PacketRange } from './packet-ranges.ts';
import { GRANULARITY_US, RttEstimator } from './rtt.ts';
import { SendHistory } from './send-history.ts';
import { SentPackets } from './sent-packets.ts';
import { SpuriousLosses } from './spurious-losses.ts';
import type { SentPacket, Space } from './types.ts';

/** kPacketThreshold, RFC 9002 §6.1.1. */
export const PACKET_THRESHOLD = 3;
/** kTimeThreshold, RFC 9002 §6.1.2. */
export const TIME_THRESHOLD = 9 / 8;
/** kPersistentCongestionThreshold, RFC 9002 §7.6.1. */
export const PERSISTENT_CONGESTION_THRESHOLD = 3;
/**
 * Longest probe timeout that backoff makes, as RFC 8961 §4 (4) and RFC 6298 §2.5 allow from 60 s on. RFC 9002 §6.2.1 leaves
 * the end of backoff to the idle timeout, which may be long, or none.
 */
export const MAX_BACKED_OFF_PTO_US = 60_000_000;
/** max_ack_delay of a peer that names none, RFC 9000 §18.2. */
const DEFAULT_MAX_ACK_DELAY_US = 25_000;
/** Probe timeouts, backoff aside, that the last probe leaves for an answer: the peer's idle timer began up to an RTT earlier. */
const LAST_PROBE_PTOS = 2;
/**
 * Packets that elicit no acknowledgement may wait for one for ever (a receiver's ACKs): so many numbers behind the
 * newest they are forgotten, neither acknowledged nor lost, whatever lies around them.
 */
const UNELICITED_MEMORY = 1024;

/** Counters since the start. Live, not a copy. */
export interface RecoveryStats {
  readonly packetsSent: number;
  readonly bytesSent: number;
  readonly packetsAcked: number;
  readonly bytesAcked: number;
  /** Declared lost by loss detection (RFC 9002 §6.1). */
  readonly packetsLost: number;
  readonly bytesLost: number;
  /** Of the packets declared lost, those that were acknowledged after all, as far as was remembered. */
  readonly spuriousLosses: number;
  /** Probe timeouts that expired. */
  readonly ptoCount: number;
  readonly persistentCongestions: number;
  /** Losses that began a recovery period (RFC 9002 §7.3.2, B.6): those of packets sent before it count once. */
  readonly congestionEvents: number;
}

export interface RecoveryOptions {
  controller: CongestionController;
  /** UDP payload bytes of a full packet. */
  datagramBytes: number;
  /** Stands in for the RTT before the first sample; 333 ms by default (RFC 9002 §6.2.2). */
  initialRttUs?: number;
  /** The peer's max_ack_delay, where it is known from the start. */
  maxAckDelayUs?: number;
  /** When the connection is given up for want of answers; Infinity, as by default, for never. Asked for while timeouts expire. */
  giveUpAtUs?: () => number;
}

class SpaceState<F> {
  readonly name: Space;
  readonly sent = new SentPackets<F>();
  readonly spurious = new SpuriousLosses();
  largestAcked = -1;
  /** When the next packet is lost by time threshold; Infinity when no packet waits for that. */
  lossTimeUs = Number.POSITIVE_INFINITY;
  lastAckElicitingAtUs = 0;
  ackElicitingInFlight = 0;

  constructor(name: Space) {
    this.name = name;
  }
}

/** What most ACKs find lost. */
const NONE: never[] = [];

export class Recovery<F> {
  readonly rtt: RttEstimator;
  #controller: CongestionController;
  /** The peer's max_ack_delay. */
  maxAckDelayUs: number;
  /** RFC 9001 §4.1.2. Until then no PTO is armed for application data. */
  handshakeConfirmed = false;
  /** Whether the peer has validated our address; a server sets it at once, a client when the server shows it. */
  peerCompletedAddressValidation = false;
  /** Handshake packets can be sent: they are what an anti-deadlock probe is then made of. */
  hasHandshakeKeys = false;
  /** The server may not send anything now (RFC 9000 §8.1): no PTO is armed. */
  antiAmplificationBlocked = false;

  /** UDP payload bytes of a full packet. */
  datagramBytes: number;
  #sampler = new RateSampler();
  readonly #giveUpAtUs: () => number;
  readonly #history = new SendHistory();
  readonly #initial = new SpaceState<F>('initial');
  readonly #handshake = new SpaceState<F>('handshake');
  readonly #application = new SpaceState<F>('application');
  readonly #stats = {
    packetsSent: 0,
    bytesSent: 0,
    packetsAcked: 0,
    bytesAcked: 0,
    packetsLost: 0,
    bytesLost: 0,
    spuriousLosses: 0,
    ptoCount: 0,
    persistentCongestions: 0,
    congestionEvents: 0,
  };
  /** Losses of the newest congestion event that have not turned out to be none; one that is forgotten stands for ever. */
  #standingLosses = 0;
  /** When the newest recovery period began, and the one before it: packets sent between them are the newest event's. */
  #recoveryFromUs = Number.NEGATIVE_INFINITY;
  #priorRecoveryFromUs = Number.NEGATIVE_INFINITY;
  /** 0 before any sample. */
  #deliveryRateBps = 0;
  #bytesInFlight = 0;
  /** First packet number of the application space that was sent on the present path. */
  #pathFrom = 0;
  /** Bytes in flight on the present path that the last `#detectLost` took for lost. */
  #lostOnPath = 0;
  #firstRttSampleAtUs: number | null = null;
  /** pto_count of RFC 9002: expirations since the last sign of life. */
  #ptoBackoff = 0;
  /** The last probe before the connection is given up was asked for; says nothing without backoff. */
  #hasProbedLast = false;
  /** When the loss detection timer was last set: anti-deadlock probes count from there. −∞ before the first packet. */
  #timerSetAtUs = Number.NEGATIVE_INFINITY;
  /** Reused for every ACK. */
  readonly #sample: AckSample = {
    nowUs: 0,
    ackedBytes: 0,
    lostBytes: 0,
    priorInFlight: 0,
    bytesInFlight: 0,
    rttUs: null,
    smoothedRttUs: 0,
    minRttUs: 0,
    largestAckedSentAtUs: 0,
    deliveredBytes: 0,
    priorDeliveredBytes: 0,
    txInFlightBytes: 0,
    lostSinceSentBytes: 0,
    deliveryRateBps: null,
    intervalUs: 0,
    isAppLimited: false,
  };

  constructor(options: RecoveryOptions) {
    this.#controller = options.controller;
    this.rtt = new RttEstimator(options.initialRttUs);
    this.maxAckDelayUs = options.maxAckDelayUs ?? DEFAULT_MAX_ACK_DELAY_US;
    this.datagramBytes = options.datagramBytes;
    this.#giveUpAtUs = options.giveUpAtUs ?? (() => Number.POSITIVE_INFINITY);
  }

  get controller(): CongestionController {
    return this.#controller;
  }

  /** Another controller from now on, in its first state; what is known of the path stays. */
  changeController(controller: CongestionController): void {
    this.#controller = controller;
    this.#standingLosses = 0;
  }

  /**
   * All application packets take another path from now on (RFC 9000 §9.4): window and RTT start anew, and what was sent
   * before counts for neither. It stays in flight until its fate is known, so nothing is sent on top of it.
   */
  changePath(controller: CongestionController): void {
    this.#controller = controller;
    this.#sampler = new RateSampler();
    this.#deliveryRateBps = 0;
    this.rtt.reset();
    this.#pathFrom = this.#application.sent.next;
    this.#firstRttSampleAtUs = null;
    this.#standingLosses = 0;
    this.#application.spurious.leavePath();
    this.#ptoBackoff = 0;
  }

  get bytesInFlight(): number {
    return this.#bytesInFlight;
  }

  get stats(): RecoveryStats {
    return this.#stats;
  }

  /** How fast the path delivers, bits per second: the newest sample that was not held down by the application; null before any. */
  get deliveryRateBps(): number | null {
    return this.#deliveryRateBps === 0 ? null : this.#deliveryRateBps;
  }

  /** Whether it is the application, not the window, that limits what is sent, as of the newest acknowledgement. */
  get isAppLimited(): boolean {
    return this.#sampler.isAppLimited;
  }

  /** Whether the congestion window has room for `bytes` more. Probes and packets not in flight need not ask. */
  canSend(bytes: number): boolean {
    return this.#bytesInFlight + bytes <= this.#controller.cwnd;
  }

  /** To be called when there is nothing more to send. Without room in the window it means nothing. */
  onAppLimited(nowUs: number): void {
    if (!this.canSend(this.datagramBytes)) return;
    this.#sampler.onAppLimited(this.#bytesInFlight);
    this.#controller.onAppLimited(nowUs, this.#bytesInFlight);
  }

  /**
   * RFC 9002 A.5. Every packet, also those that hold only an ACK; numbers rising within a space. A number left out
   * counts as skipped on purpose. Fills in the packet's delivery-rate fields.
   */
  onPacketSent(space: Space, packet: SentPacket<F>, nowUs: number): void {
    const state = this.#space(space);
    const { sent } = state;
    packet.sentAtUs = nowUs;
    const before = sent.next;
    sent.push(packet, this.#history.onSent(nowUs));
    this.#stats.packetsSent++;
    this.#stats.bytesSent += packet.bytes;
    if (packet.inFlight) {
      this.#sampler.onSent(packet, this.#bytesInFlight);
      this.#bytesInFlight += packet.bytes;
      if (packet.ackEliciting) {
        state.lastAckElicitingAtUs = nowUs;
        state.ackElicitingInFlight++;
      }
      this.#controller.onSent(nowUs, packet.bytes, this.#bytesInFlight, packet.isAppLimited);
      this.#timerSetAtUs = nowUs;
    }
    for (let number = before; number <= packet.packetNumber; number++) {
      const old = sent.get(number - UNELICITED_MEMORY);
      if (!old || old.inFlight) continue;
      this.#history.onDiscarded(sent.ordinalOf(old.packetNumber));
      sent.remove(old.packetNumber);
    }
  }

  /**
   * RFC 9002 A.7: takes an ACK frame's ranges (largest first, `first` ≤ `last`) and its decoded delay. Returns what
   * it newly acknowledged and what is lost because of it, both in sending order; null when it acknowledges a packet
   * never sent (the connection is then to be closed with PROTOCOL_VIOLATION, RFC 9000 §13.1).
   */
  onAck(
    space: Space,
    ranges: readonly PacketRange[],
    ackDelayUs: number,
    nowUs: number,
  ): { acked: SentPacket<F>[]; lost: SentPacket<F>[] } | null {
    const state = this.#space(space);
    const { sent } = state;
    const largest = ranges[0]!.last;
    if (largest >= sent.next || sent.hasSkippedIn(ranges)) return null;
    if (largest > state.largestAcked) state.largestAcked = largest;
    this.#takeBackLosses(state, ranges, nowUs);

    const acked: SentPacket<F>[] = [];
    const priorInFlight = this.#bytesInFlight;
    const pathFrom = space === 'application' ? this.#pathFrom : 0;
    let ackedOnPath = 0;
    let anyAckEliciting = false;
    this.#sampler.begin();
    const { oldest } = sent;
    let open = 1;
    while (open < ranges.length && ranges[open]!.last >= oldest) open++;
    while (--open >= 0) {
      const { first, last } = ranges[open]!;
      for (let number = Math.max(first, oldest); number <= last; number++) {
        const packet = sent.take(number);
        if (!packet) continue;
        this.#history.onAcked(sent.takenOrdinal);
        acked.push(packet);
        this.#stats.packetsAcked++;
        this.#stats.bytesAcked += packet.bytes;
        if (packet.ackEliciting) anyAckEliciting = true;
        if (!packet.inFlight) continue;
        if (packet.ackEliciting) state.ackElicitingInFlight--;
        this.#bytesInFlight -= packet.bytes;
        if (number < pathFrom) continue;
        ackedOnPath += packet.bytes;
        this.#sampler.onAcked(packet, nowUs);
      }
    }
    if (acked.length === 0) return { acked, lost: NONE };
    const newest = acked[acked.length - 1]!;

    // RFC 9002 §5.1: a sample needs the largest acknowledged to be new, and something that asked for this ACK.
    let rttUs: number | null = null;
    if (newest.packetNumber === largest && anyAckEliciting && largest >= pathFrom) {
      const latestUs = Math.max(1, nowUs - newest.sentAtUs);
      // RFC 9002 §5.3: Initial packets are acknowledged at once; what the field says is ignored.
      const delayUs = space === 'initial' ? 0 : ackDelayUs;
      rttUs = this.rtt.update(latestUs, delayUs, this.handshakeConfirmed, this.maxAckDelayUs);
      this.#firstRttSampleAtUs ??= nowUs;
    }

    const lost = this.#detectLost(state, nowUs);
    if (ackedOnPath > 0) {
      const sample = this.#sample;
      sample.nowUs = nowUs;
      sample.ackedBytes = ackedOnPath;
      sample.lostBytes = this.#lostOnPath;
      sample.priorInFlight = priorInFlight;
      sample.bytesInFlight = this.#bytesInFlight;
      sample.rttUs = rttUs;
      sample.smoothedRttUs = this.rtt.smoothedUs;
      sample.minRttUs = this.rtt.minUs;
      sample.deliveryRateBps = this.#sampler.finish(this.rtt.minUs);
      sample.largestAckedSentAtUs = this.#sampler.newestSentAtUs;
      sample.deliveredBytes = this.#sampler.deliveredBytes;
      sample.priorDeliveredBytes = this.#sampler.priorDeliveredBytes;
      sample.txInFlightBytes = this.#sampler.txInFlightBytes;
      sample.lostSinceSentBytes = this.#sampler.lostSinceSentBytes;
      sample.intervalUs = this.#sampler.intervalUs;
      sample.isAppLimited = this.#sampler.isAppLimited;
      this.#noteDeliveryRate(sample);
      this.#controller.onAck(sample);
    }
    // RFC 9002 §6.2.2.1: acknowledging a Handshake packet proves that the server has validated the address.
    if (space === 'handshake') this.peerCompletedAddressValidation = true;
    // RFC 9002 §6.2.1: a client that may still be deadlocked keeps its backoff.
    if (this.#addressValidated) this.#ptoBackoff = 0;
    this.#timerSetAtUs = nowUs;
    return { acked, lost };
  }

  /** Losses that were none, and what they made the controller do, where none of the event's is left. */
  #takeBackLosses(state: SpaceState<F>, ranges: readonly PacketRange[], nowUs: number): void {
    const { spurious } = state;
    if (spurious.isEmpty) return;
    const sinceUs = nowUs - 3 * this.rtt.ptoBaseUs(0);
    this.#stats.spuriousLosses += spurious.take(ranges, sinceUs, this.#priorRecoveryFromUs);
    if (spurious.foundSince === 0 || this.#standingLosses === 0) return;
    this.#standingLosses -= spurious.foundSince;
    if (this.#standingLosses > 0) return;
    // There was no such event: what was sent before it may be the loss that begins one.
    this.#recoveryFromUs = this.#priorRecoveryFromUs;
    this.#controller.onSpuriousLoss(nowUs);
  }

  /** An idle application says nothing about the path, unless it got more through than was known to pass. */
  #noteDeliveryRate({ deliveryRateBps, isAppLimited }: AckSample): void {
    if (deliveryRateBps === null || (isAppLimited && deliveryRateBps < this.#deliveryRateBps)) return;
    this.#deliveryRateBps = deliveryRateBps;
  }

  /** Probe timeouts since the last sign of life. */
  get timeoutsInRow(): number {
    return this.#ptoBackoff;
  }

  /** When `onTimeout` is to be called; null for never (RFC 9002 A.8). */
  deadlineUs(): number | null {
    const { lossTimeUs } = this.#earliestLossSpace();
    if (lossTimeUs < Number.POSITIVE_INFINITY) return lossTimeUs;
    const ptoSpace = this.#ptoSpace();
    return ptoSpace && this.#ptoAtUs(ptoSpace);
  }

  /** RFC 9002 A.9. Called early it does nothing. `probe` asks for ack-eliciting packets whatever the window says. */
  onTimeout(nowUs: number): {
    lost: { space: Space; packet: SentPacket<F> }[];
    probe: { space: Space; count: 1 | 2 } | null;
  } {
    const lossSpace = this.#earliestLossSpace();
    if (lossSpace.lossTimeUs < Number.POSITIVE_INFINITY) {
      if (nowUs < lossSpace.lossTimeUs) return { lost: [], probe: null };
      const lost = this.#detectLost(lossSpace, nowUs).map((packet) => ({ space: lossSpace.name, packet }));
      this.#timerSetAtUs = nowUs;
      return { lost, probe: null };
    }
    const space = this.#ptoSpace();
    if (!space || nowUs < this.#ptoAtUs(space)) return { lost: [], probe: null };
    if (this.#ptoBackoff === 0) this.#hasProbedLast = false;
    if (nowUs >= this.#lastProbeAtUs(space)) this.#hasProbedLast = true;
    this.#ptoBackoff++;
    this.#stats.ptoCount++;
    this.#timerSetAtUs = nowUs;
    // RFC 9002 §6.2.4: a second probe spares another, longer timeout when the first is lost too.
    const count = space.ackElicitingInFlight > 0 ? 2 : 1;
    return { lost: [], probe: { space: space.name, count } };
  }

  /** Ack-eliciting packets whose fate is open, oldest first: what a probe may carry again. */
  *unacked(space: Space): Generator<SentPacket<F>> {
    for (const packet of this.#space(space).sent) if (packet.ackEliciting) yield packet;
  }

  /** RFC 9002 A.11: the keys are gone, and with them whatever was in flight. Packet numbers go on where they were. */
  discardSpace(space: Space): void {
    const state = this.#space(space);
    const { sent } = state;
    for (let packet = sent.first(); packet; packet = sent.first()) {
      if (packet.inFlight) this.#bytesInFlight -= packet.bytes;
      this.#history.onDiscarded(sent.ordinalOf(packet.packetNumber));
      sent.remove(packet.packetNumber);
    }
    state.ackElicitingInFlight = 0;
    state.lossTimeUs = Number.POSITIVE_INFINITY;
    this.#ptoBackoff = 0;
  }

  get #addressValidated(): boolean {
    return this.peerCompletedAddressValidation || this.handshakeConfirmed;
  }

  #space(space: Space): SpaceState<F> {
    if (space === 'application') return this.#application;
    return space === 'handshake' ? this.#handshake : this.#initial;
  }

  /** The space whose oldest open packet is the first to be lost by time threshold, where any waits for that. */
  #earliestLossSpace(): SpaceState<F> {
    let earliest = this.#initial;
    if (this.#handshake.lossTimeUs < earliest.lossTimeUs) earliest = this.#handshake;
    return this.#application.lossTimeUs < earliest.lossTimeUs ? this.#application : earliest;
  }

  /** The space whose probe timeout expires first; null when none is armed (RFC 9002 A.8). */
  #ptoSpace(): SpaceState<F> | null {
    if (this.antiAmplificationBlocked || this.#timerSetAtUs === Number.NEGATIVE_INFINITY) return null;
    let earliest = this.#earlierPto(null, this.#initial);
    earliest = this.#earlierPto(earliest, this.#handshake);
    // RFC 9002 §6.2.1: not before the handshake is confirmed, since the peer may lack the keys to answer.
    if (this.handshakeConfirmed) earliest = this.#earlierPto(earliest, this.#application);
    if (earliest || this.#addressValidated) return earliest;
    // RFC 9002 §6.2.2.1: the server may have used up its credit; only the client can unlock it.
    return this.hasHandshakeKeys ? this.#handshake : this.#initial;
  }

  #earlierPto(earliest: SpaceState<F> | null, other: SpaceState<F>): SpaceState<F> | null {
    if (other.ackElicitingInFlight === 0) return earliest;
    return earliest === null || this.#ptoAtUs(other) < this.#ptoAtUs(earliest) ? other : earliest;
  }

  #ptoAtUs(space: SpaceState<F>): number {
    const fromUs = space.ackElicitingInFlight > 0 ? space.lastAckElicitingAtUs : this.#timerSetAtUs;
    const periodUs = this.rtt.ptoBaseUs(space === this.#application ? this.maxAckDelayUs : 0);
    if (this.#ptoBackoff === 0) return fromUs + periodUs;
    const backedOffUs = Math.min(periodUs * 2 ** this.#ptoBackoff, MAX_BACKED_OFF_PTO_US);
    return Math.min(fromUs + Math.max(periodUs, backedOffUs), this.#lastProbeAtUs(space));
  }

  /**
   * RFC 9000 §10.1.1: a last probe, before backoff lets the idle timeout pass in silence and close a connection whose path is
   * there again. Infinity once it was asked for, and where another probe is under way so late that it stands for it.
   */
  #lastProbeAtUs(space: SpaceState<F>): number {
    if (space !== this.#application || this.#hasProbedLast) return Number.POSITIVE_INFINITY;
    const atUs = this.#giveUpAtUs() - LAST_PROBE_PTOS * this.rtt.ptoBaseUs(this.maxAckDelayUs);
    return atUs > space.lastAckElicitingAtUs ? atUs : Number.POSITIVE_INFINITY;
  }

  /** RFC 9002 A.10 and, for what it finds, B.8. Sets the space's loss time. */
  #detectLost(state: SpaceState<F>, nowUs: number): SentPacket<F>[] {
    const { sent, largestAcked } = state;
    state.lossTimeUs = Number.POSITIVE_INFINITY;
    this.#lostOnPath = 0;
    const oldest = sent.first();
    if (!oldest || oldest.packetNumber > largestAcked) return NONE;
    const { latestUs, smoothedUs } = this.rtt;
    const lossDelayUs = Math.max(TIME_THRESHOLD * Math.max(latestUs, smoothedUs), GRANULARITY_US);
    const lost: SentPacket<F>[] = [];
    const ordinals: number[] = [];
    const lostOnPath: SentPacket<F>[] = [];
    const pathFrom = state === this.#application ? this.#pathFrom : 0;
    let lostInFlight = 0;
    let largestSentAtUs = 0;
    for (let packet = sent.first(); packet && packet.packetNumber <= largestAcked; packet = sent.first()) {
      const { packetNumber, sentAtUs, ackEliciting } = packet;
      if (sentAtUs + lossDelayUs > nowUs && largestAcked < packetNumber + PACKET_THRESHOLD) {
        // Packets sent later are lost later still.
        state.lossTimeUs = sentAtUs + lossDelayUs;
        break;
      }
      const ordinal = sent.ordinalOf(packetNumber);
      sent.remove(packetNumber);
      lost.push(packet);
      ordinals.push(ordinal);
      // RFC 9000 §14.4: a probe of a size that does not pass says nothing about the path's load.
      if (packet.isMtuProbe) {
        this.#history.onDiscarded(ordinal);
        ordinals.pop();
        state.ackElicitingInFlight--;
        this.#bytesInFlight -= packet.bytes;
        continue;
      }
      const isOnPath = packet.inFlight && packetNumber >= pathFrom;
      state.spurious.add(packetNumber, isOnPath ? sentAtUs : Number.NEGATIVE_INFINITY, nowUs);
      this.#stats.packetsLost++;
      this.#stats.bytesLost += packet.bytes;
      // RFC 9002 §7.6.2: a period starts and ends with ack-eliciting packets sent after an RTT sample existed.
      const hadSample = this.#firstRttSampleAtUs !== null && sentAtUs > this.#firstRttSampleAtUs;
      this.#history.onLost(ordinal, ackEliciting && hadSample);
      if (!packet.inFlight) continue;
      if (ackEliciting) state.ackElicitingInFlight--;
      lostInFlight += packet.bytes;
      if (!isOnPath) continue;
      lostOnPath.push(packet);
      this.#lostOnPath += packet.bytes;
      largestSentAtUs = sentAtUs;
    }
    this.#bytesInFlight -= lostInFlight;
    if (this.#lostOnPath === 0) return lost;
    if (largestSentAtUs > this.#recoveryFromUs) {
      this.#priorRecoveryFromUs = this.#recoveryFromUs;
      this.#recoveryFromUs = nowUs;
      this.#stats.congestionEvents++;
      this.#standingLosses = 0;
    }
    // Packets sent before the recovery period before this event's are stragglers of an older one.
    for (const packet of lostOnPath) if (packet.sentAtUs > this.#priorRecoveryFromUs) this.#standingLosses++;
    this.#sampler.onLost(this.#lostOnPath);
    this.#controller.onLoss({
      nowUs,
      lostBytes: this.#lostOnPath,
      packets: lostOnPath,
      totalLostBytes: this.#sampler.lostBytes,
      deliveredBytes: this.#sampler.deliveredBytes,
      bytesInFlight: this.#bytesInFlight,
      largestLostSentAtUs: largestSentAtUs,
    });
    // RFC 9002 §7.6.1: max_ack_delay counts whatever the space of the losses.
    const durationUs = PERSISTENT_CONGESTION_THRESHOLD * this.rtt.ptoBaseUs(this.maxAckDelayUs);
    if (this.#history.establishesPersistentCongestion(ordinals, durationUs)) {
      this.#stats.persistentCongestions++;
      this.#controller.onPersistentCongestion(nowUs);
    }
    return lost;
  }
}
