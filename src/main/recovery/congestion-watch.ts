/** Records what a congestion controller does, as columns. Whoever drives the recovery calls `observe`; somebody takes what came. */
import { type CongestionSeries, decimateSeries, emptySeries } from '../../shared/congestion-series.ts';
import type { Recovery } from './recovery.ts';

/** Points kept for somebody who does not take them; beyond it every second group of them is given up, peaks kept. */
const MAX_WAITING = 20_000;

export class CongestionWatch {
  readonly #originUs: number;
  readonly #everyUs: number;
  #waiting = emptySeries();
  #dueAtUs = Number.NEGATIVE_INFINITY;
  #newestUs = 0;
  #state: string | null = null;

  /** Times count from `originUs`. A point at most each `everyUs`, and one for each change of the controller's state. */
  constructor(originUs: number, everyUs: number) {
    this.#originUs = originUs;
    this.#everyUs = everyUs;
  }

  /** After anything that may have changed something: acknowledgements, losses, packets sent, timeouts. */
  observe(recovery: Recovery<unknown>, nowUs: number): void {
    const { state, cwnd, pacingBps, bandwidthBps } = recovery.controller.snapshot();
    if (nowUs < this.#dueAtUs && state === this.#state) return;
    this.#dueAtUs = nowUs + this.#everyUs;
    // Packets are read after they came, and others may have been sent meanwhile.
    const tUs = Math.max(this.#newestUs, Math.round(nowUs - this.#originUs));
    this.#newestUs = tUs;
    const rows = this.#waiting;
    const { rtt } = recovery;
    if (state !== this.#state) rows.phases.push({ fromUs: tUs, state });
    this.#state = state;
    rows.tUs.push(tUs);
    rows.cwndBytes.push(Math.round(cwnd));
    rows.inFlightBytes.push(recovery.bytesInFlight);
    rows.pacingBps.push(pacingBps === null ? null : Math.round(pacingBps));
    rows.bandwidthBps.push(bandwidthBps === null ? null : Math.round(bandwidthBps));
    rows.rttUs.push(rtt.hasSample ? Math.round(rtt.latestUs) : null);
    rows.minRttUs.push(rtt.hasSample ? Math.round(rtt.minUs) : null);
    rows.lostPackets.push(recovery.stats.packetsLost);
    if (rows.tUs.length > MAX_WAITING) this.#waiting = decimateSeries(rows, { points: MAX_WAITING / 2 });
  }

  /** What came since it was last asked; null for nothing. */
  take(): CongestionSeries | null {
    if (this.#waiting.tUs.length === 0) return null;
    const taken = this.#waiting;
    this.#waiting = emptySeries();
    return taken;
  }
}
