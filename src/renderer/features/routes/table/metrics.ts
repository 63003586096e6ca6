/** The numbers of the table: where each comes from in a status, how it is written, and what it means. */
import type { RouteStatus } from '../../../../shared/domain.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../../../shared/units.ts';
import type { absenceReason } from './absence.ts';

interface Metric {
  readonly header: string;
  /** The tooltip of the header. */
  readonly about: string;
  readonly source: Parameters<typeof absenceReason>[0];
  readonly value: (status: RouteStatus) => number | null;
  readonly format: (value: number) => string;
}

const overMinute = 'of the pings sent in the last 60 s that were answered';

export const METRICS = {
  'rtt-p50': {
    header: 'RTT p50',
    about: `Median round-trip time ${overMinute}`,
    source: 'ping',
    value: (s) => s.ping?.rttUs?.p50 ?? null,
    format: (us) => formatDuration(us),
  },
  'rtt-p95': {
    header: 'p95',
    about: `95th percentile of the round-trip time ${overMinute}`,
    source: 'ping',
    value: (s) => s.ping?.rttUs?.p95 ?? null,
    format: (us) => formatDuration(us),
  },
  'rtt-p99': {
    header: 'p99',
    about: `99th percentile of the round-trip time ${overMinute}`,
    source: 'ping',
    value: (s) => s.ping?.rttUs?.p99 ?? null,
    format: (us) => formatDuration(us),
  },
  jitter: {
    header: 'Jitter',
    about: `Interarrival jitter (RFC 3550) ${overMinute}`,
    source: 'ping',
    value: (s) => s.ping?.jitterUs ?? null,
    format: (us) => formatDuration(us, 2),
  },
  loss: {
    header: 'Loss',
    about:
      'Share of the pings sent in the last 60 s that were never answered; slots without a connection are not pings',
    source: 'ping',
    value: (s) => s.ping?.lossRatio ?? null,
    format: (ratio) => formatPercent(ratio),
  },
  down: {
    header: 'Down',
    about: 'Goodput of the newest download over this route',
    source: 'transfer',
    value: (s) => s.down?.goodputBps ?? null,
    format: (bps) => formatRate(bps),
  },
  up: {
    header: 'Up',
    about: 'Goodput of the newest upload over this route',
    source: 'transfer',
    value: (s) => s.up?.goodputBps ?? null,
    format: (bps) => formatRate(bps),
  },
  handshake: {
    header: 'Handshake',
    about: 'QUIC handshake of the connection that pings go over, from ClientHello to complete',
    source: 'handshake',
    value: (s) => s.handshakeUs,
    format: (us) => formatDuration(us),
  },
  cwnd: {
    header: 'cwnd',
    about: 'Congestion window of the transfer while one runs, else of the connection that pings go over',
    source: 'transport',
    value: (s) => s.transport?.cwndBytes ?? null,
    format: (bytes) => formatBytes(bytes),
  },
} as const satisfies Record<string, Metric>;

export type MetricId = keyof typeof METRICS;
