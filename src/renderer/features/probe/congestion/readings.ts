/** A flow at one moment, and a flow in words: for the readings above the panels, the table and screen readers. */
import type { CongestionColumn } from '../../../../shared/congestion-series.ts';
import { lowerBound, upperBound } from '../../../../shared/sorted.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../../../shared/units.ts';
import type { Window } from './decimate.ts';
import { PANELS } from './panels.ts';
import { statesOf, styleOf } from './phases.ts';
import type { CongestionTrace } from './trace.ts';

/** Seconds since the flow began, with as many decimals as samples are apart: `1.204 s`. */
export const formatMoment = (us: number): string => `${(us / 1e6).toFixed(3)} s`;

const packets = (count: number): string => `${count} ${count === 1 ? 'packet' : 'packets'}`;

/** A moment as one sentence, for the slider's value. */
export function spoken(name: string, trace: CongestionTrace, us: number): string {
  const index = trace.indexAt(us);
  const values = PANELS.flatMap(({ lines, format }) =>
    lines.flatMap((line) => {
      const value = trace.at(line.name, index);
      return value === null ? [] : [`${line.label} ${format(value)}`];
    }),
  );
  const phase = trace.phaseAt(us);
  const parts = [...(phase ? [styleOf(phase.state).label] : []), ...values];
  const lost = trace.at('lostPackets', index);
  if (lost !== null) parts.push(`${packets(lost)} lost so far`);
  return `${name} ${parts.join(', ') || 'nothing known yet'}`;
}

interface Extent {
  least: number;
  greatest: number;
}

function extentOf(values: Float64Array): Extent | null {
  let least = Number.POSITIVE_INFINITY;
  let greatest = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < least) least = value;
    if (value > greatest) greatest = value;
  }
  return least <= greatest ? { least, greatest } : null;
}

const lastOf = (values: Float64Array): number | undefined => values.findLast((value) => !Number.isNaN(value));

/** What the panels show of a window, in a few sentences. */
export function summarise(name: string, trace: CongestionTrace, { fromUs, toUs }: Window): string {
  const { tUs } = trace;
  const start = lowerBound(tUs, fromUs);
  const end = upperBound(tUs, toUs);
  if (start >= end) return `${name}: no samples.`;
  const column = (quantity: CongestionColumn): Float64Array => trace.column(quantity).subarray(start, end);
  const parts = [
    `${name}, ${formatMoment(tUs[start]!)} to ${formatMoment(tUs[end - 1]!)}, ${end - start} samples:`,
  ];
  const cwnd = extentOf(column('cwndBytes'));
  if (cwnd) parts.push(`cwnd ${formatBytes(cwnd.least)} to ${formatBytes(cwnd.greatest)},`);
  const bandwidth = lastOf(column('bandwidthBps'));
  if (bandwidth !== undefined) parts.push(`bandwidth estimate at the end ${formatRate(bandwidth)},`);
  const rtt = extentOf(column('rttUs'));
  if (rtt) parts.push(`RTT ${formatDuration(rtt.least)} to ${formatDuration(rtt.greatest)},`);
  const before = lastOf(trace.column('lostPackets').subarray(0, start)) ?? 0;
  const lost = lastOf(column('lostPackets'));
  parts.push(lost === undefined ? 'losses not known.' : `${packets(Math.max(0, lost - before))} lost.`);
  const states = statesOf(trace.phases, trace.endUs).sort((a, b) => b.share - a.share);
  if (states.length > 0) {
    const shares = states.map(({ state, share }) => `${styleOf(state).label} ${formatPercent(share, 0)}`);
    parts.push(`Phases of the whole flow: ${shares.join(', ')}.`);
  }
  return parts.join(' ');
}
