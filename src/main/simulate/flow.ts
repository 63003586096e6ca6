/**
 * One flow: a sender with the transport’s own recovery, pacer and controller, and a receiver that acknowledges as the
 * transport does. The connection stands when the flow begins; nothing is known of the path yet.
 */
import type { CongestionController } from '../congestion/controller.ts';
import { AckRequests, ASKED_REORDERING_THRESHOLD, heldBackUs } from '../recovery/ack-requests.ts';
import { Pacer } from '../recovery/pacer.ts';
import type { PacketRange } from '../recovery/packet-ranges.ts';
import { ReceivedPackets } from '../recovery/received-packets.ts';
import { Recovery } from '../recovery/recovery.ts';
import { GRANULARITY_US } from '../recovery/rtt.ts';
import type { SentPacket } from '../recovery/types.ts';
import { AckRing } from './ack-ring.ts';
import { ChunkSet } from './chunk-set.ts';
import { Histogram } from './histogram.ts';
import type { Source } from './source.ts';

/** A data packet between sender and receiver. */
export interface Datagram {
  flow: Flow;
  packetNumber: number;
  chunk: number;
  /** Bytes the link counts. */
  linkBytes: number;
  sentAtUs: number;
  /** In the queue of the bottleneck. */
  waitedUs: number;
  /** How many of its flow the link had accepted before. */
  order: number;
}

export interface FlowOptions {
  index: number;
  controller: CongestionController;
  source: Source;
  datagramBytes: number;
  /** What a packet holds besides its payload. */
  overheadBytes: number;
  /** From the receiver, or the link that ACKs pass, back to the sender. */
  ackPathUs: number;
  startUs: number;
  stopUs: number;
  /** Null: as the sender asks for. */
  ackEvery: number | null;
  maxAckDelayUs: number;
  /** Infinity: the sender never gives up. */
  idleTimeoutUs: number;
  /** Whether the link makes copies of packets. */
  mayComeTwice: boolean;
  /** Hands a packet to the link; false when it is dropped at once. */
  transmit: (flow: Flow, packetNumber: number, chunk: number, bytes: number, nowUs: number) => boolean;
  /** Hands an ACK to the link it has to pass; null: nothing befalls ACKs. */
  sendAck: ((flow: Flow, ranges: readonly PacketRange[], delayUs: number, nowUs: number) => void) | null;
}

/** Counts since the flow began. */
export interface FlowCounters {
  packetsSent: number;
  packetsAccepted: number;
  /** Each once. */
  packetsArrived: number;
  /** That had arrived before. */
  packetsDuplicated: number;
  /** Of those the link accepted, how many were before the newest that arrived, itself included: what did not is lost. */
  packetsPassed: number;
  packetsRetransmitted: number;
  /** Payload that arrived, each byte once. */
  payloadBytes: number;
}

/** In the place of a chunk: a packet without payload. Every set of chunks takes it for one that it has. */
const PING = -1;
/** 1 flags, 8 connection id, 2 packet number, 1 frame, 16 tag. */
const PING_BYTES = 28;
/** Packets after which a flow counts as one of much data (quic/connection/receiver.ts). */
const SETTLED_AFTER = 100;
/** Chunks sent again that are kept in front of those still to be. */
const LOST_KEPT = 1024;
const never = Number.POSITIVE_INFINITY;

export class Flow {
  readonly index: number;
  readonly recovery: Recovery<number>;
  readonly controller: CongestionController;
  readonly counters: FlowCounters = {
    packetsSent: 0,
    packetsAccepted: 0,
    packetsArrived: 0,
    packetsDuplicated: 0,
    packetsPassed: 0,
    packetsRetransmitted: 0,
    payloadBytes: 0,
  };
  /** RTT samples without the ACK delay, microseconds. */
  readonly rttUs = new Histogram();
  /** The newest of them; 0 before the first. */
  latestRttUs = 0;
  /** When the last byte of a finite transfer arrived. */
  completedAtUs: number | null = null;
  /** When the sender gave up. */
  timedOutAtUs: number | null = null;

  readonly #pacer = new Pacer();
  readonly #source: Source;
  readonly #datagramBytes: number;
  readonly #overheadBytes: number;
  readonly #ackPathUs: number;
  readonly #stopUs: number;
  readonly #idleTimeoutUs: number;
  readonly #mayComeTwice: boolean;
  readonly #transmit: FlowOptions['transmit'];
  readonly #sendAck: FlowOptions['sendAck'];
  /** Packets to be used again: the first `#freeCount`. */
  readonly #free: SentPacket<number>[] = [];
  #freeCount = 0;
  #nextPacketNumber = 0;
  #ended = false;
  /** Probes that a timeout owes. */
  #probes = 0;
  /** Packet numbers whose payload they may repeat. */
  #probeFrom = 0;
  #probeBefore = 0;
  /** Chunks to be sent again, oldest first from `#lostHead` on. */
  #lost: number[] = [];
  #lostHead = 0;
  readonly #acked = new ChunkSet();
  /** No later than the recovery’s own deadline: sending moves that only further away. */
  #timerUs = never;
  /** While packets are in flight: when the first of them left, or any was last acknowledged. */
  #unansweredSinceUs = 0;
  #pacedUntilUs = never;
  #dataAtUs: number;

  /** Null where the sender does not ask for acknowledgements. */
  readonly #peer: { minDelayUs: number; maxDelayUs: number } | null = null;
  readonly #requests = new AckRequests();
  /** First packet that carries what was asked for last; Infinity once it has arrived. */
  #askedFrom = never;

  readonly #received = new ReceivedPackets();
  readonly #arrived = new ChunkSet();
  readonly #acks = new AckRing();
  #ackDueUs = never;

  constructor(options: FlowOptions) {
    const { controller, datagramBytes, maxAckDelayUs } = options;
    this.#datagramBytes = datagramBytes;
    this.#overheadBytes = options.overheadBytes;
    this.#ackPathUs = options.ackPathUs;
    this.#stopUs = options.stopUs;
    this.#idleTimeoutUs = options.idleTimeoutUs;
    this.#mayComeTwice = options.mayComeTwice;
    this.#transmit = options.transmit;
    this.#sendAck = options.sendAck;
    this.index = options.index;
    this.controller = controller;
    this.#source = options.source;
    this.recovery = new Recovery({
      controller,
      datagramBytes,
      maxAckDelayUs,
      giveUpAtUs: () => this.#idleAtUs,
    });
    this.recovery.peerCompletedAddressValidation = true;
    this.recovery.handshakeConfirmed = true;
    if (options.ackEvery === null) this.#peer = { minDelayUs: GRANULARITY_US, maxDelayUs: maxAckDelayUs };
    else this.#received.ackThreshold = options.ackEvery;
    this.#received.maxAckDelayUs = maxAckDelayUs;
    this.#dataAtUs = options.startUs;
  }

  /** When `run` has something to do; Infinity for never. */
  get deadlineUs(): number {
    if (this.#ended) return never;
    let atUs = this.#acks.deadlineUs;
    if (this.#ackDueUs < atUs) atUs = this.#ackDueUs;
    if (this.#timerUs < atUs) atUs = this.#timerUs;
    if (this.#pacedUntilUs < atUs) atUs = this.#pacedUntilUs;
    if (this.#dataAtUs < atUs) atUs = this.#dataAtUs;
    return Math.min(this.#stopUs, atUs);
  }

  /** It has stopped or given up, whatever was in flight. */
  get hasEnded(): boolean {
    return this.#ended;
  }

  /** A packet reaches the receiver. */
  onArrival(packetNumber: number, chunk: number, order: number, nowUs: number): void {
    const received = this.#received;
    // RFC 9000 §12.3: a duplicate is discarded, and not acknowledged again.
    if (this.#mayComeTwice && received.isDuplicate(packetNumber)) {
      this.counters.packetsDuplicated++;
      return;
    }
    this.counters.packetsArrived++;
    if (order >= this.counters.packetsPassed) this.counters.packetsPassed = order + 1;
    if (packetNumber >= this.#askedFrom) this.#obey();
    received.onReceived(packetNumber, nowUs, true);
    if (this.#ended) return;
    if (this.#arrived.add(chunk)) {
      this.counters.payloadBytes += this.#source.bytesOf(chunk);
      if (this.#arrived.frontier === this.#source.chunks) this.completedAtUs = nowUs;
    }
    this.#ackDueUs = received.ackDeadlineUs!;
    if (this.#ackDueUs <= nowUs) this.#acknowledge(nowUs);
  }

  /** An ACK has passed the link that ACKs pass. */
  onAckCarried(ranges: readonly PacketRange[], delayUs: number, nowUs: number): void {
    this.#acks.push(ranges, delayUs, nowUs + this.#ackPathUs);
  }

  /** Does everything that is due. */
  run(nowUs: number): void {
    if (nowUs >= this.#stopUs) {
      this.#ended = true;
      return;
    }
    if (this.#ackDueUs <= nowUs) this.#acknowledge(nowUs);
    while (this.#acks.deadlineUs <= nowUs) this.#onAck(nowUs);
    if (this.#timerUs <= nowUs) this.#onTimer(nowUs);
    if (!this.#ended) this.#send(nowUs);
  }

  #acknowledge(nowUs: number): void {
    const received = this.#received;
    const delayUs = nowUs - received.largestReceivedAtUs;
    if (this.#sendAck === null) this.#acks.push(received.ranges, delayUs, nowUs + this.#ackPathUs);
    else this.#sendAck(this, received.ranges, delayUs, nowUs);
    received.onAckSent();
    this.#ackDueUs = never;
  }

  #onAck(nowUs: number): void {
    const { ranges, delayUs } = this.#acks.shift();
    const { acked, lost } = this.recovery.onAck('application', ranges, delayUs, nowUs)!;
    // The receiver is told at once what no longer needs repeating; packets that tell it are not simulated.
    this.#received.onAckOfAck(ranges[0]!.last);
    const count = acked.length;
    if (count > 0) {
      this.#unansweredSinceUs = nowUs;
      const newest = acked[count - 1]!;
      if (newest.packetNumber === ranges[0]!.last) {
        this.latestRttUs = nowUs - newest.sentAtUs - delayUs;
        this.rttUs.add(this.latestRttUs);
      }
      for (let i = 0; i < count; i++) {
        const packet = acked[i]!;
        this.#acked.add(packet.frames);
        this.#free[this.#freeCount++] = packet;
      }
    }
    for (let i = 0; i < lost.length; i++) this.#onLost(lost[i]!);
    if (this.#peer !== null && count > 0 && this.#nextPacketNumber >= SETTLED_AFTER)
      this.#ask(nowUs, this.#peer);
    this.#timerUs = this.recovery.deadlineUs() ?? never;
  }

  /** The next packet tells the receiver how often to acknowledge, where that has changed notably. */
  #ask(nowUs: number, peer: { minDelayUs: number; maxDelayUs: number }): void {
    const { recovery, controller } = this;
    if (recovery.isAppLimited) return;
    const windowPackets = controller.cwnd / this.#datagramBytes;
    if (this.#requests.isDue(nowUs, windowPackets, recovery.rtt.smoothedUs, peer))
      this.#askedFrom = this.#nextPacketNumber;
  }

  /** The receiver is told. */
  #obey(): void {
    this.#askedFrom = never;
    this.#received.ackThreshold = this.#requests.packets;
    this.#received.maxAckDelayUs = heldBackUs(this.#requests.maxAckDelayUs);
    this.#received.reorderingThreshold = ASKED_REORDERING_THRESHOLD;
  }

  #onTimer(nowUs: number): void {
    if (nowUs >= this.#idleAtUs) {
      this.timedOutAtUs = nowUs;
      this.#ended = true;
      return;
    }
    const dueUs = this.recovery.deadlineUs() ?? never;
    if (dueUs <= nowUs) {
      const { lost, probe } = this.recovery.onTimeout(nowUs);
      for (const { packet } of lost) this.#onLost(packet);
      if (probe !== null) {
        this.#probes = probe.count;
        this.#probeFrom = 0;
        this.#probeBefore = this.#nextPacketNumber;
      }
    }
    const nextUs = dueUs <= nowUs ? (this.recovery.deadlineUs() ?? never) : dueUs;
    // It is at least three probe timeouts long: the first of them always comes here before.
    this.#timerUs = Math.min(nextUs, this.#idleAtUs);
  }

  /**
   * When the sender gives up (RFC 9000 §10.1): infinite while nothing is in flight, for an application that pauses keeps its
   * connection.
   */
  get #idleAtUs(): number {
    const { rtt, maxAckDelayUs, bytesInFlight } = this.recovery;
    if (bytesInFlight === 0) return never;
    return this.#unansweredSinceUs + Math.max(this.#idleTimeoutUs, 3 * rtt.ptoBaseUs(maxAckDelayUs));
  }

  #onLost(packet: SentPacket<number>): void {
    if (!this.#acked.has(packet.frames)) this.#lost.push(packet.frames);
    this.#free[this.#freeCount++] = packet;
  }

  #send(nowUs: number): void {
    const { recovery, controller } = this;
    const datagramBytes = this.#datagramBytes;
    this.#pacedUntilUs = never;
    this.#dataAtUs = never;
    while (this.#probes > 0) {
      this.#probes--;
      this.#sendOne(this.#takeForProbe(nowUs), nowUs);
    }
    // Of a window that is full nothing needs to be known: an acknowledgement comes here again.
    while (recovery.canSend(datagramBytes)) {
      if (this.#lostHead === this.#lost.length) {
        const atUs = this.#source.availableAtUs(nowUs);
        if (atUs > nowUs) {
          this.#dataAtUs = atUs;
          recovery.onAppLimited(nowUs);
          return;
        }
      }
      const untilUs = this.#pacer.delayUntil(
        nowUs,
        datagramBytes,
        controller.pacingBps,
        controller.sendQuantum,
      );
      if (untilUs > nowUs) {
        this.#pacedUntilUs = untilUs;
        return;
      }
      this.#sendOne(this.#take(), nowUs);
    }
  }

  /** The next chunk: what was lost goes first. */
  #take(): number {
    if (this.#lostHead === this.#lost.length) return this.#source.take();
    this.counters.packetsRetransmitted++;
    const chunk = this.#lost[this.#lostHead++]!;
    if (this.#lostHead === this.#lost.length || this.#lostHead === LOST_KEPT) {
      this.#lost.splice(0, this.#lostHead);
      this.#lostHead = 0;
    }
    return chunk;
  }

  /** RFC 9002 §6.2.4: new data, else what is oldest in flight, in each probe of a timeout that of another packet. */
  #takeForProbe(nowUs: number): number {
    if (this.#lostHead < this.#lost.length || this.#source.availableAtUs(nowUs) <= nowUs) return this.#take();
    for (const { packetNumber, frames } of this.recovery.unacked('application')) {
      if (packetNumber >= this.#probeBefore) break;
      if (packetNumber < this.#probeFrom || this.#acked.has(frames)) continue;
      this.#probeFrom = packetNumber + 1;
      this.counters.packetsRetransmitted++;
      return frames;
    }
    return PING;
  }

  #sendOne(chunk: number, nowUs: number): void {
    const bytes = chunk === PING ? PING_BYTES : this.#overheadBytes + this.#source.bytesOf(chunk);
    const packet = this.#freeCount > 0 ? this.#free[--this.#freeCount]! : newPacket();
    const packetNumber = this.#nextPacketNumber++;
    packet.packetNumber = packetNumber;
    packet.bytes = bytes;
    packet.frames = chunk;
    const { controller, recovery } = this;
    recovery.onPacketSent('application', packet, nowUs);
    if (recovery.bytesInFlight === bytes) this.#unansweredSinceUs = nowUs;
    this.#pacer.onSent(nowUs, bytes, controller.pacingBps, controller.sendQuantum);
    if (this.#timerUs === never) this.#timerUs = recovery.deadlineUs() ?? never;
    this.counters.packetsSent++;
    if (this.#transmit(this, packetNumber, chunk, bytes, nowUs)) this.counters.packetsAccepted++;
  }
}

const newPacket = (): SentPacket<number> => ({
  packetNumber: 0,
  bytes: 0,
  sentAtUs: 0,
  ackEliciting: true,
  inFlight: true,
  isMtuProbe: false,
  frames: 0,
  delivered: 0,
  deliveredAtUs: 0,
  firstSentAtUs: 0,
  txInFlight: 0,
  lost: 0,
  isAppLimited: false,
});
