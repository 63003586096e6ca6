/** What came of `--compare-tcp`, as a report, with the gates that QUIC was held to. */
import { comparedMetrics } from '../../../shared/metrics.ts';
import { createReport, type Report, type ReportCell, type ReportColumn } from '../../../shared/report.ts';
import { judge } from '../../../shared/sla.ts';
import { type ComparisonFields, PATH_NOTES } from '../comparison-result.ts';
import { describePath } from '../emulate/describe.ts';
import type { QuicTestSettings } from './settings.ts';

const METRICS = {
  goodput_bps: { title: 'Goodput', unit: 'Mbit/s', per: 1e6 },
  handshake_ms: { title: 'Handshake', unit: 'ms', per: 1 },
  rtt_p95_ms: { title: 'RTT p95 beside it', unit: 'ms', per: 1 },
} as const;
type MetricKey = keyof typeof METRICS;
const KEYS = Object.keys(METRICS) as MetricKey[];

const column = (
  key: string,
  title: string,
  unit: string | null = null,
  digits: number | null = null,
): ReportColumn => ({
  key,
  title,
  unit,
  digits,
});

const scaled = (value: number | null | undefined, per: number): number | null =>
  value === null || value === undefined ? null : Number((value / per).toFixed(3));

function metricRow(fields: ComparisonFields, key: MetricKey): ReportCell[][] {
  const of = fields.metrics[key];
  if (of === undefined) return [];
  const { title, unit, per } = METRICS[key];
  const { quic, tcp, difference, ratio, verdict, n } = of;
  const cells = [quic?.median, tcp?.median].map((value) => scaled(value, per));
  const bounds = [difference?.estimate, difference?.low, difference?.high].map((value) => scaled(value, per));
  return [[title, ...cells, unit, ...bounds, ratio?.estimate ?? null, n, verdict.replace('_', ' ')]];
}

export function comparisonReport(
  { mode, emulation, controller, limits, insecure }: QuicTestSettings,
  fields: ComparisonFields,
  createdAtMs: number,
): Report {
  const { target, pairs, failed_pairs, congestion, tcp_path, metrics, turns } = fields;
  const words = KEYS.flatMap((key) => metrics[key]?.words ?? []);
  const rttP95Ms = metrics['rtt_p95_ms']?.quic?.median ?? null;
  const gates = judge(
    limits,
    comparedMetrics({
      goodputUpBps: metrics['goodput_bps']?.quic?.median ?? null,
      rttP95Us: rttP95Ms && rttP95Ms * 1e3,
      errors: failed_pairs,
    }),
  );
  return createReport({
    title: `quic-test of ${target}: QUIC against TCP`,
    createdAtMs,
    facts: [
      ['Mode', mode],
      ['Server', target],
      ['Uploads', `${pairs} of each, in turns${failed_pairs > 0 ? `; ${failed_pairs} pairs failed` : ''}`],
      [
        'Congestion control',
        `${congestion.quic ?? controller.name} (QUIC), ${congestion.tcp ?? 'not told'} (TCP)`,
      ],
      ['Path', emulation === null && mode === 'client' ? 'the network as it is' : describePath(emulation!)],
      ['TCP', PATH_NOTES[tcp_path]],
      ...(insecure ? [['Certificate', 'not checked'] as [string, string]] : []),
      ...(fields.interrupted ? [['Ended', 'early: it was interrupted'] as [string, string]] : []),
      ...words.map((sentence): [string, string] => ['Finding', sentence]),
    ],
    tables: [
      {
        id: 'comparison',
        title: 'QUIC against TCP',
        columns: [
          column('metric', 'Metric'),
          column('quic', 'QUIC'),
          column('tcp', 'TCP'),
          column('unit', 'Unit'),
          column('difference', 'Difference'),
          column('low', 'from'),
          column('high', 'to'),
          column('ratio', 'Ratio'),
          column('pairs', 'Pairs', null, 0),
          column('verdict', 'QUIC is'),
        ],
        rows: KEYS.flatMap((key) => metricRow(fields, key)),
      },
      {
        id: 'turns',
        title: 'Turn by turn',
        columns: [
          column('pair', 'Pair', null, 0),
          column('first', 'First'),
          column('quic_goodput', 'QUIC goodput', 'Mbit/s', 3),
          column('tcp_goodput', 'TCP goodput', 'Mbit/s', 3),
          column('quic_rtt_p95', 'QUIC RTT p95', 'ms', 3),
          column('tcp_rtt_p95', 'TCP RTT p95', 'ms', 3),
        ],
        rows: turns.map(({ first, quic, tcp }, i) => [
          i + 1,
          first,
          scaled(quic.goodput_bps, 1e6),
          scaled(tcp.goodput_bps, 1e6),
          quic.rtt_p95_ms,
          tcp.rtt_p95_ms,
        ]),
      },
    ],
    charts: [],
    gates,
    manifest: null,
  });
}
