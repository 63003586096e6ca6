/** Figures of a scenario, from counters at the end of the warm-up and at the end. */
import type { Scenario, ScenarioResult } from '../../shared/scenario.ts';
import { jain } from '../../shared/statistics.ts';
import type { Flow, FlowCounters } from './flow.ts';
import type { Histogram } from './histogram.ts';

/** What a simulation can tell by itself: the clock on the wall is the caller’s. */
export type Figures = Omit<ScenarioResult, 'wall_s'>;

/** Counters at one moment. */
export interface Snapshot {
  flows: FlowCounters[];
  carriedBytes: number;
  queueDrops: number;
}

export interface Measured {
  scenario: Scenario;
  flows: readonly Flow[];
  queueDelayUs: Histogram;
  before: Snapshot;
  after: Snapshot;
  /** What the bottleneck could have carried meanwhile. */
  capacityBytes: number;
  packet: Figures['packet'];
  events: number;
}

export function figuresOf(measured: Measured): Figures {
  const { scenario, before, after, queueDelayUs: delay, packet, events } = measured;
  const flows = measured.flows.map((flow, i) =>
    flowFigures(scenario, flow, before.flows[i]!, after.flows[i]!),
  );
  const ms = (us: number): number => (Number.isNaN(us) ? 0 : us / 1e3);
  const carriedBytes = after.carriedBytes - before.carriedBytes;
  return {
    flows,
    link: {
      utilization: measured.capacityBytes === 0 ? 0 : carriedBytes / measured.capacityBytes,
      queue_delay_ms: {
        mean: ms(delay.mean),
        p50: ms(delay.quantile(0.5)),
        p95: ms(delay.quantile(0.95)),
        p99: ms(delay.quantile(0.99)),
        max: ms(delay.max),
      },
      drops: after.queueDrops - before.queueDrops,
      duplicates: duplicatesOf(after) - duplicatesOf(before),
    },
    packet,
    jain: jain(flows.map(({ goodput_bps }) => goodput_bps)),
    events,
  };
}

function flowFigures(
  { duration_s, warmup_s, flows }: Scenario,
  flow: Flow,
  before: FlowCounters,
  after: FlowCounters,
): Figures['flows'][number] {
  const { controller, start_s, stop_s } = flows[flow.index]!;
  const completedS = flow.completedAtUs === null ? null : flow.completedAtUs / 1e6;
  const timedOutS = flow.timedOutAtUs === null ? null : flow.timedOutAtUs / 1e6;
  const fromS = Math.max(warmup_s, start_s);
  const toS = Math.min(duration_s, stop_s ?? duration_s, completedS ?? duration_s, timedOutS ?? duration_s);
  const sent = after.packetsSent - before.packetsSent;
  // What is lost now may have been sent before the warm-up ended: of a few packets more than all.
  const part = (of: number): number => (sent === 0 ? 0 : Math.min(1, of / sent));
  const { rttUs } = flow;
  const ms = (us: number): number | null => (rttUs.count === 0 ? null : us / 1e3);
  return {
    controller,
    goodput_bps: toS > fromS ? ((after.payloadBytes - before.payloadBytes) * 8) / (toS - fromS) : 0,
    rtt_ms: {
      min: ms(rttUs.min),
      mean: ms(rttUs.mean),
      p50: ms(rttUs.quantile(0.5)),
      p95: ms(rttUs.quantile(0.95)),
      p99: ms(rttUs.quantile(0.99)),
    },
    loss_rate: part(dropped(after) - dropped(before)),
    retransmit_rate: part(after.packetsRetransmitted - before.packetsRetransmitted),
    completion_s: completedS === null ? null : completedS - start_s,
    timed_out_s: timedOutS === null ? null : timedOutS - start_s,
  };
}

/** The mean of each figure over runs of one scenario, with the spread of several; null where any run has none, events all together. */
export function meanFigures(runs: readonly Figures[]): Figures {
  const mean = (values: readonly unknown[]): unknown => {
    const [first] = values;
    if (values.includes(null)) return null;
    if (typeof first === 'number') return (values as number[]).reduce((a, b) => a + b, 0) / values.length;
    if (typeof first !== 'object' || first === null) return first;
    const parts = values as Record<string, unknown>[];
    if (Array.isArray(first)) return first.map((_, i) => mean(parts.map((part) => part[i])));
    return Object.fromEntries(Object.keys(first).map((key) => [key, mean(parts.map((part) => part[key]))]));
  };
  const events = runs.reduce((sum, run) => sum + run.events, 0);
  const means = mean(runs) as Figures;
  if (runs.length === 1) return { ...means, events };
  const flows = means.flows.map((flow, i) => {
    const of = runs.map((run) => run.flows[i]!);
    const rtts = of.flatMap(({ rtt_ms }) => rtt_ms.mean ?? []);
    const spread = {
      goodput_bps: spreadOf(of.map(({ goodput_bps }) => goodput_bps)),
      rtt_mean_ms: rtts.length < runs.length ? null : spreadOf(rtts),
      loss_rate: spreadOf(of.map(({ loss_rate }) => loss_rate)),
    };
    return { ...flow, spread };
  });
  return { ...means, flows, events };
}

function spreadOf(values: readonly number[]): { min: number; max: number; sd: number } {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  const [min, max] = [Math.min(...values), Math.max(...values)];
  return { min, max, sd: min === max ? 0 : Math.sqrt(squares / (values.length - 1)) };
}

const duplicatesOf = ({ flows }: Snapshot): number =>
  flows.reduce((sum, { packetsDuplicated }) => sum + packetsDuplicated, 0);

/** What the link refused, and what it accepted but did not deliver. */
const dropped = ({ packetsSent, packetsAccepted, packetsPassed, packetsArrived }: FlowCounters): number =>
  packetsSent - packetsAccepted + packetsPassed - packetsArrived;
