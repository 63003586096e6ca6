/**
 * As many points of a line as its pixels can show: of all samples in a pixel column the first, least, greatest and last,
 * so that a spike of one sample survives any zoom.
 */
import { lowerBound, upperBound } from '../../../../shared/sorted.ts';

export interface Window {
  fromUs: number;
  toUs: number;
}

/** Points of a line: time and value by turns. A value of NaN breaks the line. */
export interface Points {
  xy: Float64Array;
  /** Numbers of `xy` in use: two a point. */
  length: number;
  /** Greatest value; -Infinity without any. */
  max: number;
}

/** Per column four points and a break, and one point beyond each edge, for the line to leave the window. */
const roomFor = (columns: number): number => 2 * (5 * columns + 8);

/**
 * Decimates the samples within the window, and the nearest beyond either edge, to `columns` pixel columns.
 * `tUs` and `values` have the same length. `reuse` may be a former result, whose memory is taken.
 */
export function decimate(
  tUs: Float64Array,
  values: Float64Array,
  { fromUs, toUs }: Window,
  columns: number,
  reuse?: Points,
): Points {
  const room = roomFor(columns);
  const xy = reuse && reuse.xy.length >= room ? reuse.xy : new Float64Array(room);
  let length = 0;
  let max = Number.NEGATIVE_INFINITY;
  let isBroken = false;
  const emit = (index: number): void => {
    const value = values[index]!;
    xy[length++] = tUs[index]!;
    xy[length++] = value;
    if (value > max) max = value;
  };

  const start = Math.max(0, lowerBound(tUs, fromUs) - 1);
  const end = Math.min(tUs.length, upperBound(tUs, toUs) + 1);
  const perUs = columns / Math.max(Number.MIN_VALUE, toUs - fromUs);
  const columnOf = (index: number): number =>
    Math.min(columns, Math.max(-1, Math.floor((tUs[index]! - fromUs) * perUs)));
  for (let i = start; i < end; ) {
    const column = columnOf(i);
    let first = -1;
    let last = -1;
    let least = -1;
    let greatest = -1;
    let opensBroken = isBroken;
    for (; i < end && columnOf(i) === column; i++) {
      const value = values[i]!;
      if (Number.isNaN(value)) {
        isBroken = true;
        continue;
      }
      if (first < 0) {
        first = i;
        least = i;
        greatest = i;
        opensBroken = isBroken;
      }
      if (value < values[least]!) least = i;
      if (value > values[greatest]!) greatest = i;
      last = i;
      isBroken = false;
    }
    if (first < 0) continue;
    if (opensBroken && length > 0) {
      xy[length++] = tUs[first]!;
      xy[length++] = Number.NaN;
    }
    emit(first);
    const early = Math.min(least, greatest);
    const late = Math.max(least, greatest);
    if (early !== first && early !== last) emit(early);
    if (late !== early && late !== first && late !== last) emit(late);
    if (last !== first) emit(last);
  }
  return { xy, length, max };
}

export interface LossMark {
  column: number;
  /** Packets lost within the column. */
  packets: number;
}

/** Where packets were lost: the growth of their cumulative count, by pixel column. */
export function lossMarks(
  tUs: Float64Array,
  lost: Float64Array,
  { fromUs, toUs }: Window,
  columns: number,
): LossMark[] {
  const marks: LossMark[] = [];
  const start = lowerBound(tUs, fromUs);
  const end = upperBound(tUs, toUs);
  let before = 0;
  for (let i = start - 1; i >= 0; i--) {
    if (Number.isNaN(lost[i]!)) continue;
    before = lost[i]!;
    break;
  }
  for (let i = start; i < end; i++) {
    const now = lost[i]!;
    if (Number.isNaN(now)) continue;
    if (now > before) {
      const column = Math.min(columns - 1, Math.floor(((tUs[i]! - fromUs) / (toUs - fromUs)) * columns));
      const mark = marks.at(-1);
      if (mark?.column === column) mark.packets += now - before;
      else marks.push({ column, packets: now - before });
    }
    // Losses found to be none lower the count.
    before = now;
  }
  return marks;
}
