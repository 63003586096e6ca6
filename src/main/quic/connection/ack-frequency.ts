/**
 * How often the other end acknowledges: what is asked of the peer, and what it asked of us (draft-ietf-quic-ack-frequency).
 * A bulk sender's peer answers every tenth packet or so, which spares both ends, and no later than a part of the RTT.
 */
import type { ReceivedPackets } from '../../recovery/received-packets.ts';
import { GRANULARITY_US } from '../../recovery/rtt.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import type { Frame } from '../wire/frames.ts';
import { DEFAULT_PARAMETERS } from '../wire/transport-parameters.ts';

type AckFrequencyFrame = Extract<Frame, { type: 'ack_frequency' }>;

/** min_ack_delay we announce: what our timers can keep. */
export const MIN_ACK_DELAY_US = GRANULARITY_US;
/** max_ack_delay is less than 2^14 ms (RFC 9000 §18.2). */
const MAX_ACK_DELAY_US = 2 ** 14 * 1000;
/** Of the delay that a peer may expect, the part that our timers may come late (spec/congestion.md). */
const PUNCTUALITY = 0.8;
/** ACKs asked for in each window, and packets that one answers at most. */
const ACKS_PER_WINDOW = 4;
const LARGEST_THRESHOLD = 10;
const ACKS_PER_RTT = 4;
/** Where loss detection finds out: no ACK before helps it (RFC 9002 §6.1.1). */
const REORDERING_THRESHOLD = 3;
/** What is asked for is changed when it is off by such a factor. */
const NOTABLE = 2;

export class AckFrequency {
  readonly #received: ReceivedPackets;
  /** Sequence number of the newest frame of the peer. */
  #newest = -1;
  /** Of the peer; infinite when it takes no such frames. */
  #peerMinDelayUs = Number.POSITIVE_INFINITY;
  #peerMaxDelayUs = 0;
  #asked: AckFrequencyFrame | null = null;
  #askedAtUs = 0;

  constructor(application: ReceivedPackets) {
    this.#received = application;
  }

  applyPeerParameters(peer: { minAckDelayUs: number; maxAckDelayMs: number }): void {
    this.#peerMinDelayUs = peer.minAckDelayUs;
    this.#peerMaxDelayUs = peer.maxAckDelayMs * 1000;
  }

  /** Whether the peer takes ACK_FREQUENCY and IMMEDIATE_ACK. */
  get isSupported(): boolean {
    return this.#peerMinDelayUs !== Number.POSITIVE_INFINITY;
  }

  /** Whether the peer has said how often it wants to hear of its packets. */
  get isDirected(): boolean {
    return this.#newest >= 0;
  }

  /** Obeys the peer (§4). Throws QuicError PROTOCOL_VIOLATION for a delay that cannot be kept. */
  onFrame({ sequence, threshold, maxAckDelayUs, reorderingThreshold }: AckFrequencyFrame): void {
    if (maxAckDelayUs < MIN_ACK_DELAY_US || maxAckDelayUs >= MAX_ACK_DELAY_US) {
      throw new QuicError(TransportError.PROTOCOL_VIOLATION, 'requested max_ack_delay out of range', 0xaf);
    }
    if (sequence <= this.#newest) return;
    this.#newest = sequence;
    // The threshold is what may stay unanswered, ours what is answered at once.
    this.#received.ackThreshold = Math.min(threshold + 1, this.#received.largestAckThreshold);
    this.#received.maxAckDelayUs = Math.max(MIN_ACK_DELAY_US, PUNCTUALITY * maxAckDelayUs);
    this.#received.reorderingThreshold = reorderingThreshold;
  }

  /** The frame to send now that window and RTT are these: at most one an RTT, and only for a change worth telling (§7.1). */
  request(nowUs: number, windowPackets: number, smoothedRttUs: number): AckFrequencyFrame | null {
    if (!this.isSupported || (this.#asked && nowUs - this.#askedAtUs < smoothedRttUs)) return null;
    const packets = clamp(Math.floor(windowPackets / ACKS_PER_WINDOW), 2, LARGEST_THRESHOLD);
    const maxAckDelayUs = Math.floor(
      clamp(
        smoothedRttUs / ACKS_PER_RTT,
        Math.max(GRANULARITY_US, this.#peerMinDelayUs),
        this.#peerMaxDelayUs,
      ),
    );
    const [before, delayBefore] = this.#asked
      ? [this.#asked.threshold + 1, this.#asked.maxAckDelayUs]
      : [RFC_9000_THRESHOLD, DEFAULT_PARAMETERS.maxAckDelayMs * 1000];
    const isNotable =
      (packets !== before && (packets === LARGEST_THRESHOLD || differs(packets, before))) ||
      (this.#asked !== null && differs(maxAckDelayUs, delayBefore));
    if (!isNotable) return null;
    this.#asked = {
      type: 'ack_frequency',
      sequence: (this.#asked?.sequence ?? -1) + 1,
      threshold: packets - 1,
      maxAckDelayUs,
      reorderingThreshold: REORDERING_THRESHOLD,
    };
    this.#askedAtUs = nowUs;
    return this.#asked;
  }
}

/** RFC 9000 §13.2.2: an ACK for every other packet, where nobody asked for anything. */
const RFC_9000_THRESHOLD = 2;

const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(value, most));
const differs = (a: number, b: number): boolean => a >= NOTABLE * b || b >= NOTABLE * a;
