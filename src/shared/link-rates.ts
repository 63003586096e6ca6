/** How fast links are over time. */
import type { Emulation } from './domain.ts';
import type { LinkSettings, LinkTrace } from './link-settings.ts';

/** What one opportunity of a Mahimahi trace lets through. */
export const OPPORTUNITY_BYTES = 1500;

/** Up to here nobody asks what the emulator carries: every machine that runs a desktop carries it. */
export const UNQUESTIONED_BPS = 100e6;

/** Bits that pass in one turn of a trace. */
export function seriesBits({ steps, periodS }: Extract<LinkTrace, { kind: 'series' }>): number {
  return steps.reduce((bits, [second, bps], i) => bits + bps * ((steps[i + 1]?.[0] ?? periodS) - second), 0);
}

/** Mean rate over one turn of a trace. */
export const meanRateBps = (trace: LinkTrace): number =>
  trace.kind === 'series'
    ? seriesBits(trace) / trace.periodS
    : (trace.atMs.length * OPPORTUNITY_BYTES * 8e3) / trace.atMs.at(-1)!;

/** How long one turn of a trace takes, in seconds. */
export const periodSOf = (trace: LinkTrace): number =>
  trace.kind === 'series' ? trace.periodS : trace.atMs.at(-1)! / 1e3;

/** The highest rate that is ever asked of a link: of opportunities, which come in bursts, their mean. */
function fastestOfLink({ rateBps, rateSchedule = [], trace }: LinkSettings): number {
  const steps = trace?.kind === 'series' ? trace.steps : rateSchedule;
  const least = trace?.kind === 'opportunities' ? meanRateBps(trace) : (rateBps ?? 0);
  return steps.reduce((fastest, [, bps]) => Math.max(fastest, bps), least);
}

/** Of both directions; an unlimited one asks for nothing. */
export const fastestBps = ({ up, down }: Emulation): number =>
  Math.max(fastestOfLink(up), fastestOfLink(down));

/** Whether a path is faster than an emulator that carries `limitBps` each way. */
export const isBeyond = (limitBps: number, emulation: Emulation): boolean =>
  fastestBps(emulation) > Math.max(UNQUESTIONED_BPS, limitBps);
