import type { Series } from '../../../src/shared/domain.ts';

/** A series with a bucket at each of `tMs`, the same numbers in all. */
export function seriesOf(
  tMs: readonly number[],
  {
    bucketMs = 1000,
    p50 = 10_000,
    sent = 10,
    lost = 0,
  }: { bucketMs?: number; p50?: number; sent?: number; lost?: number } = {},
): Series {
  const all = <T>(value: T): T[] => tMs.map(() => value);
  return {
    routeId: 'lan',
    bucketMs,
    source: 'raw',
    tMs: [...tMs],
    sent: all(sent),
    lost: all(lost),
    skipped: all(0),
    rttMin: all(p50 * 0.9),
    rttMean: all(p50 * 1.05),
    rttP50: all(p50),
    rttP95: all(p50 * 1.2),
    rttP99: all(p50 * 1.5),
    rttMax: all(p50 * 2),
    jitter: all(100),
    goodputDown: all(null),
    goodputUp: all(null),
    handshakes: all(0),
    handshakesFailed: all(0),
    handshakeMean: all(null),
  };
}
