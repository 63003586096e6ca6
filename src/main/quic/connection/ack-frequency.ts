/**
 * How often the other end acknowledges: what is asked of the peer, and what it asked of us (draft-ietf-quic-ack-frequency).
 * A bulk sender's peer answers every tenth packet or so, which spares both ends, and no later than a part of the RTT.
 */
import { AckRequests, ASKED_REORDERING_THRESHOLD, heldBackUs } from '../../recovery/ack-requests.ts';
import type { ReceivedPackets } from '../../recovery/received-packets.ts';
import { GRANULARITY_US } from '../../recovery/rtt.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import type { Frame } from '../wire/frames.ts';

type AckFrequencyFrame = Extract<Frame, { type: 'ack_frequency' }>;

/** min_ack_delay we announce: what our timers can keep. */
export const MIN_ACK_DELAY_US = GRANULARITY_US;
/** max_ack_delay is less than 2^14 ms (RFC 9000 §18.2). */
const MAX_ACK_DELAY_US = 2 ** 14 * 1000;

export class AckFrequency {
  readonly #received: ReceivedPackets;
  /** Sequence number of the newest frame of the peer. */
  #newest = -1;
  /** Of the peer; at least infinite when it takes no such frames. */
  #peer = { minDelayUs: Number.POSITIVE_INFINITY, maxDelayUs: 0 };
  readonly #requests = new AckRequests();
  #nextSequence = 0;

  constructor(application: ReceivedPackets) {
    this.#received = application;
  }

  applyPeerParameters(peer: { minAckDelayUs: number; maxAckDelayMs: number }): void {
    this.#peer = { minDelayUs: peer.minAckDelayUs, maxDelayUs: peer.maxAckDelayMs * 1000 };
  }

  /** Whether the peer takes ACK_FREQUENCY and IMMEDIATE_ACK. */
  get isSupported(): boolean {
    return this.#peer.minDelayUs !== Number.POSITIVE_INFINITY;
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
    this.#received.maxAckDelayUs = heldBackUs(maxAckDelayUs);
    this.#received.reorderingThreshold = reorderingThreshold;
  }

  /** The frame to send now that window and RTT are these: at most one an RTT, and only for a change worth telling (§7.1). */
  request(nowUs: number, windowPackets: number, smoothedRttUs: number): AckFrequencyFrame | null {
    if (!this.isSupported || !this.#requests.isDue(nowUs, windowPackets, smoothedRttUs, this.#peer))
      return null;
    return {
      type: 'ack_frequency',
      sequence: this.#nextSequence++,
      threshold: this.#requests.packets - 1,
      maxAckDelayUs: this.#requests.maxAckDelayUs,
      reorderingThreshold: ASKED_REORDERING_THRESHOLD,
    };
  }
}
