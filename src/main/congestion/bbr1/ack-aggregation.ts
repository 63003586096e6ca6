/**
 * How much more than the bandwidth estimate accounts for is acknowledged at once, where ACKs come in clumps (Linux
 * tcp_bbr.c, bbr_update_ack_aggregation): the window must hold that much more, or sending stops between them.
 */
import { SlottedMax } from '../bbr/slotted-max.ts';
import type { AckSample } from '../controller.ts';

/** An epoch in which so much was acknowledged has become too long to tell (2^20 packets in Linux). */
const EPOCH_RESET_BYTES = 1500 * 2 ** 20;
/** The allowance never exceeds what the bandwidth estimate delivers in this time. */
const MAX_EXTRA_US = 100_000;

export class AckAggregation {
  readonly #filterLen: number;
  /** Two windows: the maximum is of the last one to two times the filter's length. */
  readonly #extraAcked = new SlottedMax(2);
  #windowRounds = 0;
  #epochStartUs = 0;
  #epochAckedBytes = 0;

  constructor(filterLen: number) {
    this.#filterLen = filterLen;
  }

  restart(nowUs: number): void {
    this.#epochStartUs = nowUs;
    this.#epochAckedBytes = 0;
  }

  /** Takes an ACK; `roundStart`: it is the first of a round trip. */
  update(sample: AckSample, bandwidthBps: number, cwnd: number, roundStart: boolean): void {
    const { nowUs, ackedBytes } = sample;
    if (roundStart && ++this.#windowRounds >= this.#filterLen) {
      this.#windowRounds = 0;
      this.#extraAcked.advance(2);
    }
    let expectedBytes = (bandwidthBps * (nowUs - this.#epochStartUs)) / 8e6;
    const acked = this.#epochAckedBytes;
    if (acked <= expectedBytes || acked + ackedBytes >= EPOCH_RESET_BYTES) {
      this.restart(nowUs);
      expectedBytes = 0;
    }
    this.#epochAckedBytes += ackedBytes;
    this.#extraAcked.add(Math.min(this.#epochAckedBytes - expectedBytes, cwnd));
  }

  /** What the window needs on top of its multiple of the BDP, bytes. */
  allowance(bandwidthBps: number): number {
    return Math.min(this.#extraAcked.value, (bandwidthBps * MAX_EXTRA_US) / 8e6);
  }
}
