/** The result of one probe as DESIGN.md §5 states it: what `--json` prints and the table is made from. */
import type { ErrorBody } from '../../shared/errors.ts';
import type { ProbeDetail } from '../../shared/probe-details.ts';
import {
  PROBE_MODES,
  type ProbeMode,
  type ProbeResult,
  type ProbeTransport,
  sendingEnd,
} from '../../shared/probes.ts';
import type { Gate } from '../../shared/report.ts';
import { type Column, table } from './output.ts';
import { detailFields, detailRows, type Row } from './probe-detail.ts';

/** Of a HOST:PORT: HTTP/3 is for URLs. */
export const MODES = PROBE_MODES.filter((mode) => mode !== 'http3');
export type Mode = Exclude<ProbeMode, 'http3'>;

/** What is known before anything is measured. */
export interface ProbeHead {
  /** Of one among several targets. */
  label?: string;
  target: string;
  mode: Mode;
  /** What governs this end. */
  congestion: string;
  /** The controller that options ask for, of both ends where both send. */
  asked?: { congestion: string; parameters: Readonly<Record<string, number>> };
  emulated?: true;
  started_at: string;
  insecure?: true;
}

/** Absent fields were not measured. */
export interface ProbeFields extends Omit<ProbeHead, 'congestion' | 'asked'> {
  /** What governed the end that sends the payload; null of a download whose server does not tell. */
  congestion: string | null;
  /** Where the server sends: whether it follows; null where it does not tell. */
  asked?: NonNullable<ProbeHead['asked']> & { followed?: boolean | null };
  /** From the beginning of the first handshake to the end of everything. */
  duration_s: number;
  /** Pings resolved and echoed, or handshakes begun and completed. */
  sent?: number;
  received?: number;
  /** Of the handshakes, those that resumed a session. */
  resumed?: number;
  /** Of pings; of a transfer those of QUIC at the end that sends, or at ours. */
  rtt_ms?: { min: number } & ({ mean: number; p50: number; p95: number; p99: number } | { smoothed: number });
  jitter_ms?: number;
  loss_ratio?: number;
  /** Payload that arrived, both directions together. */
  bytes?: number;
  goodput_bps?: { down?: number; up?: number };
  /** The receiver's time that goodput is divided by. */
  transfer_s?: { down?: number; up?: number };
  handshake_ms?: { p50: number; p95: number };
  /** What only this mode measures (docs/probes.md). */
  detail?: object;
  /** Of the newest connection. */
  negotiated?: { alpn: string; cipher_suite: string; group: string };
  /** Whose controller `congestion` and the three figures below are: the server’s in a download, where it tells. */
  sender?: 'server';
  cwnd_bytes?: number;
  pacing_bps?: number;
  retransmit_ratio?: number;
  /** What QUIC itself counted at this endpoint, at the end of the session. */
  transport?: TransportFields;
  /** The same of the server, where it tells. */
  server_transport?: TransportFields;
  /** Of --sla. */
  gates?: readonly Gate[];
  interrupted?: true;
  /** What ended the measurement early. */
  error?: ErrorBody;
}

/** Absent fields are not known. Packets and bytes are of UDP payload; losses are those of what this endpoint sent. */
interface TransportFields {
  min_rtt_ms?: number;
  smoothed_rtt_ms?: number;
  rtt_var_ms?: number;
  in_flight_bytes?: number;
  /** UDP payload of full datagrams: the path's MTU as far as it is known, less IP and UDP headers. */
  datagram_bytes?: number;
  packets_sent: number;
  packets_received?: number;
  packets_lost: number;
  bytes_lost?: number;
  /** Of the lost, those that were acknowledged after all. */
  spurious_losses?: number;
  congestion_events?: number;
  persistent_congestions?: number;
  ptos?: number;
  delivery_rate_bps?: number;
  app_limited?: boolean;
}

const ORDER = [
  'label',
  'target',
  'mode',
  'congestion',
  'asked',
  'duration_s',
  'sent',
  'received',
  'resumed',
  'rtt_ms',
  'jitter_ms',
  'loss_ratio',
  'bytes',
  'goodput_bps',
  'transfer_s',
  'handshake_ms',
  'detail',
  'negotiated',
  'sender',
  'cwnd_bytes',
  'pacing_bps',
  'retransmit_ratio',
  'transport',
  'server_transport',
  'emulated',
  'started_at',
  'insecure',
  'gates',
  'interrupted',
  'error',
] as const satisfies readonly (keyof ProbeFields)[];

const ms = (us: number): number => Math.round(us) / 1000;

/** What is not null, under its name. */
const known = <T extends object>(fields: { [K in keyof T]: T[K] | null }): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null)) as Partial<T>;

/** The fields that were measured, always in the same order. */
export function probeFields(
  head: ProbeHead,
  measured: ProbeResult,
  rest: Pick<ProbeFields, 'resumed' | 'gates' | 'interrupted' | 'error'>,
  serverFollows: boolean | null = null,
): ProbeFields {
  const { rttUs, handshakeUs, negotiated, bytesDown, bytesUp, goodputDownBps, goodputUpBps } = measured;
  const [own, server] = (['client', 'server'] as const).map((end) =>
    measured.transport.find(({ vantage }) => vantage === end),
  );
  const { detail } = measured;
  const counted = detail?.kind === 'transfer' ? detail : null;
  // Of no meaning in a download is the controller of the end that only acknowledges.
  const serverSends = sendingEnd(head.mode) === 'server';
  const sender = serverSends ? server : own;
  const bytes = bytesDown === null && bytesUp === null ? null : (bytesDown ?? 0) + (bytesUp ?? 0);
  const goodput = known<{ down: number; up: number }>({ down: goodputDownBps, up: goodputUpBps });
  const { minRttUs = null, smoothedRttUs = null } = sender ?? own ?? {};
  const isTransfer = goodputDownBps !== null || goodputUpBps !== null;
  const seconds = (us: number | undefined): number | null =>
    us === undefined || us <= 0 ? null : Math.round(us / 1e3) / 1e3;
  const { asked, ...begun } = head;
  const isServersToo = serverSends || head.mode === 'bidi' || head.mode === 'responsiveness';
  const fields: ProbeFields = {
    ...begun,
    congestion: sender?.controller ?? (serverSends ? null : head.congestion),
    ...(asked && { asked: { ...asked, ...(isServersToo && { followed: serverFollows }) } }),
    duration_s: Math.round(measured.durationUs / 1000) / 1000,
    ...known<ProbeFields>({
      sent: measured.sent,
      received: measured.received,
      rtt_ms:
        rttUs !== null
          ? {
              min: ms(rttUs.min),
              mean: ms(rttUs.mean),
              p50: ms(rttUs.p50),
              p95: ms(rttUs.p95),
              p99: ms(rttUs.p99),
            }
          : isTransfer && minRttUs !== null && smoothedRttUs !== null
            ? { min: ms(minRttUs), smoothed: ms(smoothedRttUs) }
            : null,
      jitter_ms: measured.jitterUs === null ? null : ms(measured.jitterUs),
      loss_ratio: measured.lossRatio,
      bytes,
      goodput_bps: Object.keys(goodput).length === 0 ? null : goodput,
      transfer_s:
        isTransfer && counted
          ? known<{ down: number; up: number }>({
              down: seconds(counted.down?.durationUs),
              up: seconds(counted.up?.durationUs),
            })
          : null,
      detail: detail && detailFields(detail),
      handshake_ms: handshakeUs && { p50: ms(handshakeUs.p50), p95: ms(handshakeUs.p95) },
      negotiated: negotiated && {
        alpn: negotiated.alpn,
        cipher_suite: negotiated.cipherSuite,
        group: negotiated.group,
      },
      sender: sender === server && server !== undefined ? 'server' : null,
      cwnd_bytes: sender?.cwndBytes ?? null,
      pacing_bps: sender?.pacingBps == null ? null : Math.round(sender.pacingBps),
      retransmit_ratio: head.mode === 'ping' ? null : (sender?.retransmitRatio ?? null),
      transport: own ? transportFields(own) : null,
      server_transport: server ? transportFields(server) : null,
    } as { [K in keyof ProbeFields]: ProbeFields[K] | null }),
    ...rest,
  };
  return Object.fromEntries(
    ORDER.flatMap((name) => (fields[name] === undefined ? [] : [[name, fields[name]]])),
  ) as unknown as ProbeFields;
}

function transportFields(of: ProbeTransport): TransportFields {
  return {
    packets_sent: of.packetsSent,
    packets_lost: of.packetsLost,
    ...known({
      min_rtt_ms: of.minRttUs === null ? null : ms(of.minRttUs),
      smoothed_rtt_ms: of.smoothedRttUs === null ? null : ms(of.smoothedRttUs),
      rtt_var_ms: of.rttVarUs === null ? null : ms(of.rttVarUs),
      in_flight_bytes: of.inFlightBytes,
      datagram_bytes: of.datagramBytes,
      packets_received: of.packetsReceived,
      bytes_lost: of.bytesLost,
      spurious_losses: of.spuriousLosses,
      congestion_events: of.congestionEvents,
      persistent_congestions: of.persistentCongestions,
      ptos: of.ptos,
      delivery_rate_bps: of.deliveryRateBps === null ? null : Math.round(of.deliveryRateBps),
      app_limited: of.isAppLimited,
    }),
  };
}

/** What is to be said where the server sends, perhaps, with another controller than was asked for; null where it does not. */
export function controllerNote({ asked, mode }: ProbeFields, { transport }: ProbeResult): string | null {
  if (asked?.followed === undefined || asked.followed) return null;
  const wish = [asked.congestion, ...Object.entries(asked.parameters).map((each) => each.join('='))].join(
    ' ',
  );
  const used = transport.find(({ vantage }) => vantage === 'server')?.controller ?? 'controller';
  const what = sendingEnd(mode) === 'server' ? 'the download is' : 'the way down is';
  return asked.followed === false
    ? `${what} not of ${wish}: the server sends with its own ${used} and does not let clients choose (server --clients-choose)`
    : `${what} perhaps not of ${wish}: the server does not tell what it sends with`;
}

/** The result as a table, numbers right-aligned with their unit beside them. */
export function resultTable(result: ProbeFields, detail: ProbeDetail | null = null): string {
  const rows: Row[] = [];
  const add = (label: string, value: number | undefined, digits: number, unit: string): void => {
    if (value !== undefined) rows.push([label, value.toFixed(digits), unit]);
  };
  const { rtt_ms: rtt, handshake_ms: handshake, goodput_bps: goodput, transfer_s: transfer } = result;
  const counted = result.mode === 'handshake' ? 'handshakes' : 'pings';
  add('sent', result.sent, 0, counted);
  add('received', result.received, 0, counted);
  add('resumed', result.resumed, 0, counted);
  add('loss', result.loss_ratio === undefined ? undefined : result.loss_ratio * 100, 2, '%');
  for (const [name, value] of Object.entries(rtt ?? {})) add(`rtt ${name}`, value, 3, 'ms');
  add('jitter', result.jitter_ms, 3, 'ms');
  add('payload', result.bytes, 0, 'B');
  add('download', goodput?.down === undefined ? undefined : goodput.down / 1e6, 3, 'Mbit/s');
  add('  over', transfer?.down, 3, 's');
  add('upload', goodput?.up === undefined ? undefined : goodput.up / 1e6, 3, 'Mbit/s');
  add('  over', transfer?.up, 3, 's');
  if (result.mode === 'handshake') {
    add('handshake p50', handshake?.p50, 3, 'ms');
    add('handshake p95', handshake?.p95, 3, 'ms');
  } else add('handshake', handshake?.p50, 3, 'ms');
  if (result.mode === 'handshake' && result.negotiated) {
    const { alpn, cipher_suite, group } = result.negotiated;
    for (const [label, value] of Object.entries({ protocol: alpn, cipher: cipher_suite, group }))
      rows.push([label, value, '']);
  }
  if (detail !== null) rows.push(...detailRows(detail));
  add('cwnd', result.cwnd_bytes, 0, 'B');
  add('pacing', result.pacing_bps === undefined ? undefined : result.pacing_bps / 1e6, 3, 'Mbit/s');
  add(
    'retransmitted',
    result.retransmit_ratio === undefined ? undefined : result.retransmit_ratio * 100,
    2,
    '%',
  );
  add(transfer === undefined ? 'time' : 'time in all', result.duration_s, 1, 's');
  const columns: Column[] = ['left', 'right', 'unit'];
  return table(rows, columns);
}
