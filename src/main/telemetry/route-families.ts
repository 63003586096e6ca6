/** The metric families of the probed routes. A route has a sample in a family when the value is known. */
import type { RouteStatus } from '../../shared/domain.ts';
import { bound, type Family, type Format, type Sample } from './exposition.ts';
import { HANDSHAKE_BOUNDS, type RouteTotals } from './route-totals.ts';

export interface ObservedRoute {
  labels: Readonly<Record<'route' | 'server' | 'congestion', string>>;
  status: RouteStatus;
  totals: RouteTotals;
}

type Reading = number | null | undefined;
type More = Readonly<Record<string, string>>;

export function routeFamilies(routes: readonly ObservedRoute[], format: Format): Family[] {
  const samples = (read: (route: ObservedRoute) => Reading, more: More): Sample[] =>
    routes.flatMap((route) => {
      const value = read(route);
      return typeof value === 'number' ? [{ labels: { ...route.labels, ...more }, value }] : [];
    });
  const gauge = (name: string, help: string, read: (route: ObservedRoute) => Reading): Family => ({
    name,
    help,
    type: 'gauge',
    samples: samples(read, {}),
  });
  // The probes are the connecting side.
  const counter = (name: string, help: string, read: (totals: RouteTotals) => Reading): Family => ({
    name,
    help,
    type: 'counter',
    samples: samples((route) => read(route.totals), { role: 'client' }),
  });

  return [
    {
      name: 'quic_rtt_seconds',
      help: 'Round-trip time of pings; the quantiles are those of the last minute.',
      type: 'summary',
      samples: routes.flatMap(rttSummary),
    },
    gauge('quic_jitter_seconds', 'Interarrival jitter (RFC 3550) of pings over the last minute.', (route) =>
      seconds(pings(route)?.jitterUs),
    ),
    gauge(
      'quic_packet_loss_ratio',
      'Pings lost of those sent over the last minute.',
      (route) => pings(route)?.lossRatio,
    ),
    {
      name: 'quic_throughput_bytes_per_second',
      help: 'Payload goodput of the newest transfer.',
      type: 'gauge',
      samples: [
        ...samples((route) => bytesPerSecond(connected(route)?.down?.goodputBps), { direction: 'down' }),
        ...samples((route) => bytesPerSecond(connected(route)?.up?.goodputBps), { direction: 'up' }),
      ],
    },
    gauge(
      'quic_congestion_window_bytes',
      'Congestion window of the connection.',
      (route) => connected(route)?.transport?.cwndBytes,
    ),
    gauge('quic_pacing_rate_bytes_per_second', 'Rate at which the connection paces its packets.', (route) =>
      bytesPerSecond(connected(route)?.transport?.pacingBps),
    ),
    gauge('quic_rtt_variance_seconds', 'rttvar of the transport’s estimator (RFC 9002).', (route) =>
      seconds(connected(route)?.transport?.rttVarUs),
    ),
    {
      name: 'quic_handshake_duration_seconds',
      help: 'ClientHello sent to handshake complete.',
      type: 'histogram',
      samples: routes.flatMap((route) => handshakeHistogram(route, format)),
    },
    counter('quic_connections_total', 'Connections whose handshake completed.', (totals) =>
      atLeastOne(totals.connections),
    ),
    counter('quic_streams_total', 'Streams that carried a transfer.', (totals) =>
      atLeastOne(totals.transfers),
    ),
    counter('quic_packets_sent_total', 'Packets sent.', ({ transport }) => transport?.packetsSent),
    counter(
      'quic_packets_received_total',
      'Packets received.',
      ({ transport }) => transport?.packetsReceived,
    ),
    counter(
      'quic_packets_lost_total',
      'Packets declared lost (RFC 9002).',
      ({ transport }) => transport?.packetsLost,
    ),
    counter('quic_bytes_sent_total', 'UDP payload sent.', ({ transport }) => transport?.bytesSent),
    counter(
      'quic_bytes_received_total',
      'UDP payload received.',
      ({ transport }) => transport?.bytesReceived,
    ),
  ];
}

/** Pings of the last minute, of a route that is being probed. */
const pings = ({ status }: ObservedRoute): RouteStatus['ping'] =>
  status.state === 'stopped' ? null : status.ping;

/** Status of a route whose connection stands: a window or a rate of one that is gone says nothing about now. */
const connected = ({ status }: ObservedRoute): RouteStatus | null => (status.state === 'up' ? status : null);

function rttSummary(route: ObservedRoute): Sample[] {
  const { labels, totals } = route;
  const samples: Sample[] = [];
  const rttUs = pings(route)?.rttUs;
  if (rttUs) {
    samples.push(
      { labels: { ...labels, quantile: '0.5' }, value: rttUs.p50 / 1e6 },
      { labels: { ...labels, quantile: '0.95' }, value: rttUs.p95 / 1e6 },
      { labels: { ...labels, quantile: '0.99' }, value: rttUs.p99 / 1e6 },
    );
  }
  if (totals.rtt.count > 0) {
    samples.push(
      { suffix: '_sum', labels, value: totals.rtt.seconds },
      { suffix: '_count', labels, value: totals.rtt.count },
    );
  }
  return samples;
}

function handshakeHistogram({ labels, totals }: ObservedRoute, format: Format): Sample[] {
  const { buckets, seconds, count } = totals.handshake;
  if (count === 0) return [];
  return [
    ...HANDSHAKE_BOUNDS.map((le, i) => ({
      suffix: '_bucket',
      labels: { ...labels, le: bound(le, format) },
      value: buckets[i]!,
    })),
    { suffix: '_bucket', labels: { ...labels, le: '+Inf' }, value: count },
    { suffix: '_sum', labels, value: seconds },
    { suffix: '_count', labels, value: count },
  ];
}

const atLeastOne = (count: number): number | null => (count > 0 ? count : null);

const seconds = (us: Reading): Reading => (typeof us === 'number' ? us / 1e6 : null);

const bytesPerSecond = (bps: Reading): Reading => (typeof bps === 'number' ? bps / 8 : null);
