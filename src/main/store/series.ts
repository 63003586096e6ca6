/** A series put together bucket by bucket. */
import type { PingStats, Series, Source } from '../../shared/domain.ts';

/** What a bucket of a series says. */
export type Bucket = Pick<PingStats, 'sent' | 'lost' | 'skipped' | 'rttUs' | 'jitterUs'> & {
  /** Null without a transfer. */
  downBps: number | null;
  upBps: number | null;
  handshakes: { count: number; failed: number; meanUs: number | null };
};

export interface SeriesBuilder {
  readonly series: Series;
  /** Buckets come oldest first. */
  add(startUs: number, bucket: Bucket): void;
}

export function seriesBuilder(routeId: string, bucketMs: number, source: Source): SeriesBuilder {
  const series: Series = {
    routeId,
    bucketMs,
    source,
    tMs: [],
    sent: [],
    lost: [],
    skipped: [],
    rttMin: [],
    rttMean: [],
    rttP50: [],
    rttP95: [],
    rttP99: [],
    rttMax: [],
    jitter: [],
    goodputDown: [],
    goodputUp: [],
    handshakes: [],
    handshakesFailed: [],
    handshakeMean: [],
  };
  return {
    series,
    add: (startUs, { sent, lost, skipped, rttUs, jitterUs, downBps, upBps, handshakes }) => {
      series.tMs.push(startUs / 1000);
      series.sent.push(sent);
      series.lost.push(lost);
      series.skipped.push(skipped);
      series.rttMin.push(rttUs?.min ?? null);
      series.rttMean.push(rttUs?.mean ?? null);
      series.rttP50.push(rttUs?.p50 ?? null);
      series.rttP95.push(rttUs?.p95 ?? null);
      series.rttP99.push(rttUs?.p99 ?? null);
      series.rttMax.push(rttUs?.max ?? null);
      series.jitter.push(jitterUs);
      series.goodputDown.push(downBps);
      series.goodputUp.push(upBps);
      series.handshakes.push(handshakes.count);
      series.handshakesFailed.push(handshakes.failed);
      series.handshakeMean.push(handshakes.meanUs);
    },
  };
}
