/** How large the buffer before a bottleneck is. */
import type { LinkSettings } from '../../shared/domain.ts';
import { meanRateBps } from '../../shared/link-rates.ts';

const MIN_DEFAULT_BUFFER_BYTES = 64_000;

/** The one-way delay that BDPs are reckoned with: of a trace with delays, their mean. */
export function meanDelayMs({ delayMs, trace }: LinkSettings): number {
  if (trace?.kind !== 'series') return delayMs;
  const { steps, periodS } = trace;
  return steps.reduce(
    (mean, [second, , ms], i) =>
      mean + ((ms ?? delayMs) * ((steps[i + 1]?.[0] ?? periodS) - second)) / periodS,
    0,
  );
}

/**
 * Bytes: as given, as multiples of the bandwidth-delay product, or one BDP, at least 64 kB. The rate is that of a trace's
 * mean or of a schedule's beginning; `rttMs` is the path's round trip without queues.
 */
export function bufferBytesOf(settings: LinkSettings, rttMs: number): number {
  if (settings.bufferBytes !== null) return settings.bufferBytes;
  const rateBps = settings.trace === undefined ? settings.rateBps : meanRateBps(settings.trace);
  if (rateBps === null) return Number.POSITIVE_INFINITY;
  const bdpBytes = (rateBps / 8e3) * rttMs;
  return settings.bufferBdp === undefined
    ? Math.max(MIN_DEFAULT_BUFFER_BYTES, bdpBytes)
    : settings.bufferBdp * bdpBytes;
}
