/**
 * How often a sender of much data wants to hear of its packets (draft-ietf-quic-ack-frequency): every tenth or so, and no
 * later than a part of the RTT, which spares both ends.
 */
import { GRANULARITY_US } from './rtt.ts';

/** RFC 9000 §13.2.2: an ACK for every other packet, where nobody asked for anything. */
const RFC_9000_THRESHOLD = 2;
/** ACKs asked for in each window, and packets that one answers at most. */
const ACKS_PER_WINDOW = 4;
const LARGEST_THRESHOLD = 10;
const ACKS_PER_RTT = 4;
/** What is asked for is changed when it is off by such a factor. */
const NOTABLE = 2;
/** Where loss detection finds out: no ACK before helps it (RFC 9002 §6.1.1). */
export const ASKED_REORDERING_THRESHOLD = 3;
/** Of the delay that a peer may expect, the part that our timers may come late (spec/congestion.md). */
const PUNCTUALITY = 0.8;

/** How long an acknowledgement is held back where the peer asked for `maxAckDelayUs` at most. */
export const heldBackUs = (maxAckDelayUs: number): number =>
  Math.max(GRANULARITY_US, PUNCTUALITY * maxAckDelayUs);

export class AckRequests {
  /** What was asked for last: an ACK for so many packets, and for each within so long. */
  packets = RFC_9000_THRESHOLD;
  maxAckDelayUs = 0;
  #askedAtUs = Number.NEGATIVE_INFINITY;

  /**
   * Whether to ask anew now that window and RTT are these; `packets` and `maxAckDelayUs` then tell what for. At most once an
   * RTT, and only for a change worth telling (§7.1). The delay is held within what the peer can keep and what it announced.
   */
  isDue(
    nowUs: number,
    windowPackets: number,
    smoothedRttUs: number,
    peer: { minDelayUs: number; maxDelayUs: number },
  ): boolean {
    if (nowUs - this.#askedAtUs < smoothedRttUs) return false;
    const packets = clamp(Math.floor(windowPackets / ACKS_PER_WINDOW), RFC_9000_THRESHOLD, LARGEST_THRESHOLD);
    const least = Math.max(GRANULARITY_US, peer.minDelayUs);
    const maxAckDelayUs = Math.floor(clamp(smoothedRttUs / ACKS_PER_RTT, least, peer.maxDelayUs));
    const isNotable =
      (packets !== this.packets && (packets === LARGEST_THRESHOLD || differs(packets, this.packets))) ||
      (this.maxAckDelayUs > 0 && differs(maxAckDelayUs, this.maxAckDelayUs));
    if (!isNotable) return false;
    this.packets = packets;
    this.maxAckDelayUs = maxAckDelayUs;
    this.#askedAtUs = nowUs;
    return true;
  }
}

const clamp = (value: number, least: number, most: number): number => Math.max(least, Math.min(value, most));
const differs = (a: number, b: number): boolean => a >= NOTABLE * b || b >= NOTABLE * a;
