/** The result of `--compare-tcp`: what `--json` prints, and the table and sentences made from it. */
import type { PairedComparison } from '../../shared/statistics.ts';
import { COMPARED_METRICS, type ComparedMetric, type TransportComparison } from '../probe/comparison.ts';
import type { ComparedMode, DetailedTurn } from '../probe/transport-turns.ts';
import { paint, table } from './output.ts';

/**
 * What TCP's segments met. `direct`: the network as it is. `tunnel`: the emulator, packet by packet, as QUIC's. `stream relay`: the
 * emulator as far as a relay can take a stream through it, losses modelled (docs/tcp-baseline.md).
 */
export type TcpPath = 'direct' | 'tunnel' | 'stream relay';

export interface ComparisonHead {
  target: string;
  mode: ComparedMode;
  tcp_path: TcpPath;
  emulated?: true;
  insecure?: true;
  interrupted?: true;
  seed: number;
  started_at: string;
  duration_s: number;
}

const KEYS = { goodputBps: 'goodput_bps', handshakeUs: 'handshake_ms', rttP95Us: 'rtt_p95_ms' } as const;
const NAMES: Record<ComparedMetric, string> = {
  goodputBps: 'goodput',
  handshakeUs: 'handshake',
  rttP95Us: 'p95 RTT beside it',
};
const UNITS = {
  goodputBps: { shown: 'Mbit/s', per: 1e6 },
  handshakeUs: { shown: 'ms', per: 1e3 },
  rttP95Us: { shown: 'ms', per: 1e3 },
} as const;

/** In JSON: whole bit/s, and milliseconds to the microsecond. */
const exact = (metric: ComparedMetric, value: number | null): number | null =>
  value === null ? null : metric === 'goodputBps' ? Math.round(value) : Math.round(value) / 1e3;

function eachOf<T extends object>(metric: ComparedMetric, of: T | null): T | null {
  if (of === null) return null;
  const entries = Object.entries(of).map(([key, value]) => [key, key === 'n' ? value : exact(metric, value)]);
  return Object.fromEntries(entries) as T;
}

const rounded = (ratio: PairedComparison['ratio']): PairedComparison['ratio'] =>
  ratio && {
    estimate: Math.round(ratio.estimate * 1e4) / 1e4,
    low: Math.round(ratio.low * 1e4) / 1e4,
    high: Math.round(ratio.high * 1e4) / 1e4,
  };

/** What `--json` prints of a comparison. */
export type ComparisonFields = ReturnType<typeof comparisonFields>;

/** The newest name that a side's turns told; null where none did. */
const congestionOf = (turns: readonly DetailedTurn[]): string | null =>
  turns.findLast(({ congestion }) => congestion !== null)?.congestion ?? null;

export function comparisonFields(head: ComparisonHead, comparison: TransportComparison<DetailedTurn>) {
  const { pairs, metrics, failed, lastFailure } = comparison;
  const turn = ({ goodputBps, handshakeUs, rttP95Us, pings }: DetailedTurn) => ({
    goodput_bps: exact('goodputBps', goodputBps),
    handshake_ms: exact('handshakeUs', handshakeUs),
    rtt_p95_ms: exact('rttP95Us', rttP95Us),
    ...(pings && { pings: pings.sent, answered: pings.answered }),
  });
  return {
    ...head,
    congestion: { quic: congestionOf(pairs.map(({ a }) => a)), tcp: congestionOf(pairs.map(({ b }) => b)) },
    pairs: pairs.length,
    failed_pairs: failed,
    ...(lastFailure && { last_failure: lastFailure.toBody() }),
    metrics: Object.fromEntries(
      COMPARED_METRICS.flatMap((metric) => {
        const of = metrics[metric];
        if (of === null) return [];
        const fields = {
          n: of.n,
          quic: eachOf(metric, of.a),
          tcp: eachOf(metric, of.b),
          difference: eachOf(metric, of.difference),
          ratio: rounded(of.ratio),
          verdict: of.verdict,
          words: inWords(metric, of, head),
        };
        return [[KEYS[metric], fields]];
      }),
    ),
    turns: pairs.map(({ first, a, b }) => ({
      first: first === 'a' ? 'quic' : 'tcp',
      quic: turn(a),
      tcp: turn(b),
    })),
  };
}

const times = (value: number): string => `${value.toFixed(3)} ×`;

/** One sentence of QUIC against TCP, and what it leaves open. */
function inWords(
  metric: ComparedMetric,
  of: PairedComparison,
  { tcp_path }: Pick<ComparisonHead, 'tcp_path'>,
): string {
  const name = NAMES[metric];
  if (of.verdict === 'too_few') return `${name}: ${of.n} pairs are too few for an interval`;
  const by = of.ratio
    ? `${times(of.ratio.estimate)} TCP’s (95 % interval ${of.ratio.low.toFixed(3)} to ${times(of.ratio.high)}, ${of.n} pairs)`
    : `of ${of.n} pairs`;
  if (of.verdict === 'inconclusive') return `${name}: no difference shown; QUIC’s is ${by}`;
  // Lost segments cost this TCP time but no rate: losing to it says nothing of losing to a TCP that slows down.
  const isBound = tcp_path === 'stream relay' && metric === 'goodputBps' && of.verdict === 'worse';
  const caveat = isBound
    ? '; with losses the relay’s TCP is an upper bound, and this is no verdict on the kernel’s'
    : '';
  return `${name}: QUIC is ${of.verdict} than TCP, ${by}${caveat}`;
}

/** What TCP was, for a person. */
export const PATH_NOTES: Record<TcpPath, string> = {
  direct: 'TCP is the kernel’s, over the same network',
  tunnel: 'TCP is the kernel’s, and each of its packets passed the same emulated links as QUIC’s',
  'stream relay':
    'TCP is the kernel’s as far as the relay; through the emulated links its segments are modelled: a lost one is late by its retransmission, and the window never shrinks',
};

export function comparisonTable(
  head: ComparisonHead,
  { pairs, failed, metrics }: TransportComparison<DetailedTurn>,
): string {
  if (pairs.length === 0) return 'no pair of turns was completed';
  const shown = (metric: ComparedMetric, value: number | null): string =>
    value === null ? '–' : (value / UNITS[metric].per).toFixed(2);
  const rows = COMPARED_METRICS.flatMap((metric) => {
    const of = metrics[metric];
    if (of === null) return [];
    const { difference } = of;
    return [
      [
        NAMES[metric],
        shown(metric, of.a.median),
        shown(metric, of.b.median),
        UNITS[metric].shown,
        ...(difference === null
          ? ['–', '–', '–']
          : [
              shown(metric, difference.estimate),
              shown(metric, difference.low),
              shown(metric, difference.high),
            ]),
        of.ratio === null ? '–' : times(of.ratio.estimate),
        {
          better: paint('green', 'better'),
          worse: paint('red', 'worse'),
          inconclusive: 'inconclusive',
          too_few: 'too few',
        }[of.verdict],
      ],
    ];
  });
  const heading = ['', 'QUIC', 'TCP', 'median', 'mean difference', 'from', 'to', 'ratio', 'QUIC is'];
  const [first, ...rest] = table(
    [heading, ...rows],
    ['left', 'right', 'right', 'unit', 'right', 'right', 'right', 'right', 'left'],
  ).split('\n');
  const sentences = COMPARED_METRICS.flatMap((metric) => {
    const of = metrics[metric];
    return of === null ? [] : [inWords(metric, of, head)];
  });
  const controllers = [pairs.map(({ a }) => a), pairs.map(({ b }) => b)].map(
    (turns) => congestionOf(turns) ?? 'not told',
  );
  return [
    paint('dim', first!),
    ...rest,
    '',
    ...sentences,
    ...(head.mode === 'handshake'
      ? []
      : [`sender controlled by ${controllers[0]} (QUIC) and ${controllers[1]} (TCP)`]),
    ...(failed > 0 ? [`${failed} pairs failed and are left out`] : []),
    paint('dim', PATH_NOTES[head.tcp_path]),
  ].join('\n');
}
