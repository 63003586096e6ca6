/**
 * What a simulated run is judged by in `resources/congestion-cases.json`: figures of the result and, from its trace, when
 * things happened. Of the first flow, but for those that compare flows.
 */
import type { Scenario } from '../../shared/scenario.ts';
import { capacityBits, firstRateBps } from './bottleneck.ts';
import type { SimulationTrace } from './recorder.ts';
import type { Figures } from './result.ts';

/** Of one run. Null: it did not happen, or the scenario gives no occasion for it. */
export interface CaseMetrics {
  /** Goodput of all flows over what the link can carry of payload. */
  gp: number;
  /** Goodput × base RTT in packets: the mean window. */
  pkts_per_rtt: number;
  /** Milliseconds. */
  rtt_mean: number | null;
  rtt_p50: number | null;
  /** Mean RTT over base RTT. */
  rtt_ratio: number | null;
  jain: number;
  /** Part of the goodput that flows of BBR, whichever, have. */
  share: number;
  /** Mean time in queue, milliseconds. */
  qdelay: number;
  /** Seconds from the flow’s start until 100 ms brought 0.9 of what the link carries. */
  t90: number | null;
  /** Largest RTT over base RTT. */
  rtt_peak_ratio: number | null;
  /** Seconds from the flow’s start until the RTT, past its peak, was below 1.75 × base. */
  t_drain: number | null;
  /** Seconds from the first rise of the rate until 100 ms brought 0.9 of what the link carries then. */
  t_up: number | null;
  /** Largest RTT after the first fall of the rate, milliseconds. */
  rtt_peak_ms: number | null;
  /** Seconds from that fall until the RTT stayed below 2.5 × base. */
  t_down: number | null;
}

const WINDOW_US = 100_000;
const FULL = 0.9;
const DRAINED = 1.75;
const SETTLED = 2.5;

/** Rows of the trace are to be at most 50 ms apart. */
export function caseMetrics(scenario: Scenario, figures: Figures, trace: SimulationTrace): CaseMetrics {
  const { bottleneck, duration_s, warmup_s, flows } = scenario;
  const { payload_bytes, link_bytes } = figures.packet;
  const first = figures.flows[0]!;
  const { rtt_ms: baseMs, start_s } = flows[0]!;
  const capacityBps = capacityBits(bottleneck, warmup_s, duration_s) / (duration_s - warmup_s);
  const total = sum(figures.flows.map(({ goodput_bps }) => goodput_bps));
  const ofBbr = figures.flows.filter(({ controller }) => controller.startsWith('bbr'));
  const firstBps = firstRateBps(bottleneck);
  const steps = [[0, firstBps] as const, ...(bottleneck.rate_schedule ?? [])];
  const change = (sign: 1 | -1): { atUs: number; rateBps: number } | null => {
    const step = steps.find(([, rateBps], i) => i > 0 && sign * (rateBps - steps[i - 1]![1]) > 0);
    return step ? { atUs: (step[0] - start_s) * 1e6, rateBps: step[1] } : null;
  };
  const rise = change(1);
  const fall = change(-1);
  const course = new Course(trace, payload_bytes / link_bytes, baseMs * 1e3);
  const peak = course.peakFrom(0);
  const after = (us: number | null, fromUs: number): number | null =>
    us === null ? null : (us - fromUs) / 1e6;
  return {
    gp: (total * link_bytes) / (capacityBps * payload_bytes),
    pkts_per_rtt: (first.goodput_bps * baseMs) / (8e3 * payload_bytes),
    rtt_mean: first.rtt_ms.mean,
    rtt_p50: first.rtt_ms.p50,
    rtt_ratio: first.rtt_ms.mean === null ? null : first.rtt_ms.mean / baseMs,
    jain: figures.jain,
    share: total === 0 ? 0 : sum(ofBbr.map(({ goodput_bps }) => goodput_bps)) / total,
    qdelay: figures.link.queue_delay_ms.mean,
    t90: after(course.fullFrom(0, firstBps), 0),
    rtt_peak_ratio: peak && peak.rttUs / (baseMs * 1e3),
    t_drain: peak && after(course.drainedFrom(peak.atUs), 0),
    t_up: rise && after(course.fullFrom(rise.atUs, rise.rateBps), rise.atUs),
    rtt_peak_ms: fall && (course.peakFrom(fall.atUs)?.rttUs ?? 0) / 1e3,
    t_down: fall && after(course.settledFrom(fall.atUs), fall.atUs),
  };
}

/** The mean over runs of each metric; null where any of them has none. */
export function meanMetrics(runs: readonly CaseMetrics[]): CaseMetrics {
  const names = Object.keys(runs[0]!) as (keyof CaseMetrics)[];
  return Object.fromEntries(
    names.map((name) => {
      const values = runs.map((run) => run[name]);
      return [name, values.some((value) => value === null) ? null : sum(values as number[]) / runs.length];
    }),
  ) as unknown as CaseMetrics;
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

/** The first flow over time. */
class Course {
  readonly #tUs: readonly number[];
  readonly #rttUs: readonly (number | null)[];
  readonly #deliveredBytes: readonly number[];
  readonly #payloadShare: number;
  readonly #baseUs: number;

  constructor({ flows }: SimulationTrace, payloadShare: number, baseUs: number) {
    const { series, deliveredBytes } = flows[0]!;
    this.#tUs = series.tUs;
    this.#rttUs = series.rttUs;
    this.#deliveredBytes = deliveredBytes;
    this.#payloadShare = payloadShare;
    this.#baseUs = baseUs;
  }

  /** When a window that ends after `fromUs` first brought most of what a link of `rateBps` carries in its time. */
  fullFrom(fromUs: number, rateBps: number): number | null {
    const enough = (FULL * rateBps * this.#payloadShare * WINDOW_US) / 8e6;
    let begin = 0;
    for (let i = 0; i < this.#tUs.length; i++) {
      while (this.#tUs[begin]! < this.#tUs[i]! - WINDOW_US) begin++;
      if (this.#tUs[i]! <= fromUs) continue;
      if (this.#deliveredBytes[i]! - this.#deliveredBytes[begin]! >= enough) return this.#tUs[i]!;
    }
    return null;
  }

  peakFrom(fromUs: number): { atUs: number; rttUs: number } | null {
    let peak: { atUs: number; rttUs: number } | null = null;
    this.#rttUs.forEach((rttUs, i) => {
      if (rttUs === null || this.#tUs[i]! < fromUs || (peak && rttUs <= peak.rttUs)) return;
      peak = { atUs: this.#tUs[i]!, rttUs };
    });
    return peak;
  }

  drainedFrom(fromUs: number): number | null {
    const row = this.#rttUs.findIndex(
      (rttUs, i) => this.#tUs[i]! >= fromUs && rttUs !== null && rttUs < DRAINED * this.#baseUs,
    );
    return row < 0 ? null : this.#tUs[row]!;
  }

  settledFrom(fromUs: number): number | null {
    const last = this.#rttUs.findLastIndex((rttUs) => rttUs !== null && rttUs >= SETTLED * this.#baseUs);
    if (last < 0 || this.#tUs[last]! < fromUs) return fromUs;
    return this.#tUs[last + 1] ?? null;
  }
}
