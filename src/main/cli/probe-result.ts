/** The result of one probe as DESIGN.md §5 states it: what `--json` prints and the table is made from. */
import type { ErrorBody } from '../../shared/errors.ts';
import { type HandshakeSample, type PingSample, pingStats, quantile } from '../../shared/samples.ts';
import type { ConnectionStats, HandshakeInfo } from '../quic/udp/api.ts';
import { type Column, table } from './output.ts';

export const MODES = ['ping', 'handshake', 'download', 'upload'] as const;
export type Mode = (typeof MODES)[number];

/** Absent fields were not measured. */
export interface ProbeResult {
  target: string;
  mode: Mode;
  congestion: string;
  duration_s: number;
  /** Pings resolved and echoed, or handshakes begun and completed. */
  sent?: number;
  received?: number;
  /** Of the handshakes, those that resumed a session. */
  resumed?: number;
  rtt_ms?: { min: number; mean: number; p50: number; p95: number; p99: number };
  jitter_ms?: number;
  loss_ratio?: number;
  /** Payload that arrived. */
  bytes?: number;
  goodput_bps?: { down?: number; up?: number };
  handshake_ms?: { p50: number; p95: number };
  /** Of the newest connection. */
  negotiated?: { alpn: string; cipher_suite: string; group: string };
  /** This endpoint’s controller; of no meaning for a download, which the server controls. */
  cwnd_bytes?: number;
  pacing_bps?: number;
  retransmit_ratio?: number;
  /** What QUIC itself counted at this endpoint, at the end of the session. */
  transport?: TransportResult;
  emulated?: true;
  started_at: string;
  insecure?: true;
  interrupted?: true;
  /** What ended the measurement early. */
  error?: ErrorBody;
}

/** Absent fields are not known. Packets and bytes are of UDP payload; losses are those of what this endpoint sent. */
interface TransportResult {
  min_rtt_ms?: number;
  smoothed_rtt_ms?: number;
  rtt_var_ms?: number;
  in_flight_bytes: number;
  /** UDP payload of full datagrams: the path's MTU as far as it is known, less IP and UDP headers. */
  datagram_bytes: number;
  packets_sent: number;
  packets_received: number;
  packets_lost: number;
  bytes_lost: number;
  /** Of the lost, those that were acknowledged after all. */
  spurious_losses: number;
  congestion_events: number;
  persistent_congestions: number;
  ptos: number;
  delivery_rate_bps?: number;
  app_limited: boolean;
}

const ORDER = [
  'target',
  'mode',
  'congestion',
  'duration_s',
  'sent',
  'received',
  'resumed',
  'rtt_ms',
  'jitter_ms',
  'loss_ratio',
  'bytes',
  'goodput_bps',
  'handshake_ms',
  'negotiated',
  'cwnd_bytes',
  'pacing_bps',
  'retransmit_ratio',
  'transport',
  'emulated',
  'started_at',
  'insecure',
  'interrupted',
  'error',
] as const satisfies readonly (keyof ProbeResult)[];

/** The fields that were measured, always in the same order. */
export const inOrder = (result: ProbeResult): object =>
  Object.fromEntries(ORDER.flatMap((name) => (result[name] === undefined ? [] : [[name, result[name]]])));

const ms = (us: number): number => Math.round(us) / 1000;

/** `samples` as they were resolved, in any order. */
export function pingFields(samples: readonly PingSample[]): Partial<ProbeResult> {
  const inOrder = samples.toSorted((a, b) => a.atMs - b.atMs);
  const { sent, received, lossRatio, rttUs, jitterUs } = pingStats(inOrder, [], 0, Number.POSITIVE_INFINITY);
  return {
    sent,
    received,
    ...(rttUs && {
      rtt_ms: {
        min: ms(rttUs.min),
        mean: ms(rttUs.mean),
        p50: ms(rttUs.p50),
        p95: ms(rttUs.p95),
        p99: ms(rttUs.p99),
      },
    }),
    ...(jitterUs !== null && { jitter_ms: ms(jitterUs) }),
    ...(lossRatio !== null && { loss_ratio: lossRatio }),
  };
}

export function handshakeFields(
  samples: readonly Pick<HandshakeSample, 'durationUs'>[],
): Partial<ProbeResult> {
  const times = samples.flatMap(({ durationUs }) => durationUs ?? []).sort((a, b) => a - b);
  if (times.length === 0) return {};
  return { handshake_ms: { p50: ms(quantile(times, 0.5)), p95: ms(quantile(times, 0.95)) } };
}

export const negotiatedFields = ({ alpn, cipherSuite, group }: HandshakeInfo): ProbeResult['negotiated'] => ({
  alpn,
  cipher_suite: cipherSuite,
  group,
});

export function transportFields(stats: ConnectionStats): TransportResult {
  const { minRttUs, smoothedRttUs, rttVarUs, deliveryRateBps } = stats;
  return {
    ...(minRttUs !== null && { min_rtt_ms: ms(minRttUs) }),
    ...(smoothedRttUs !== null && { smoothed_rtt_ms: ms(smoothedRttUs) }),
    ...(rttVarUs !== null && { rtt_var_ms: ms(rttVarUs) }),
    in_flight_bytes: stats.bytesInFlight,
    datagram_bytes: stats.datagramBytes,
    packets_sent: stats.packetsSent,
    packets_received: stats.packetsReceived,
    packets_lost: stats.packetsLost,
    bytes_lost: stats.bytesLost,
    spurious_losses: stats.spuriousLosses,
    congestion_events: stats.congestionEvents,
    persistent_congestions: stats.persistentCongestions,
    ptos: stats.ptoCount,
    ...(deliveryRateBps !== null && { delivery_rate_bps: Math.round(deliveryRateBps) }),
    app_limited: stats.isAppLimited,
  };
}

/** The result as a table, numbers right-aligned with their unit beside them. */
export function resultTable(result: ProbeResult): string {
  const rows: [string, string, string][] = [];
  const add = (label: string, value: number | undefined, digits: number, unit: string): void => {
    if (value !== undefined) rows.push([label, value.toFixed(digits), unit]);
  };
  const { rtt_ms: rtt, handshake_ms: handshake, goodput_bps: goodput } = result;
  const counted = result.mode === 'handshake' ? 'handshakes' : 'pings';
  add('sent', result.sent, 0, counted);
  add('received', result.received, 0, counted);
  add('resumed', result.resumed, 0, counted);
  add('loss', result.loss_ratio === undefined ? undefined : result.loss_ratio * 100, 2, '%');
  for (const name of ['min', 'mean', 'p50', 'p95', 'p99'] as const) add(`rtt ${name}`, rtt?.[name], 3, 'ms');
  add('jitter', result.jitter_ms, 3, 'ms');
  add('payload', result.bytes, 0, 'B');
  add('download', goodput?.down === undefined ? undefined : goodput.down / 1e6, 3, 'Mbit/s');
  add('upload', goodput?.up === undefined ? undefined : goodput.up / 1e6, 3, 'Mbit/s');
  if (result.mode === 'handshake') {
    add('handshake p50', handshake?.p50, 3, 'ms');
    add('handshake p95', handshake?.p95, 3, 'ms');
  } else add('handshake', handshake?.p50, 3, 'ms');
  if (result.mode === 'handshake' && result.negotiated) {
    const { alpn, cipher_suite, group } = result.negotiated;
    for (const [label, value] of Object.entries({ protocol: alpn, cipher: cipher_suite, group }))
      rows.push([label, value, '']);
  }
  add('cwnd', result.cwnd_bytes, 0, 'B');
  add('pacing', result.pacing_bps === undefined ? undefined : result.pacing_bps / 1e6, 3, 'Mbit/s');
  add(
    'retransmitted',
    result.retransmit_ratio === undefined ? undefined : result.retransmit_ratio * 100,
    2,
    '%',
  );
  add('time', result.duration_s, 1, 's');
  const columns: Column[] = ['left', 'right', 'unit'];
  return table(rows, columns);
}
