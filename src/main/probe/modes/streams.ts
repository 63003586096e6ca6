/** Mode `streams`: several downloads at once over one connection, each a stream of its own. */

import { LabError } from '../../../shared/errors.ts';
import type { StreamFigures } from '../../../shared/probe-details.ts';
import { goodputBps, quantile } from '../../../shared/samples.ts';
import { jain } from '../../../shared/statistics.ts';
import { formatBytes } from '../../../shared/units.ts';
import type { QuicSession } from '../../quic/udp/api.ts';
import { nowUs } from '../../quic/udp/clock.ts';
import { download } from '../throughput.ts';
import { DEFAULT_DURATION_MS, type Mode, type ModeContext } from './mode.ts';

const DEFAULT_STREAMS = 4;

/** One stream as its bytes come; times on the clock of `nowUs()`. */
interface Progress {
  bytes: number;
  firstAtUs: number | null;
  lastAtUs: number;
  longestGapUs: number;
  isWhole: boolean;
}

export function streamsMode(context: ModeContext): Mode {
  const { plan, signal } = context;
  const { bytes, streams: count = DEFAULT_STREAMS } = plan;
  const durationMs = plan.durationMs ?? (bytes === undefined ? DEFAULT_DURATION_MS : undefined);
  const streams: Progress[] = Array.from({ length: count }, () => ({
    bytes: 0,
    firstAtUs: null,
    lastAtUs: 0,
    longestGapUs: 0,
    isWhole: false,
  }));
  let askedAtUs = 0;
  let endedAtUs: number | null = null;
  const bytesMoved = (): number => streams.reduce((sum, stream) => sum + stream.bytes, 0);

  const fetch = async (session: QuicSession, stream: Progress, end: AbortSignal): Promise<void> => {
    const whole = await download(session, {
      bytes,
      durationMs,
      signal: end,
      onProgress: ({ bytes: total }) => {
        const now = nowUs();
        if (stream.firstAtUs === null) stream.firstAtUs = now;
        else stream.longestGapUs = Math.max(stream.longestGapUs, now - stream.lastAtUs);
        Object.assign(stream, { bytes: total, lastAtUs: now });
      },
    });
    stream.isWhole = whole.bytes === bytes;
  };

  const measure = async (session: QuicSession): Promise<void> => {
    const either = new AbortController();
    const end = AbortSignal.any([signal, either.signal]);
    askedAtUs = nowUs();
    const ends = await Promise.allSettled(
      streams.map(async (stream) => {
        try {
          await fetch(session, stream, end);
        } catch (error) {
          either.abort();
          throw error;
        }
      }),
    );
    endedAtUs = nowUs();
    for (const each of ends) if (each.status === 'rejected') throw each.reason;
  };

  const figuresOf = (stream: Progress): StreamFigures => {
    const untilUs = (stream.isWhole ? stream.lastAtUs : (endedAtUs ?? nowUs())) - askedAtUs;
    return {
      bytes: stream.bytes,
      firstByteUs: stream.firstAtUs === null ? null : stream.firstAtUs - askedAtUs,
      endUs: stream.isWhole ? stream.lastAtUs - askedAtUs : null,
      goodputBps: untilUs > 0 ? Math.round(goodputBps({ bytes: stream.bytes, durationUs: untilUs })) : null,
      longestGapUs: stream.firstAtUs === null ? null : stream.longestGapUs,
    };
  };

  /** From the first byte of any to the last of any, or to the end of one that was cut short. */
  const totalBps = (): number | null => {
    const begun = streams.flatMap(({ firstAtUs }) => firstAtUs ?? []);
    if (begun.length === 0) return null;
    const last = streams.every(({ isWhole }) => isWhole)
      ? Math.max(...streams.map(({ lastAtUs }) => lastAtUs))
      : (endedAtUs ?? nowUs());
    const durationUs = last - Math.min(...begun);
    return durationUs <= 0 ? null : Math.round(goodputBps({ bytes: bytesMoved(), durationUs }));
  };

  return {
    durationMs,
    get part() {
      return bytes === undefined ? 0 : bytesMoved() / (count * bytes);
    },
    get newest() {
      return formatBytes(bytesMoved());
    },
    measure: () => context.withSession({ during: 'streams', serverSends: true }, measure),
    figures: () => {
      const each = askedAtUs === 0 ? [] : streams.map(figuresOf);
      return {
        bytesDown: askedAtUs === 0 ? null : bytesMoved(),
        goodputDownBps: totalBps(),
        detail: {
          kind: 'streams',
          streams: each,
          fairness: bytesMoved() === 0 ? null : jain(each.map((stream) => stream.goodputBps ?? 0)),
          slowestLaterUs: slowestLater(each.map(({ endUs }) => endUs)),
        },
      };
    },
    fault: () =>
      totalBps() === null
        ? new LabError('RL_CONNECTION_LOST', 'The streams moved too little to derive a rate', {
            hint: 'Transfer more: raise the bytes or the duration.',
          })
        : null,
  };
}

/** How much later the last ended than the median of the others. */
function slowestLater(ends: readonly (number | null)[]): number | null {
  const sorted = ends.flatMap((end) => end ?? []).sort((a, b) => a - b);
  if (sorted.length < 2 || sorted.length < ends.length) return null;
  return sorted.at(-1)! - quantile(sorted.slice(0, -1), 0.5);
}
