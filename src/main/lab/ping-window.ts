/** The newest pings of one route, in sending order: what its live statistics are computed from. */
import type { PingStats } from '../../shared/domain.ts';
import { type PingSample, pingStats, type SkipSample } from '../../shared/samples.ts';

/** Span of the live statistics, milliseconds. */
export const WINDOW_MS = 60_000;

/** Lost pings in a row after which a route counts as silent: fewer are ordinary loss. */
const SILENT_PINGS = 3;

export class PingWindow {
  #pings: PingSample[];
  #skips: SkipSample[];

  /** `pings` and `skips` in order: what the store already holds of the span. */
  constructor(pings: readonly PingSample[] = [], skips: readonly SkipSample[] = []) {
    this.#pings = [...pings];
    this.#skips = [...skips];
  }

  addSkips(skips: readonly SkipSample[]): void {
    this.#skips.push(...skips);
  }

  /** Pings arrive as they are resolved: a loss is known after echoes of later pings. */
  add(pings: readonly PingSample[]): void {
    for (const ping of pings) {
      let at = this.#pings.length;
      while (at > 0 && this.#pings[at - 1]!.atMs > ping.atMs) at--;
      if (at === this.#pings.length) this.#pings.push(ping);
      else this.#pings.splice(at, 0, ping);
    }
  }

  /** When the lost pings at the end of [.., throughMs) began to be sent; null where fewer than three are lost in a row. */
  silentSinceMs(throughMs: number): number | null {
    let first = this.#pings.findLastIndex(({ atMs }) => atMs < throughMs) + 1;
    const end = first;
    while (first > 0 && this.#pings[first - 1]!.rttUs === null) first--;
    return end - first < SILENT_PINGS ? null : this.#pings[first]!.atMs;
  }

  /** Statistics of [throughMs − 60 s, throughMs); what is older is forgotten. */
  stats(throughMs: number): PingStats {
    const fromMs = throughMs - WINDOW_MS;
    const first = this.#pings.findIndex((ping) => ping.atMs >= fromMs);
    this.#pings.splice(0, first === -1 ? this.#pings.length : first);
    this.#skips = this.#skips.filter((skip) => skip.atMs >= fromMs);
    return pingStats(this.#pings, this.#skips, fromMs, throughMs);
  }
}
