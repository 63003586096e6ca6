/**
 * Raw samples as probes hand them over and the store keeps them, and the one set of formulae that turns them
 * into statistics: the live view and the store use the same functions, so their numbers are equal.
 */
import type { PingStats, RttSummary, TransportSnapshot } from './domain.ts';

/** One ping. `rttUs` null means lost: no echo within the probe’s timeout. */
export interface PingSample {
  /** When it was sent, unix milliseconds (fractional). */
  atMs: number;
  rttUs: number | null;
  /** True when the route’s own transfer was running as it was sent. */
  loaded: boolean;
}

/** Slots of the ping schedule in which nothing was sent: no connection, its window full, or the machine too late. */
export interface SkipSample {
  /** When they were found to be skipped. */
  atMs: number;
  count: number;
}

/** One bulk transfer, payload bytes of the application only. One that failed has no bytes, takes no time, and says why. */
export interface TransferSample {
  atMs: number;
  direction: 'down' | 'up';
  bytes: number;
  durationUs: number;
  errorCode: string | null;
}

export interface HandshakeSample {
  atMs: number;
  /** ClientHello sent to handshake complete. Null when it failed. */
  durationUs: number | null;
  errorCode: string | null;
  /** What the connection was for; `handshake` is one made for its own sake. */
  purpose: 'ping' | 'transfer' | 'handshake';
}

/** What a probe of one route hands over at once. */
export interface SampleBatch {
  pings: readonly PingSample[];
  skips: readonly SkipSample[];
  transfers: readonly TransferSample[];
  handshakes: readonly HandshakeSample[];
  transport: TransportSnapshot | null;
}

/** The ping in whole microseconds, as the store keeps it: applied on arrival, so live and stored numbers are equal. */
export const wholeMicroseconds = ({ atMs, rttUs, loaded }: PingSample): PingSample => ({
  atMs: Math.round(atMs * 1000) / 1000,
  rttUs: rttUs === null ? null : Math.round(rttUs),
  loaded,
});

/** As `wholeMicroseconds`, of skipped slots. */
export const wholeSkip = ({ atMs, count }: SkipSample): SkipSample => ({
  atMs: Math.round(atMs * 1000) / 1000,
  count,
});

/** Value at quantile q of ascending `sorted`, linear between closest ranks (Hyndman–Fan type 7, as NumPy’s default). */
export function quantile(sorted: ArrayLike<number>, q: number): number {
  const rank = (sorted.length - 1) * q;
  const low = Math.floor(rank);
  const high = Math.min(low + 1, sorted.length - 1);
  return sorted[low]! + (sorted[high]! - sorted[low]!) * (rank - low);
}

/** Summary of rising RTTs in microseconds; null when there is none. */
export function summariseSorted(rttUs: Float64Array): RttSummary | null {
  const n = rttUs.length;
  if (n === 0) return null;
  let sum = 0;
  for (const value of rttUs) sum += value;
  return {
    min: rttUs[0]!,
    mean: sum / n,
    p50: quantile(rttUs, 0.5),
    p95: quantile(rttUs, 0.95),
    p99: quantile(rttUs, 0.99),
    max: rttUs[n - 1]!,
  };
}

/**
 * RFC 3550 §6.4.1 / A.8 interarrival jitter over echoes in sending order: J += (|D| − J) / 16, where D is the
 * difference of successive transit times (here: RTTs, both clocks being ours). Null with fewer than two echoes.
 */
export const jitterAfter = (
  jitterUs: number | null,
  previousRttUs: number | null,
  rttUs: number,
): number | null =>
  previousRttUs === null ? null : (jitterUs ?? 0) + (Math.abs(rttUs - previousRttUs) - (jitterUs ?? 0)) / 16;

function jitterUs(rttUs: Iterable<number>): number | null {
  let previous: number | null = null;
  let jitter: number | null = null;
  for (const rtt of rttUs) {
    jitter = jitterAfter(jitter, previous, rtt);
    previous = rtt;
  }
  return jitter;
}

/**
 * Statistics of the pings sent, and the slots skipped, in [fromMs, toMs). `samples` must be in sending order and all
 * resolved.
 */
export function pingStats(
  samples: readonly PingSample[],
  skips: readonly SkipSample[],
  fromMs: number,
  toMs: number,
): PingStats {
  const isWithin = ({ atMs }: { atMs: number }): boolean => atMs >= fromMs && atMs < toMs;
  const rtts = samples.filter(isWithin).map(({ rttUs }) => rttUs);
  const skipped = skips.filter(isWithin).reduce((sum, { count }) => sum + count, 0);
  return rttStats(rtts, skipped, fromMs, toMs);
}

/** As `pingStats`, from the RTTs alone: of every ping sent in [fromMs, toMs), in sending order, null where lost. */
export function rttStats(
  rttUs: readonly (number | null)[],
  skipped: number,
  fromMs: number,
  toMs: number,
): PingStats {
  const sent = rttUs.length;
  const echoes = rttUs.filter((rtt) => rtt !== null);
  const lost = sent - echoes.length;
  return {
    fromMs,
    toMs,
    sent,
    received: echoes.length,
    lost,
    skipped,
    lossRatio: sent === 0 ? null : lost / sent,
    rttUs: summariseSorted(Float64Array.from(echoes).sort()),
    jitterUs: jitterUs(echoes),
  };
}

/** Goodput in bits per second of a transfer. */
export const goodputBps = (transfer: { bytes: number; durationUs: number }): number =>
  (transfer.bytes * 8e6) / transfer.durationUs;
