/** What was received in one packet-number space, and when to acknowledge it: RFC 9000 §13.2. */
import { type PacketRange, PacketRanges } from './packet-ranges.ts';

/** Ranges remembered to tell duplicates (RFC 9000 §12.3); what falls out counts as a duplicate. */
const REMEMBERED_RANGES = 256;
/** Ranges put into one ACK frame, newest first (RFC 9000 §13.2.3). */
const ACK_RANGES = 32;
/** max_ack_delay when the transport parameter is absent, RFC 9000 §18.2. */
const DEFAULT_MAX_ACK_DELAY_US = 25_000;
const MAX_ACK_THRESHOLD = 256;

export class ReceivedPackets {
  /** Longest time an acknowledgement is held back. */
  maxAckDelayUs = DEFAULT_MAX_ACK_DELAY_US;
  /**
   * How far a packet may overtake one that is missing before an ACK tells of it at once; 0: none is sent for that
   * (draft-ietf-quic-ack-frequency §6.2). 1, as RFC 9000 §13.2.1 has it, by default.
   */
  reorderingThreshold = 1;
  readonly largestAckThreshold = MAX_ACK_THRESHOLD;
  readonly #received = new PacketRanges(REMEMBERED_RANGES);
  /** Of `ranges`, where those are not all there are. */
  readonly #shown: PacketRange[] = [];
  #ackThreshold = 2;
  #largest = -1;
  #largestReceivedAtUs = 0;
  #largestAckEliciting = -1;
  /** Ack-eliciting packets since the last ACK was sent. */
  #unacknowledged = 0;
  /** Infinity when none is owed. */
  #ackDeadlineUs = Number.POSITIVE_INFINITY;
  /** Largest number in an ACK that was sent. */
  #largestReported = -1;
  /** The peer has seen an ACK of everything up to here: ranges below need not be repeated. */
  #ackedUpTo = -1;

  /** Largest packet number received, -1 before the first. */
  get largest(): number {
    return this.#largest;
  }

  /** When `largest` arrived: the ACK Delay field counts from here (RFC 9000 §13.2.5). */
  get largestReceivedAtUs(): number {
    return this.#largestReceivedAtUs;
  }

  /** When an ACK must be sent at the latest; null when none is owed. Due at once: a time that has come. */
  get ackDeadlineUs(): number | null {
    return this.#ackDeadlineUs === Number.POSITIVE_INFINITY ? null : this.#ackDeadlineUs;
  }

  /** An ACK is sent for every so many ack-eliciting packets (RFC 9000 §13.2.2). 1 to 256; 2 by default. */
  get ackThreshold(): number {
    return this.#ackThreshold;
  }

  set ackThreshold(packets: number) {
    if (!Number.isInteger(packets) || packets < 1 || packets > MAX_ACK_THRESHOLD) {
      throw new RangeError(`ack threshold ${packets} is not an integer from 1 to ${MAX_ACK_THRESHOLD}`);
    }
    this.#ackThreshold = packets;
  }

  /** Ranges for an ACK frame, largest first, at most 32. Valid until the next packet is received, or they are asked for again. */
  get ranges(): readonly PacketRange[] {
    const { list } = this.#received;
    let count = 1;
    while (count < list.length && count < ACK_RANGES && list[count]!.last > this.#ackedUpTo) count++;
    if (count >= list.length) return list;
    const shown = this.#shown;
    while (shown.length > count) shown.pop();
    for (let i = 0; i < count; i++) shown[i] = list[i]!;
    return shown;
  }

  /** True when the packet was received before, or is so old that nobody can tell. */
  isDuplicate(packetNumber: number): boolean {
    return this.#received.has(packetNumber);
  }

  /** Notes a packet that was opened and is no duplicate; `immediate` asks for an ACK without delay. */
  onReceived(packetNumber: number, nowUs: number, ackEliciting: boolean, immediate = false): void {
    this.#received.add(packetNumber);
    if (packetNumber > this.#largest) {
      this.#largest = packetNumber;
      this.#largestReceivedAtUs = nowUs;
    }
    // A straggler from below is acknowledged again with all that lies above it.
    if (packetNumber <= this.#ackedUpTo) this.#ackedUpTo = packetNumber - 1;
    // RFC 9000 §13.2.1: packets that elicit none never cause an ACK by themselves, gaps or not.
    if (!ackEliciting) return;
    this.#unacknowledged++;
    const isOutOfOrder = this.reorderingThreshold === 1 && this.#isOutOfOrder(packetNumber);
    if (packetNumber > this.#largestAckEliciting) this.#largestAckEliciting = packetNumber;
    if (immediate || isOutOfOrder || this.#unacknowledged >= this.#ackThreshold || this.#isFarAhead) {
      this.#ackDeadlineUs = nowUs;
    } else if (this.#ackDeadlineUs === Number.POSITIVE_INFINITY) {
      this.#ackDeadlineUs = nowUs + this.maxAckDelayUs;
    }
  }

  /** An ACK frame with `ranges` was sent. */
  onAckSent(): void {
    this.#unacknowledged = 0;
    this.#ackDeadlineUs = Number.POSITIVE_INFINITY;
    this.#largestReported = this.#largest;
  }

  /** The peer acknowledged a packet whose ACK frame had `largestAcknowledged` as its largest (RFC 9000 §13.2.4). */
  onAckOfAck(largestAcknowledged: number): void {
    if (largestAcknowledged > this.#ackedUpTo) this.#ackedUpTo = largestAcknowledged;
  }

  /** RFC 9000 §13.2.1: below another ack-eliciting packet, or above the highest of them with a gap between. */
  #isOutOfOrder(packetNumber: number): boolean {
    if (packetNumber < this.#largestAckEliciting) return true;
    const { list } = this.#received;
    let at = 0;
    while (list[at]!.first > packetNumber) at++;
    return list[at]!.first > this.#largestAckEliciting + 1;
  }

  /**
   * draft-ietf-quic-ack-frequency §6.2: the sender can take a packet for lost that no ACK has shown it to be missing: the
   * smallest such lies at least the threshold behind the largest.
   */
  get #isFarAhead(): boolean {
    const threshold = this.reorderingThreshold;
    if (threshold < 2) return false;
    const from = Math.max(0, this.#largestReported - threshold + 1);
    let missing = Number.POSITIVE_INFINITY;
    const { list } = this.#received;
    for (let i = 0; i < list.length && list[i]!.first > from; i++) {
      const below = list[i + 1];
      missing = below ? Math.max(from, below.last + 1) : from;
    }
    return this.#largestAckEliciting - missing >= threshold;
  }
}
