/**
 * What a congestion controller did over time, in columns: one shape for simulator traces, live probes, stored runs
 * and imported qlog files.
 */
import { z } from 'zod';
import { lowerBound } from './sorted.ts';

/** Columns that hold a number or, where it was not known, null. */
export const CONGESTION_COLUMNS = [
  'cwndBytes',
  'inFlightBytes',
  'pacingBps',
  'bandwidthBps',
  'rttUs',
  'minRttUs',
  'lostPackets',
] as const;
export type CongestionColumn = (typeof CONGESTION_COLUMNS)[number];

const column = z.array(z.number().nullable());

export const CongestionSeries = z.object({
  /** Microseconds since the flow began, never falling. All columns are as long. */
  tUs: z.array(z.number()),
  cwndBytes: column,
  inFlightBytes: column,
  pacingBps: column,
  /** What the controller takes the path to deliver, bits per second. */
  bandwidthBps: column,
  /** The latest sample. */
  rttUs: column,
  minRttUs: column,
  /** Declared lost since the flow began. */
  lostPackets: column,
  /** States of the controller in its own words, each until the next begins. */
  phases: z.array(z.object({ fromUs: z.number(), state: z.string() })),
});
export type CongestionSeries = z.infer<typeof CongestionSeries>;

export const emptySeries = (): CongestionSeries => ({
  tUs: [],
  cwndBytes: [],
  inFlightBytes: [],
  pacingBps: [],
  bandwidthBps: [],
  rttUs: [],
  minRttUs: [],
  lostPackets: [],
  phases: [],
});

/** Adds what came after the end of `series` to it. */
export function appendSeries(series: CongestionSeries, next: CongestionSeries): void {
  for (let row = 0; row < next.tUs.length; row++) {
    series.tUs.push(next.tUs[row]!);
    for (const name of CONGESTION_COLUMNS) series[name].push(next[name][row]!);
  }
  for (const phase of next.phases) series.phases.push(phase);
}

/**
 * The window [fromUs, toUs) in at most `points` rows (at least 2). Where there are more, rows are taken together in groups
 * equal in number; each leaves two rows, at the times of its first and its last, that hold every column's smallest and
 * largest value in the order in which they came: no peak is lost, and none moves further than its group is long. Of
 * states that follow one another within a group the last is kept. The state that `fromUs` falls into is the first.
 */
export function decimateSeries(
  series: CongestionSeries,
  window: { fromUs?: number | undefined; toUs?: number | undefined; points: number },
): CongestionSeries {
  const { fromUs = Number.NEGATIVE_INFINITY, toUs = Number.POSITIVE_INFINITY, points } = window;
  const first = lowerBound(series.tUs, fromUs);
  const end = Math.max(first, lowerBound(series.tUs, toUs));
  const out = emptySeries();
  const rows = end - first;
  const groups = rows <= points ? rows : Math.max(1, Math.floor(points / 2));
  for (let group = 0; group < groups; group++) {
    const from = first + Math.floor((group * rows) / groups);
    const to = first + Math.floor(((group + 1) * rows) / groups);
    out.tUs.push(series.tUs[from]!);
    if (to - from > 1) out.tUs.push(series.tUs[to - 1]!);
    for (const name of CONGESTION_COLUMNS) {
      const [a, b] = extremes(series[name], from, to);
      out[name].push(a);
      if (to - from > 1) out[name].push(b);
    }
  }
  out.phases = phasesWithin(series.phases, fromUs, toUs, points, series.tUs.at(-1) ?? 0);
  return out;
}

/** Smallest and largest of the rows [from, to), in the order in which they came; nulls where there is neither. */
function extremes(
  values: readonly (number | null)[],
  from: number,
  to: number,
): [number | null, number | null] {
  let least = -1;
  let most = -1;
  for (let row = from; row < to; row++) {
    const value = values[row];
    if (value === null || value === undefined) continue;
    if (least < 0 || value < values[least]!) least = row;
    if (most < 0 || value > values[most]!) most = row;
  }
  if (least < 0) return [null, null];
  return least <= most ? [values[least]!, values[most]!] : [values[most]!, values[least]!];
}

function phasesWithin(
  phases: CongestionSeries['phases'],
  fromUs: number,
  toUs: number,
  points: number,
  newestUs: number,
): CongestionSeries['phases'] {
  const standing = phases.findLastIndex((phase) => phase.fromUs <= fromUs);
  const inside = phases.filter((phase, i) => i >= standing && phase.fromUs < toUs);
  if (inside.length <= points) return inside;
  const begin = inside[0]!.fromUs;
  const groupUs = (Math.max(newestUs, inside.at(-1)!.fromUs) - begin + 1) / points;
  const groupOf = (phase: { fromUs: number }): number => Math.floor((phase.fromUs - begin) / groupUs);
  return inside.filter((phase, i) => i + 1 === inside.length || groupOf(inside[i + 1]!) !== groupOf(phase));
}
