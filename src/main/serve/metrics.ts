/**
 * /metrics: the exposition Prometheus scrapes, and with `?format=json|csv` the history behind it, from the store, in
 * the same base units. Times are unix seconds or RFC 3339.
 */
import type { FastifyInstance } from 'fastify';
import type { Series } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { Lab } from '../lab/index.ts';

const DEFAULT_SPAN_MS = 60_000;
const MAX_ROWS = 1000;

interface MetricsQuery {
  format?: string;
  route?: string;
  start_time?: string;
  end_time?: string;
}

export function serveMetrics(app: FastifyInstance, lab: Lab): void {
  app.get<{ Querystring: MetricsQuery }>('/metrics', async (request, reply) => {
    const { format } = request.query;
    reply.header('cache-control', 'no-store');
    if (format === undefined || format === 'prometheus') {
      const history = (['route', 'start_time', 'end_time'] as const).find(
        (name) => request.query[name] !== undefined,
      );
      if (history !== undefined) throw invalid(history, 'is for format=json and format=csv');
      const { contentType, body } = await lab.renderMetrics(request.headers.accept);
      return reply.type(contentType).send(body);
    }
    if (format !== 'json' && format !== 'csv') throw invalid('format', 'is one of json and csv');
    const rows = await historyRows(lab, request.query);
    if (format === 'json') return { rows };
    return reply.type('text/csv; charset=utf-8').send(csv(rows));
  });
}

const COLUMNS = [
  'time',
  'route',
  'pings_sent',
  'pings_lost',
  'rtt_min_seconds',
  'rtt_p50_seconds',
  'rtt_p95_seconds',
  'rtt_p99_seconds',
  'rtt_max_seconds',
  'jitter_seconds',
  'throughput_down_bytes_per_second',
  'throughput_up_bytes_per_second',
] as const;
type Row = Record<(typeof COLUMNS)[number], string | number | null>;

async function historyRows(lab: Lab, query: MetricsQuery): Promise<Row[]> {
  const toMs = timeMs('end_time', query.end_time) ?? Date.now();
  const fromMs = timeMs('start_time', query.start_time) ?? toMs - DEFAULT_SPAN_MS;
  if (fromMs >= toMs) throw invalid('end_time', 'is not after start_time');
  const ids =
    query.route === undefined ? (await lab.client.routes.list()).map((route) => route.id) : [query.route];
  const buckets = Math.min(MAX_ROWS, Math.max(1, Math.ceil((toMs - fromMs) / 1000)));
  const series = await Promise.all(ids.map((id) => lab.client.routes.series({ id, fromMs, toMs, buckets })));
  return series.flatMap(rowsOf);
}

function rowsOf(series: Series): Row[] {
  const seconds = (us: number | null | undefined): number | null => (us == null ? null : us / 1e6);
  const bytesPerSecond = (bps: number | null | undefined): number | null => (bps == null ? null : bps / 8);
  return series.tMs.map((tMs, i) => ({
    time: tMs / 1000,
    route: series.routeId,
    pings_sent: series.sent[i]!,
    pings_lost: series.lost[i]!,
    rtt_min_seconds: seconds(series.rttMin[i]),
    rtt_p50_seconds: seconds(series.rttP50[i]),
    rtt_p95_seconds: seconds(series.rttP95[i]),
    rtt_p99_seconds: seconds(series.rttP99[i]),
    rtt_max_seconds: seconds(series.rttMax[i]),
    jitter_seconds: seconds(series.jitter[i]),
    throughput_down_bytes_per_second: bytesPerSecond(series.goodputDown[i]),
    throughput_up_bytes_per_second: bytesPerSecond(series.goodputUp[i]),
  }));
}

/** Ids hold no comma or quote; what was not measured is an empty field. */
const csv = (rows: readonly Row[]): string =>
  [COLUMNS.join(','), ...rows.map((row) => COLUMNS.map((column) => row[column] ?? '').join(','))]
    .map((line) => `${line}\r\n`)
    .join('');

function timeMs(field: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(ms)) throw invalid(field, 'is neither unix seconds nor RFC 3339');
  return ms;
}

const invalid = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field} ${message}`, { field });
