/** A chart in words, for those who do not see it and those who want it exact. */
import type { Series } from '../../../../shared/domain.ts';
import { formatDuration, formatPercent } from '../../../../shared/units.ts';
import { momentOf } from '../../../theme/clock.ts';
import { gapBefore } from './series.ts';

export interface Plot {
  name: string;
  series: Series;
}

const present = (values: readonly (number | null)[]): number[] => values.filter((v) => v !== null);
const sum = (values: readonly number[]): number => values.reduce((total, v) => total + v, 0);

/** Losses are exact counts; percentiles are those of single buckets and named so. */
export function summarise(plots: readonly Plot[]): string {
  const filled = plots.filter(({ series }) => series.tMs.length > 0);
  if (filled.length === 0) return 'Nothing measured in this window yet.';
  return filled.length === 1 ? summariseOne(filled[0]!) : summariseMany(filled);
}

/** How exact the percentiles are where they come from roll-ups; nothing where they come from samples (docs/store.md). */
export function sourceNote(series: readonly Pick<Series, 'source'>[]): string {
  const spans = (['minute', 'hour'] as const).filter((span) => series.some(({ source }) => source === span));
  return spans.length === 0
    ? ''
    : ` Percentiles are from sketches of each ${spans.join(' or ')}, within 0.5 %; counts and extremes are exact.`;
}

function summariseOne({ name, series }: Plot): string {
  const { bucketMs, tMs, sent, lost } = series;
  const p50 = present(series.rttP50);
  const sentPings = sum(sent);
  const lostPings = sum(lost);
  const gaps = tMs.filter((_, index) => gapBefore(series, index)).length;
  const [from, to] = [tMs[0]!, tMs.at(-1)! + bucketMs];
  const parts = [
    `${name}, ${momentOf(from, to - from)} to ${momentOf(to, to - from)} in buckets of ${bucketMs < 120_000 ? `${bucketMs / 1000} s` : `${bucketMs / 60_000} min`}:`,
    p50.length === 0
      ? 'no ping was answered;'
      : `p50 between ${formatDuration(Math.min(...p50))} and ${formatDuration(Math.max(...p50))}, ` +
        `highest p95 ${formatDuration(Math.max(...present(series.rttP95)))};`,
    `${lostPings} of ${sentPings} pings lost (${formatPercent(lostPings / sentPings)})`,
    gaps === 0 ? '' : `; ${gaps} ${gaps === 1 ? 'gap' : 'gaps'} without measurement`,
  ];
  return `${parts.slice(0, 3).join(' ')}${parts[3]}.`;
}

function summariseMany(plots: readonly Plot[]): string {
  const newest = plots.flatMap(({ name, series }) => {
    const p50 = series.rttP50.at(-1);
    return p50 === undefined || p50 === null ? [] : [{ name, p50 }];
  });
  const losing = plots
    .map(({ name, series }) => ({ name, lost: sum(series.lost), ratio: sum(series.lost) / sum(series.sent) }))
    .filter(({ lost }) => lost > 0)
    .sort((a, b) => b.ratio - a.ratio)
    .map(({ name, ratio }) => `${name} ${formatPercent(ratio)}`);
  newest.sort((a, b) => a.p50 - b.p50);
  const spread =
    newest.length === 0
      ? 'No route has answered in its newest bucket'
      : `Newest p50: lowest ${newest[0]!.name} ${formatDuration(newest[0]!.p50)}, ` +
        `highest ${newest.at(-1)!.name} ${formatDuration(newest.at(-1)!.p50)}`;
  return `${spread}. Lost in this window: ${losing.length === 0 ? 'nothing' : losing.join(', ')}.`;
}
