/** Durations in cumulative buckets, as Prometheus’ histograms have them. */

/** Upper bounds of the handshake histogram, seconds, where no number of buckets is asked for. */
const USUAL_BOUNDS_S: readonly number[] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

export const BUCKETS = { min: 2, max: 100 } as const;
/** From a handshake over loopback to one that only just comes about. */
const SPAN_S = { from: 0.001, to: 10 } as const;

/**
 * `buckets` rising upper bounds in seconds from 1 ms to 10 s, each the same multiple of the one before, to three digits; +Inf
 * comes on top. Without a number the usual eleven.
 */
export function bucketBounds(buckets?: number): readonly number[] {
  if (buckets === undefined) return USUAL_BOUNDS_S;
  const ratio = (SPAN_S.to / SPAN_S.from) ** (1 / (buckets - 1));
  return Array.from({ length: buckets }, (_, i) => Number((SPAN_S.from * ratio ** i).toPrecision(3)));
}

export interface HistogramReading {
  readonly boundsS: readonly number[];
  /** `cumulative[i]` counts durations up to `boundsS[i]`, those of the buckets before included. */
  readonly cumulative: readonly number[];
  readonly sumS: number;
  readonly count: number;
}

export class DurationHistogram implements HistogramReading {
  readonly boundsS: readonly number[];
  readonly cumulative: number[];
  sumS = 0;
  count = 0;

  constructor(boundsS: readonly number[]) {
    this.boundsS = boundsS;
    this.cumulative = boundsS.map(() => 0);
  }

  add(durationUs: number): void {
    const seconds = durationUs / 1e6;
    this.sumS += seconds;
    this.count++;
    for (let i = this.boundsS.length - 1; i >= 0 && seconds <= this.boundsS[i]!; i--) this.cumulative[i]!++;
  }
}
