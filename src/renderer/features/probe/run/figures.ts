/** The numbers of a result by what was measured: always the same ones of a mode, so that none moves as they come. */
import type { DetailOf, ProbeDetail } from '../../../../shared/probe-details.ts';
import {
  type ProbeMode,
  type ProbeResult,
  type ProbeRun,
  sendingEnd,
  type Vantage,
} from '../../../../shared/probes.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../../../shared/units.ts';

export const isOver = ({ state }: ProbeRun): boolean => state !== 'queued' && state !== 'running';

export interface Figure {
  /** For tests and nothing else. */
  id: string;
  label: string;
  value: number | null;
  text: string;
}

const duration = (id: string, label: string, us: number | null | undefined, digits = 1): Figure => ({
  id,
  label,
  value: us ?? null,
  text: formatDuration(us ?? null, digits),
});
const ratio = (id: string, label: string, value: number | null): Figure => ({
  id,
  label,
  value,
  text: formatPercent(value, 2),
});
const rate = (id: string, label: string, bps: number | null): Figure => ({
  id,
  label,
  value: bps,
  text: formatRate(bps),
});
const bytes = (id: string, label: string, value: number | null): Figure => ({
  id,
  label,
  value,
  text: formatBytes(value),
});
const plain = (id: string, label: string, value: number | null, digits: number): Figure => ({
  id,
  label,
  value,
  text: value === null ? '–' : value.toFixed(digits),
});
const count = (id: string, label: string, value: number | null): Figure => ({
  id,
  label,
  value,
  text: value === null ? '–' : String(value),
});

/** What the newest point of a series says. */
export interface Newest {
  rttUs: number | null;
  minRttUs: number | null;
  lostPackets: number | null;
}

/**
 * `result` may be null: then every value is. What QUIC counted is that of the end that sends the payload; while that has told
 * only its series, `newest` of it stands in.
 */
export function figuresOf(
  mode: ProbeMode | null,
  result: ProbeResult | null,
  sender: Vantage,
  newest: Newest | null = null,
): Figure[] {
  // While a download goes on only the client's is known, which says nothing of it.
  const transport = result?.transport.find(({ vantage }) => vantage === sender);
  const packetsLost = count(
    'packets-lost',
    'Packets lost',
    (transport ? transport.packetsLost : newest?.lostPackets) ?? null,
  );
  const rtts = [
    duration('rtt-min', 'RTT min', result?.rttUs?.min),
    duration('rtt-p50', 'p50', result?.rttUs?.p50),
    duration('rtt-p95', 'p95', result?.rttUs?.p95),
    duration('rtt-p99', 'p99', result?.rttUs?.p99),
  ];
  const down = [
    rate('down', 'Down', result?.goodputDownBps ?? null),
    bytes('bytes-down', 'Received', result?.bytesDown ?? null),
  ];
  const up = [
    rate('up', 'Up', result?.goodputUpBps ?? null),
    bytes('bytes-up', 'Delivered', result?.bytesUp ?? null),
  ];
  const counted = [
    duration('transport-min-rtt', 'min RTT', transport ? transport.minRttUs : newest?.minRttUs),
    transport || newest === null
      ? duration('transport-srtt', 'smoothed RTT', transport?.smoothedRttUs)
      : duration('transport-srtt', 'RTT', newest.rttUs),
    count('packets-sent', 'Packets sent', transport?.packetsSent ?? null),
    packetsLost,
    count('spurious', 'spurious', transport?.spuriousLosses ?? null),
    ratio('retransmit', 'Sent again', transport?.retransmitRatio ?? null),
    count('ptos', 'PTOs', transport?.ptos ?? null),
  ];
  switch (mode) {
    case 'ping':
      return [
        ...rtts,
        duration('rtt-max', 'max', result?.rttUs?.max),
        duration('jitter', 'Jitter', result?.jitterUs, 2),
        count('sent', 'Pings', result?.sent ?? null),
        ratio('loss', 'Pings lost', result?.lossRatio ?? null),
        packetsLost,
      ];
    case 'handshake':
      return [
        duration('handshake-min', 'Handshake min', result?.handshakeUs?.min),
        duration('handshake-p50', 'p50', result?.handshakeUs?.p50),
        duration('handshake-p95', 'p95', result?.handshakeUs?.p95),
        count('sent', 'Begun', result?.sent ?? null),
        count('received', 'Completed', result?.received ?? null),
        count('resumed', 'Resumed', detailOf(result, 'handshake')?.resumed ?? null),
        count('early-data', '0-RTT taken', detailOf(result, 'handshake')?.earlyDataAccepted ?? null),
      ];
    case 'download':
      return [...down, ...counted];
    case 'upload':
      return [...up, ...counted];
    case 'bidi':
      return [...down, ...up, ...counted];
    case 'responsiveness':
      return [...responsivenessFigures(detailOf(result, 'responsiveness')), ...down, ...up];
    case 'streams': {
      const detail = detailOf(result, 'streams');
      return [
        ...down,
        plain('fairness', 'Fairness', detail?.fairness ?? null, 3),
        duration('slowest-later', 'Slowest later', detail?.slowestLaterUs),
        ...counted,
      ];
    }
    case 'migration': {
      const moves = detailOf(result, 'migration')?.moves ?? [];
      return [
        ...rtts,
        count('sent', 'Pings', result?.sent ?? null),
        ratio('loss', 'Pings lost', result?.lossRatio ?? null),
        ...(['rebinding', 'active'] as const).map((move) =>
          duration(`gap-${move}`, `Gap, ${move}`, moves.find((each) => each.move === move)?.gapUs),
        ),
      ];
    }
    case 'fec': {
      const detail = detailOf(result, 'fec');
      return (['up', 'down'] as const).flatMap((way) => [
        ratio(`source-loss-${way}`, `Loss, ${way}`, detail?.[way]?.sourceLoss ?? null),
        ratio(`residual-loss-${way}`, 'after FEC', detail?.[way]?.residualLoss ?? null),
        ratio(`theory-${way}`, 'theory, iid', detail?.[way]?.theoryResidualLoss ?? null),
        ratio(`path-theory-${way}`, 'at the loss set', detail?.[way]?.theoryAtPathLoss ?? null),
        ratio(`redundancy-${way}`, 'Redundancy', detail?.[way]?.redundancy ?? null),
      ]);
    }
    case 'http3': {
      const detail = detailOf(result, 'http3');
      return [
        duration('first-byte', 'First byte p50', detail?.firstByteUs?.p50),
        duration('total-p50', 'Total p50', detail?.totalUs?.p50),
        duration('total-p95', 'p95', detail?.totalUs?.p95),
        duration('handshake-p50', 'Handshake p50', result?.handshakeUs?.p50),
        count('sent', 'Requests', result?.sent ?? null),
        count('received', 'Answered', result?.received ?? null),
        ...down,
      ];
    }
    default:
      return counted;
  }
}

/** What only a mode of this kind measures, as far as it is there. */
function detailOf<Kind extends ProbeDetail['kind']>(
  result: ProbeResult | null,
  kind: Kind,
): DetailOf<Kind> | null {
  return result?.detail?.kind === kind ? (result.detail as DetailOf<Kind>) : null;
}

const responsivenessFigures = (detail: DetailOf<'responsiveness'> | null): Figure[] => [
  plain('rpm', 'RPM', detail?.rpm ?? null, 0),
  { id: 'grade', label: 'Bufferbloat', value: detail?.addedUs ?? null, text: detail?.grade ?? '–' },
  duration('added', 'Load adds', detail?.addedUs),
  duration('idle-p50', 'Idle p50', detail?.idleUs?.p50),
  duration('down-p50', 'Loaded down', detail?.down?.separateUs?.p50),
  duration('down-own-p50', 'same conn.', detail?.down?.ownUs?.p50),
  duration('up-p50', 'Loaded up', detail?.up?.separateUs?.p50),
  duration('up-own-p50', 'same conn.', detail?.up?.ownUs?.p50),
];

/** The one number of a run in a list; null before there is any. */
export function headline({ input, result }: ProbeRun): string | null {
  if (result === null) return null;
  switch (input?.mode) {
    case 'ping':
      return result.rttUs && `${formatDuration(result.rttUs.p50)} p50`;
    case 'handshake':
      return result.handshakeUs && `${formatDuration(result.handshakeUs.p50)} p50`;
    case 'upload':
      return result.goodputUpBps === null ? null : `${formatRate(result.goodputUpBps)} up`;
    case 'responsiveness': {
      const detail = detailOf(result, 'responsiveness');
      return detail?.rpm == null ? null : `${detail.rpm.toFixed(0)} RPM, ${detail.grade ?? '–'}`;
    }
    case 'migration': {
      const gaps = detailOf(result, 'migration')?.moves.flatMap(({ gapUs }) => gapUs ?? []) ?? [];
      return gaps.length === 0 ? null : `${formatDuration(Math.max(...gaps))} gap`;
    }
    case 'fec': {
      const loss = detailOf(result, 'fec')?.down?.residualLoss ?? null;
      return loss === null ? null : `${formatPercent(loss, 2)} residual loss`;
    }
    case 'http3': {
      const total = detailOf(result, 'http3')?.totalUs;
      return total ? `${formatDuration(total.p50)} p50` : null;
    }
    case 'download':
    case 'streams':
    case 'bidi':
      return result.goodputDownBps === null ? null : `${formatRate(result.goodputDownBps)} down`;
    default:
      return null;
  }
}

/** The end that sends the payload; of both ways the client; of an import the one that wrote it. */
export const senderOf = ({ input, series }: ProbeRun): Vantage =>
  input === null ? (series[0]?.vantage ?? 'client') : sendingEnd(input.mode);

/** Whether payload comes from a server that does not tell what its controller does. */
export const isWithoutSender = ({ input, controller, result }: ProbeRun): boolean =>
  sendingEnd(input?.mode) === 'server' && controller === null && (result?.bytesDown ?? 0) > 0;

/**
 * Whose controller is shown unless somebody chose: the sender's, also before it has told, so that the view does not change
 * hands while a run begins.
 */
export function shownOf(run: ProbeRun): Vantage {
  const sender = senderOf(run);
  return isOver(run) || isWithoutSender(run) ? (run.series[0]?.vantage ?? sender) : sender;
}

/** `12 of 100 pings`, as far as it is known what is to come. */
export function stepsOf({ input, result }: ProbeRun): string {
  if (input === null || result === null) return '';
  const { mode, durationS, ratePerS } = input;
  const seconds = `${(result.durationUs / 1e6).toFixed(1)} of ${durationS} s`;
  if (mode === 'ping') return `${result.sent ?? 0} of ${Math.round(durationS * ratePerS)} pings, ${seconds}`;
  if (mode === 'handshake') return `${result.received ?? 0} handshakes, ${seconds}`;
  if (mode === 'http3') return `${result.received ?? 0} requests, ${seconds}`;
  if (mode === 'migration')
    return `${detailOf(result, 'migration')?.moves.length ?? 0} of ${input.moves.length} moves, ${seconds}`;
  if (mode === 'fec') return seconds;
  const moved = (result.bytesDown ?? 0) + (result.bytesUp ?? 0);
  return `${formatBytes(moved)}${input.bytes === null ? '' : ` of ${formatBytes(input.bytes)}`}, ${seconds}`;
}
