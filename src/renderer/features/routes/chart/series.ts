/** The history of one route as the lab streams it, and what is read out of it. Columns, never one object a sample. */
import { type Series, Source } from '../../../../shared/domain.ts';
import { lowerBound } from '../../../../shared/sorted.ts';

/** The columns of a series that hold a value per bucket. */
const COLUMNS = [
  'tMs',
  'sent',
  'lost',
  'skipped',
  'rttMin',
  'rttMean',
  'rttP50',
  'rttP95',
  'rttP99',
  'rttMax',
  'jitter',
  'goodputDown',
  'goodputUp',
  'handshakes',
  'handshakesFailed',
  'handshakeMean',
] as const;

/** The columns that are null where nothing was measured. */
export type ValueColumn = Exclude<
  (typeof COLUMNS)[number],
  'tMs' | 'sent' | 'lost' | 'skipped' | 'handshakes' | 'handshakesFailed'
>;

/** The one of the coarser data. */
const coarser = (a: Source, b: Source): Source =>
  Source.options.indexOf(a) > Source.options.indexOf(b) ? a : b;

/**
 * `held` with `chunk` put behind it. Where both have a bucket the chunk's counts, and what is older than
 * `windowMs` before the newest bucket's end is let go.
 */
export function mergeSeries(held: Series | null, chunk: Series, windowMs: number): Series {
  const newest = chunk.tMs.at(-1) ?? held?.tMs.at(-1);
  if (newest === undefined) return chunk;
  const from = newest + chunk.bucketMs - windowMs;
  const old = held !== null && held.bucketMs === chunk.bucketMs ? held : null;
  const firstNew = chunk.tMs[0] ?? Number.POSITIVE_INFINITY;
  const oldStart = old ? lowerBound(old.tMs, from) : 0;
  const oldEnd = old ? lowerBound(old.tMs, firstNew) : 0;
  const newStart = lowerBound(chunk.tMs, from);
  const keepsOld = old !== null && oldEnd > oldStart;
  const merged = { ...chunk, source: keepsOld ? coarser(old.source, chunk.source) : chunk.source };
  for (const column of COLUMNS) {
    const kept = old ? old[column].slice(oldStart, Math.max(oldStart, oldEnd)) : [];
    merged[column] = [...kept, ...chunk[column].slice(newStart)] as number[];
  }
  return merged;
}

/** End of the newest bucket of all series, unix milliseconds; null when there is none. */
export const endOf = (series: readonly Series[]): number | null =>
  series.reduce<number | null>((end, { tMs, bucketMs }) => {
    const last = tMs.at(-1);
    return last === undefined || (end !== null && last + bucketMs <= end) ? end : last + bucketMs;
  }, null);

/** Index of the bucket that holds a moment; -1 when none does. */
export function bucketAt({ tMs, bucketMs }: Series, atMs: number): number {
  const index = lowerBound(tMs, atMs + 1) - 1;
  return index >= 0 && atMs < tMs[index]! + bucketMs ? index : -1;
}

/** Whether buckets are missing between an entry and the one before it: nothing was sent, or nothing was running. */
export const gapBefore = ({ tMs, bucketMs }: Series, index: number): boolean =>
  index > 0 && tMs[index]! - tMs[index - 1]! > 1.5 * bucketMs;

export interface Point {
  x: number;
  y: number | null;
  /** No neighbour on either side: a line alone would not show it. */
  lone?: boolean;
}

/** A column as points in the middle of their buckets, broken by a null where the measurement was interrupted. */
export function pointsOf(series: Series, column: ValueColumn): Point[] {
  const points: Point[] = [];
  series[column].forEach((y, index) => {
    const x = series.tMs[index]! + series.bucketMs / 2;
    if (gapBefore(series, index)) points.push({ x: series.tMs[index - 1]! + 1.5 * series.bucketMs, y: null });
    points.push({ x, y });
  });
  points.forEach((point, index) => {
    if (
      point.y !== null &&
      (points[index - 1]?.y ?? null) === null &&
      (points[index + 1]?.y ?? null) === null
    ) {
      point.lone = true;
    }
  });
  return points;
}

/** The measured entries of a sparse column, without the nulls between them. */
export const sparsePointsOf = (series: Series, column: ValueColumn): Point[] =>
  series[column].flatMap((y, index) =>
    y === null ? [] : { x: series.tMs[index]! + series.bucketMs / 2, y },
  );
