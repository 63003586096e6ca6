/**
 * CoDel, RFC 8289: drops from the head of a queue whose packets have waited for longer than TARGET throughout an INTERVAL,
 * ever faster until they no longer do. Decides when a packet is about to be sent.
 */
import { CODEL } from '../../shared/link-settings.ts';
import type { PacketRing } from './packet-ring.ts';

export class Codel {
  readonly #targetUs: number;
  readonly #intervalUs: number;
  /** When packets will have waited too long for an INTERVAL; null while they do not. */
  #firstAboveUs: number | null = null;
  #dropNextUs = 0;
  #isDropping = false;
  /** Drops since this dropping state was entered, and what that was at first. */
  #count = 0;
  #lastCount = 0;
  /** RFC 8289 §5.3 MAXPACKET, "should use interface MTU": the largest packet seen. */
  #maxPacketBytes = 0;

  constructor(targetMs: number = CODEL.targetMs, intervalMs: number = CODEL.intervalMs) {
    this.#targetUs = targetMs * 1e3;
    this.#intervalUs = intervalMs * 1e3;
  }

  /**
   * RFC 8289 §5.5 deque: takes out of `queue`, whose packets bear the moment they came, those that have to go at `nowUs`.
   * What is then its head is to be sent. Answers how many went.
   */
  dropFrom(queue: PacketRing<unknown>, nowUs: number): number {
    let dropped = 0;
    let mayDrop = this.#mayDrop(queue, nowUs);
    if (this.#isDropping) {
      if (!mayDrop) this.#isDropping = false;
      // A long queue can be due for several drops at once.
      while (this.#isDropping && nowUs >= this.#dropNextUs) {
        queue.shift();
        dropped++;
        this.#count++;
        mayDrop = this.#mayDrop(queue, nowUs);
        if (mayDrop) this.#dropNextUs = this.#controlLaw(this.#dropNextUs);
        else this.#isDropping = false;
      }
    } else if (mayDrop) {
      queue.shift();
      dropped++;
      this.#mayDrop(queue, nowUs);
      this.#isDropping = true;
      // If it was in control not long ago, the rate of drops that controlled the queue is where to go on from.
      const delta = this.#count - this.#lastCount;
      this.#count = delta > 1 && nowUs - this.#dropNextUs < 16 * this.#intervalUs ? delta : 1;
      this.#dropNextUs = this.#controlLaw(nowUs);
      this.#lastCount = this.#count;
    }
    return dropped;
  }

  /** RFC 8289 §5.6 dodeque, of the queue's head. */
  #mayDrop(queue: PacketRing<unknown>, nowUs: number): boolean {
    if (queue.size === 0) {
      this.#firstAboveUs = null;
      return false;
    }
    const bytes = queue.nextBytes;
    this.#maxPacketBytes = Math.max(this.#maxPacketBytes, bytes);
    // No more than a packet behind it: at low rates the time to send one is longer than TARGET.
    if (nowUs - queue.nextUs < this.#targetUs || queue.bytes - bytes <= this.#maxPacketBytes) {
      this.#firstAboveUs = null;
      return false;
    }
    if (this.#firstAboveUs === null) {
      this.#firstAboveUs = nowUs + this.#intervalUs;
      return false;
    }
    return nowUs >= this.#firstAboveUs;
  }

  /** RFC 8289 §5.6: drops come closer together by the square root of their number, as TCP's rate falls with it. */
  #controlLaw(fromUs: number): number {
    return fromUs + this.#intervalUs / Math.sqrt(this.#count);
  }
}
