/** The newest pings of one route, in sending order: what its live statistics are computed from. */
import type { PingStats } from '../../shared/domain.ts';
import { type PingSample, pingStats } from '../../shared/samples.ts';

/** Span of the live statistics, milliseconds. */
export const WINDOW_MS = 60_000;

export class PingWindow {
  #pings: PingSample[];

  /** `pings` in sending order: what the store already holds of the span. */
  constructor(pings: readonly PingSample[] = []) {
    this.#pings = [...pings];
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

  /** Statistics of [throughMs − 60 s, throughMs); what is older is forgotten. */
  stats(throughMs: number): PingStats {
    const fromMs = throughMs - WINDOW_MS;
    const first = this.#pings.findIndex((ping) => ping.atMs >= fromMs);
    this.#pings.splice(0, first === -1 ? this.#pings.length : first);
    return pingStats(this.#pings, fromMs, throughMs);
  }
}
