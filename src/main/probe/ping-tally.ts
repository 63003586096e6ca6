/**
 * Figures of pings while they go on. `pingStats` orders all of them anew, which at 1000 pings a second for a minute keeps the
 * thread for tens of milliseconds: the echoes that wait meanwhile would show it as their RTT. Here only what is new is ordered.
 */
import type { PingStats } from '../../shared/domain.ts';
import { jitterAfter, type PingSample, summariseSorted } from '../../shared/samples.ts';

export class PingTally {
  #sent = 0;
  /** Of all echoes but the fresh ones, rising. */
  #rtts = new Float64Array(0);
  readonly #fresh: number[] = [];
  #newestUs: number | null = null;
  #jitterUs: number | null = null;

  /** A ping that is resolved. */
  add({ rttUs }: Pick<PingSample, 'rttUs'>): void {
    this.#sent++;
    if (rttUs === null) return;
    this.#fresh.push(rttUs);
    this.#jitterUs = jitterAfter(this.#jitterUs, this.#newestUs, rttUs);
    this.#newestUs = rttUs;
  }

  /** As `pingStats` gives them, but with the jitter of echoes in the order in which they came. */
  figures(): Pick<PingStats, 'sent' | 'received' | 'lossRatio' | 'rttUs' | 'jitterUs'> {
    this.#takeIn();
    const received = this.#rtts.length;
    return {
      sent: this.#sent,
      received,
      lossRatio: this.#sent === 0 ? null : (this.#sent - received) / this.#sent,
      rttUs: summariseSorted(this.#rtts),
      jitterUs: this.#jitterUs,
    };
  }

  #takeIn(): void {
    const fresh = Float64Array.from(this.#fresh).sort();
    this.#fresh.length = 0;
    if (fresh.length === 0) return;
    const held = this.#rtts;
    const all = new Float64Array(held.length + fresh.length);
    for (let at = 0, i = 0, j = 0; at < all.length; at++)
      all[at] = j === fresh.length || held[i]! <= fresh[j]! ? held[i++]! : fresh[j++]!;
    this.#rtts = all;
  }
}
