/**
 * The pings beside a load that may go on for days: figures of all of them, of the last minute and of each second, kept as they come.
 * Those are counted, in the order they were sent, whose fate and that of all before them is known: else echoes would count at once and
 * losses a second later. Of each echo its RTT is kept, 8 bytes. Sans-IO.
 */
import type { PingStats } from '../../shared/domain.ts';
import { type PingSample, pingStats, quantile } from '../../shared/samples.ts';
import { PingTally } from './ping-tally.ts';

const WINDOW_MS = 60_000;

/** Of the pings sent in one second. */
export interface SecondOfPings {
  pings: number;
  lost: number;
  rttP50Us: number | null;
}

export class LoadPings {
  /** Seconds are counted from here; milliseconds of the monotonic clock, as all times here. */
  readonly #originMs: number;
  readonly #tally = new PingTally();
  /** Resolved, while one that was sent earlier may not be. */
  #unsettled: PingSample[] = [];
  /** Of the last minute. */
  #window: PingSample[] = [];
  readonly #seconds = new Map<number, (number | null)[]>();
  readonly #echoes = { sumUs: 0, count: 0 };

  constructor(originMs: number) {
    this.#originMs = originMs;
  }

  /** One that is resolved. */
  add(ping: PingSample): void {
    this.#unsettled.push(ping);
  }

  /** All that were sent before `throughMs` are resolved. */
  settle(throughMs: number): void {
    const settled = this.#unsettled.filter(({ atMs }) => atMs < throughMs).sort((a, b) => a.atMs - b.atMs);
    if (settled.length === 0) return;
    this.#unsettled = this.#unsettled.filter(({ atMs }) => atMs >= throughMs);
    for (const ping of settled) {
      const { atMs, rttUs } = ping;
      this.#tally.add(ping);
      if (rttUs !== null) {
        this.#echoes.sumUs += rttUs;
        this.#echoes.count++;
      }
      const second = Math.floor((atMs - this.#originMs) / 1e3);
      const rtts = this.#seconds.get(second);
      if (rtts === undefined) this.#seconds.set(second, [rttUs]);
      else rtts.push(rttUs);
    }
    const oldestMs = settled.at(-1)!.atMs - WINDOW_MS;
    this.#window = [...this.#window.filter(({ atMs }) => atMs > oldestMs), ...settled];
  }

  /** What is settled of a second; it is not kept any longer. */
  takeSecond(second: number): SecondOfPings {
    const all = this.#seconds.get(second) ?? [];
    this.#seconds.delete(second);
    const rtts = all.filter((rttUs) => rttUs !== null).sort((a, b) => a - b);
    return {
      pings: all.length,
      lost: all.length - rtts.length,
      rttP50Us: rtts.length === 0 ? null : quantile(rtts, 0.5),
    };
  }

  /** Of all that are settled; takes the longer the more there are. */
  figures(): ReturnType<PingTally['figures']> {
    return this.#tally.figures();
  }

  /** Of the last minute that is settled. */
  get lastMinute(): PingStats {
    return pingStats(this.#window, [], Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
  }

  /** RTTs of all echoes that are settled. */
  get rttTotal(): { readonly sumUs: number; readonly count: number } {
    return this.#echoes;
  }

  /** Seconds and pings kept beside the RTTs. */
  get held(): number {
    return this.#unsettled.length + this.#window.length + this.#seconds.size;
  }
}
