/**
 * One direction of a TCP connection through a `Direction` of a relay. The kernel's TCP ends at the relay, so what crosses the link
 * is a model of its segments: cut to the path's MTU, sent as far as the queue has room and the window allows, acknowledged one
 * propagation delay after they arrive, sent again when three sent later were acknowledged or nothing was for a timeout. What is
 * behind a lost segment waits for it. There is no congestion window: loss costs time, not rate (docs/adr/0014-tcp-baseline.md).
 */

import { nowUs } from './clock.ts';
import type { Direction } from './relay.ts';
import { scheduler } from './scheduler.ts';

/** Ahead of the payload: IPv4 or IPv6, TCP, and the timestamps that every segment carries (RFC 7323). */
export const TCP_HEADER_BYTES = { 4: 52, 6: 72 } as const;
/** What Linux grants a connection's receiver at most unless told otherwise (tcp_rmem). */
const WINDOW_BYTES = 6 * 2 ** 20;
/** RFC 5681 §3.2: as many later segments acknowledged tell a loss. */
const REORDERING = 3;
/** RFC 6298 §2: the timeout before any sample, and Linux's least. */
const FIRST_RTO_US = 1e6;
const LEAST_RTO_US = 200e3;
const MOST_RTO_US = 60e6;
/** A sender that found the queue full looks again so often. */
const LOOK_US = 250;
/** Transmissions that are settled are let go of so many at a time. */
const MOST_FORGOTTEN = 1024;

interface Segment {
  data: Buffer;
  /** Done where it arrives, in order. */
  arrive: () => void;
  /** Number of its newest transmission. */
  transmission: number;
  sentAtUs: number;
  isRepeated: boolean;
  hasArrived: boolean;
  isAcknowledged: boolean;
}

export class StreamWay {
  /** Segments sent again. */
  retransmitted = 0;

  readonly #direction: Direction;
  readonly #reverseUs: number;
  readonly #headerBytes: number;
  /** Told each time more can be given. */
  readonly #onRoom: () => void;
  /** Not yet sent, and sent but not arrived in order. */
  readonly #outbox: Segment[] = [];
  readonly #underWay: Segment[] = [];
  readonly #lost: Segment[] = [];
  /** In the order sent, from `#firstSent` on: transmissions not known to be acknowledged or lost. */
  #sent: { segment: Segment; transmission: number }[] = [];
  #firstSent = 0;
  /** Bytes given and not acknowledged. */
  #heldBytes = 0;
  #transmissions = 0;
  #isLooking = false;
  #smoothedUs: number | null = null;
  #variationUs = 0;
  #backoff = 1;
  #timerAtUs = Number.POSITIVE_INFINITY;
  /** When the task that looks at the timer runs next. */
  #armedForUs = Number.POSITIVE_INFINITY;

  /** `reverseUs` is how long an acknowledgement takes back. */
  constructor(direction: Direction, options: { reverseUs: number; headerBytes: number; onRoom: () => void }) {
    this.#direction = direction;
    this.#reverseUs = options.reverseUs;
    this.#headerBytes = options.headerBytes;
    this.#onRoom = options.onRoom;
  }

  /** Whether more can be given: the window is not full. */
  get hasRoom(): boolean {
    return this.#heldBytes < WINDOW_BYTES;
  }

  /** Takes bytes of the stream; `arrive` is called with each part that comes out at the other end, in order. */
  send(data: Buffer, arrive: (data: Buffer) => void): void {
    const mss = this.#direction.mtuBytes - this.#headerBytes;
    for (let at = 0; at < data.length; at += mss) {
      const part = data.subarray(at, at + mss);
      this.#give(part, () => arrive(part));
    }
    this.#pump();
  }

  /** A segment without payload, such as SYN and FIN. */
  signal(arrive: () => void): void {
    this.#give(Buffer.alloc(0), arrive);
    this.#pump();
  }

  /** Nothing arrives any more. */
  end(): void {
    scheduler.cancel(this);
    for (const list of [this.#outbox, this.#underWay, this.#lost, this.#sent]) list.length = 0;
    this.#firstSent = 0;
    this.#timerAtUs = Number.POSITIVE_INFINITY;
  }

  #give(data: Buffer, arrive: () => void): void {
    this.#heldBytes += data.length;
    const fresh = {
      transmission: 0,
      sentAtUs: 0,
      isRepeated: false,
      hasArrived: false,
      isAcknowledged: false,
    };
    this.#outbox.push({ data, arrive, ...fresh });
  }

  #pump(): void {
    const atUs = nowUs();
    for (;;) {
      const segment = this.#lost[0] ?? this.#outbox[0];
      if (segment === undefined) return;
      if (segment.hasArrived) {
        this.#lost.shift();
        continue;
      }
      if (!this.#direction.hasRoom(segment.data.length + this.#headerBytes, atUs)) {
        this.#lookAgain(atUs);
        return;
      }
      if (segment.transmission > 0) {
        this.#lost.shift();
        segment.isRepeated = true;
        this.retransmitted++;
      } else {
        this.#outbox.shift();
        this.#underWay.push(segment);
      }
      this.#transmit(segment, atUs);
    }
  }

  #lookAgain(atUs: number): void {
    if (this.#isLooking) return;
    this.#isLooking = true;
    scheduler.at(atUs + LOOK_US, this, () => {
      this.#isLooking = false;
      this.#pump();
    });
  }

  #transmit(segment: Segment, atUs: number): void {
    const transmission = ++this.#transmissions;
    segment.transmission = transmission;
    segment.sentAtUs = atUs;
    this.#sent.push({ segment, transmission });
    const { data } = segment;
    this.#direction.carry(
      data,
      atUs,
      (came) => {
        // Bits that flipped fail TCP's checksum.
        if (came === data) this.#arrived(segment, transmission);
      },
      { headerBytes: this.#headerBytes },
    );
    if (this.#timerAtUs === Number.POSITIVE_INFINITY) this.#setTimer(atUs);
  }

  #arrived(segment: Segment, transmission: number): void {
    if (!segment.hasArrived) {
      segment.hasArrived = true;
      let count = 0;
      while (this.#underWay[count]?.hasArrived) count++;
      for (const { arrive } of this.#underWay.splice(0, count)) arrive();
    }
    const atUs = nowUs() + this.#reverseUs;
    scheduler.at(atUs, this, () => this.#acknowledged(segment, transmission));
  }

  #acknowledged(segment: Segment, transmission: number): void {
    const atUs = nowUs();
    // RFC 6298 §3, Karn: which of several transmissions was answered cannot be told.
    if (!segment.isRepeated) this.#sample(atUs - segment.sentAtUs);
    this.#backoff = 1;
    if (!segment.isAcknowledged) {
      segment.isAcknowledged = true;
      this.#heldBytes -= segment.data.length;
    }
    this.#findLost(transmission);
    this.#setTimer(this.#firstSent === this.#sent.length ? Number.POSITIVE_INFINITY : atUs);
    this.#pump();
    if (this.hasRoom) this.#onRoom();
  }

  /** What left so long before a transmission that is acknowledged has arrived, or is lost. */
  #findLost(acknowledged: number): void {
    for (; this.#firstSent < this.#sent.length; this.#firstSent++) {
      const { segment, transmission } = this.#sent[this.#firstSent]!;
      if (segment.isAcknowledged) continue;
      if (transmission > acknowledged - REORDERING) break;
      if (!segment.hasArrived && segment.transmission === transmission) this.#lost.push(segment);
    }
    if (this.#firstSent < MOST_FORGOTTEN) return;
    this.#sent = this.#sent.slice(this.#firstSent);
    this.#firstSent = 0;
  }

  #sample(us: number): void {
    if (this.#smoothedUs === null) {
      this.#smoothedUs = us;
      this.#variationUs = us / 2;
      return;
    }
    this.#variationUs += (Math.abs(this.#smoothedUs - us) - this.#variationUs) / 4;
    this.#smoothedUs += (us - this.#smoothedUs) / 8;
  }

  #setTimer(fromUs: number): void {
    const rtoUs =
      this.#smoothedUs === null
        ? FIRST_RTO_US
        : Math.max(LEAST_RTO_US, this.#smoothedUs + 4 * this.#variationUs);
    this.#timerAtUs = fromUs + Math.min(MOST_RTO_US, rtoUs * this.#backoff);
    if (this.#timerAtUs < this.#armedForUs) this.#arm(this.#timerAtUs);
  }

  /** The timer moves with every acknowledgement, its task only when it runs too early. */
  #arm(atUs: number): void {
    this.#armedForUs = atUs;
    scheduler.at(atUs, this, () => {
      // Another was armed for an earlier moment since.
      if (this.#armedForUs !== atUs) return;
      this.#armedForUs = Number.POSITIVE_INFINITY;
      if (this.#timerAtUs === Number.POSITIVE_INFINITY) return;
      if (this.#timerAtUs > nowUs()) this.#arm(this.#timerAtUs);
      else this.#timeOut();
    });
  }

  /** RFC 6298 §5.4 to §5.6: the earliest that has not arrived is sent again. */
  #timeOut(): void {
    this.#backoff *= 2;
    this.#timerAtUs = Number.POSITIVE_INFINITY;
    const earliest = this.#underWay.find(({ hasArrived }) => !hasArrived);
    if (earliest !== undefined && !this.#lost.includes(earliest)) this.#lost.unshift(earliest);
    this.#setTimer(nowUs());
    this.#pump();
  }
}
