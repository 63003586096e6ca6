/** The scenario’s bottleneck as link settings, and what it can carry. */
import type { LinkSettings } from '../../shared/domain.ts';
import type { LossModel, Scenario } from '../../shared/scenario.ts';
import { meanDelayMs } from '../path/buffer.ts';

type Bottleneck = Scenario['bottleneck'];

const lossSettings = (loss: LossModel): Pick<LinkSettings, 'lossRatio' | 'loss'> => ({
  lossRatio: loss.model === 'iid' ? loss.rate : 0,
  ...(loss.model === 'every_nth' || loss.model === 'gilbert' ? { loss } : {}),
});

/**
 * In the direction of the data. `delayMs` is the least one-way delay of any flow, where a trace tells no other; the rest
 * comes with the ACKs.
 */
export function forwardSettings(scenario: Scenario, delayMs: number): LinkSettings {
  const { bottleneck, loss, jitter_ms, reorder_rate, duplicate_rate } = scenario;
  const { rate_bps, buffer_bytes, buffer_bdp, aqm, rate_schedule = [], trace } = bottleneck;
  return {
    rateBps: trace === undefined ? rate_bps! : null,
    delayMs,
    jitterMs: jitter_ms,
    ...lossSettings(loss),
    reorderRatio: reorder_rate,
    duplicateRatio: duplicate_rate,
    bufferBytes: buffer_bytes ?? null,
    ...(buffer_bytes === undefined ? { bufferBdp: buffer_bdp ?? 1 } : {}),
    aqm,
    ...(rate_schedule.length === 0 ? {} : { rateSchedule: rate_schedule }),
    ...(trace === undefined ? {} : { trace }),
  };
}

/** What ACKs pass. */
export function reverseSettings(reverse: NonNullable<Scenario['reverse']>, delayMs: number): LinkSettings {
  const { rate_bps, buffer_bytes, loss, jitter_ms, reorder_rate, duplicate_rate } = reverse;
  return {
    rateBps: rate_bps,
    delayMs,
    jitterMs: jitter_ms,
    ...lossSettings(loss),
    reorderRatio: reorder_rate,
    duplicateRatio: duplicate_rate,
    bufferBytes: buffer_bytes,
  };
}

/** A Mahimahi trace lets so many bytes leave at each of its moments. */
const OPPORTUNITY_BITS = 8 * 1500;

/** Seconds and the rate from each on; Infinity for what leaves at once, at the moments of a trace. */
function ratesOf({ rate_bps, rate_schedule = [], trace }: Bottleneck): {
  steps: [number, number][];
  periodS: number;
} {
  const never = Number.POSITIVE_INFINITY;
  if (trace?.kind === 'series')
    return { steps: trace.steps.map(([s, bps]) => [s, bps]), periodS: trace.periodS };
  if (trace !== undefined) return { steps: [[0, never]], periodS: never };
  return {
    steps: rate_schedule[0]?.[0] === 0 ? rate_schedule : [[0, rate_bps!], ...rate_schedule],
    periodS: never,
  };
}

/** Bits that can leave the bottleneck from one second to another. */
export function capacityBits(bottleneck: Bottleneck, fromS: number, toS: number): number {
  const { trace } = bottleneck;
  if (toS <= 0) return 0;
  if (trace?.kind === 'opportunities') {
    const periodMs = trace.atMs.at(-1)!;
    const before = (s: number): number => {
      const turns = Math.floor((s * 1e3) / periodMs);
      return turns * trace.atMs.length + trace.atMs.filter((ms) => ms < s * 1e3 - turns * periodMs).length;
    };
    return OPPORTUNITY_BITS * (before(toS) - before(Math.max(0, fromS)));
  }
  const { steps, periodS } = ratesOf(bottleneck);
  /** Within one turn, up to `s`. */
  const within = (s: number): number =>
    steps.reduce(
      (bits, [atS, bps], i) => bits + bps * Math.max(0, Math.min(s, steps[i + 1]?.[0] ?? s) - atS),
      0,
    );
  if (periodS === Number.POSITIVE_INFINITY) return within(toS) - within(Math.max(0, fromS));
  const upTo = (s: number): number => {
    const turns = Math.floor(s / periodS);
    return turns * within(periodS) + within(s - turns * periodS);
  };
  return upTo(toS) - upTo(Math.max(0, fromS));
}

/** The rate that BDPs and the start of a flow are reckoned with, bits per second. */
export const firstRateBps = (bottleneck: Bottleneck): number => {
  const rateBps = ratesOf(bottleneck).steps[0]![1];
  return Number.isFinite(rateBps) ? rateBps : capacityBits(bottleneck, 0, 1e4) / 1e4;
};

/** Whether a trace tells the delay. */
const hasDelays = ({ trace }: Bottleneck): boolean =>
  trace?.kind === 'series' && trace.steps.some(([, , ms]) => ms !== null);

/** The round trip that buffers are reckoned with: the largest of any flow, with the mean of a trace's delays one way. */
export function bufferRttMs(scenario: Scenario, delayMs: number): number {
  const longest = Math.max(...scenario.flows.map(({ rtt_ms }) => rtt_ms));
  if (!hasDelays(scenario.bottleneck)) return longest;
  return longest - delayMs + meanDelayMs(forwardSettings(scenario, delayMs));
}

/** Until when what leaves the bottleneck has arrived at `atUs`, jitter aside; below 0 for nothing yet. */
export function leftByUs(bottleneck: Bottleneck, delayUs: number, atUs: number): number {
  const { trace } = bottleneck;
  if (trace?.kind !== 'series' || !hasDelays(bottleneck)) return atUs - delayUs;
  const delaysUs = trace.steps.map(([, , ms]) => (ms === null ? delayUs : ms * 1e3));
  const startsUs = trace.steps.map(([second]) => second * 1e6);
  const periodUs = trace.periodS * 1e6;
  // What left longer ago than the longest delay has arrived; of the rest nothing overtakes.
  const fromUs = Math.max(0, atUs - Math.max(...delaysUs));
  for (let turnUs = Math.floor(fromUs / periodUs) * periodUs; ; turnUs += periodUs) {
    for (const [i, startUs] of startsUs.entries()) {
      const endUs = turnUs + (startsUs[i + 1] ?? periodUs);
      const lateUs = Math.max(turnUs + startUs, atUs - delaysUs[i]!);
      if (endUs > fromUs && lateUs < endUs) return Math.min(lateUs, atUs);
    }
  }
}
