/** Samples of flows and queue at equal intervals of virtual time, few enough to be kept and drawn. */
import { type CongestionSeries, emptySeries } from '../../shared/congestion-series.ts';
import type { Flow } from './flow.ts';

/** Rows of a trace, unless an interval is asked for. */
const ROWS = 6000;
const LEAST_INTERVAL_US = 1000;

interface FlowTrace {
  series: CongestionSeries;
  /** Payload that had arrived by each row of the series, each byte once. */
  deliveredBytes: number[];
}

export interface SimulationTrace {
  everyUs: number;
  /** In the order of the scenario’s flows; rows begin with each flow’s start. */
  flows: FlowTrace[];
  queue: { tUs: number[]; bytes: number[] };
}

export class Recorder {
  readonly trace: SimulationTrace;
  readonly #startsUs: readonly number[];

  constructor(startsUs: readonly number[], durationUs: number, everyUs: number | undefined) {
    this.#startsUs = startsUs;
    this.trace = {
      everyUs: everyUs ?? Math.max(LEAST_INTERVAL_US, Math.ceil(durationUs / ROWS)),
      flows: startsUs.map(() => ({ series: emptySeries(), deliveredBytes: [] })),
      queue: { tUs: [], bytes: [] },
    };
  }

  sample(nowUs: number, flows: readonly Flow[], queuedBytes: number): void {
    this.trace.queue.tUs.push(nowUs);
    this.trace.queue.bytes.push(queuedBytes);
    for (const flow of flows) {
      const atUs = nowUs - this.#startsUs[flow.index]!;
      if (atUs < 0 || flow.hasEnded) continue;
      const { series, deliveredBytes } = this.trace.flows[flow.index]!;
      const { cwnd, pacingBps, bandwidthBps, state } = flow.controller.snapshot();
      const { rtt, bytesInFlight, stats } = flow.recovery;
      series.tUs.push(atUs);
      series.cwndBytes.push(cwnd);
      series.inFlightBytes.push(bytesInFlight);
      series.pacingBps.push(pacingBps);
      series.bandwidthBps.push(bandwidthBps);
      series.rttUs.push(flow.latestRttUs === 0 ? null : flow.latestRttUs);
      series.minRttUs.push(rtt.hasSample ? rtt.minUs : null);
      series.lostPackets.push(stats.packetsLost);
      deliveredBytes.push(flow.counters.payloadBytes);
      if (series.phases.at(-1)?.state !== state) series.phases.push({ fromUs: atUs, state });
    }
  }
}
