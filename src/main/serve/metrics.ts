/**
 * /metrics: the exposition Prometheus scrapes, and with `?format=json|csv` the history behind it, from the store, in
 * the same base units.
 */
import type { OpenAPI } from '@orpc/contract';
import type { FastifyInstance } from 'fastify';
import { csvLine } from '../../shared/csv.ts';
import type { Series, TransportSnapshot } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { parseTime } from '../../shared/times.ts';
import type { Lab } from '../lab/index.ts';

const DEFAULT_SPAN_MS = 60_000;
const MAX_ROWS = 1000;

const PARAMETERS = ['format', 'route', 'start_time', 'end_time'] as const;
type MetricsQuery = Partial<Record<(typeof PARAMETERS)[number], string>>;

export function serveMetrics(app: FastifyInstance, lab: Lab): void {
  app.get<{ Querystring: MetricsQuery }>('/metrics', async (request, reply) => {
    for (const [name, value] of Object.entries(request.query)) {
      if (!PARAMETERS.some((known) => known === name))
        throw invalid(name, `is no parameter of /metrics: ${PARAMETERS.join(', ')} are`);
      if (typeof value !== 'string') throw invalid(name, 'is given more than once');
    }
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
    if (format !== 'json' && format !== 'csv') throw invalid('format', 'is one of prometheus, json and csv');
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
  'congestion',
  'congestion_window_bytes',
  'pacing_rate_bytes_per_second',
  'bytes_in_flight',
  'smoothed_rtt_seconds',
  'rtt_variance_seconds',
  'packets_sent_total',
  'packets_received_total',
  'packets_lost_total',
  'bytes_sent_total',
  'bytes_received_total',
] as const;
const TEXTS: readonly string[] = ['route', 'congestion'];
type Row = Record<(typeof COLUMNS)[number], string | number | null>;

async function historyRows(lab: Lab, query: MetricsQuery): Promise<Row[]> {
  const nowMs = Date.now();
  const time = (field: 'start_time' | 'end_time', otherwise: number): number =>
    query[field] === undefined ? otherwise : parseTime(query[field], field, nowMs);
  const toMs = time('end_time', nowMs);
  const fromMs = time('start_time', toMs - DEFAULT_SPAN_MS);
  if (fromMs >= toMs) throw invalid('end_time', 'is not after start_time');
  const ids =
    query.route === undefined ? (await lab.client.routes.list()).map((route) => route.id) : [query.route];
  const buckets = Math.min(MAX_ROWS, Math.max(1, Math.ceil((toMs - fromMs) / 1000)));
  const histories = ids.map(async (id) => {
    const [series, transport] = await Promise.all([
      lab.client.routes.series({ id, fromMs, toMs, buckets }),
      lab.client.routes.transport({ id, fromMs, toMs, buckets }),
    ]);
    return rowsOf(series, transport);
  });
  return (await Promise.all(histories)).flat();
}

const seconds = (us: number | null | undefined): number | null => (us == null ? null : us / 1e6);
const bytesPerSecond = (bps: number | null | undefined): number | null => (bps == null ? null : bps / 8);

/** The transport's figures are the newest of the moment; counters are those of the run. */
function rowsOf(series: Series, transport: readonly TransportSnapshot[]): Row[] {
  const newest = new Map(
    transport.map((snapshot) => [Math.floor(snapshot.atMs / series.bucketMs) * series.bucketMs, snapshot]),
  );
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
    ...transportOf(newest.get(tMs)),
  }));
}

const transportOf = (snapshot: TransportSnapshot | undefined) => ({
  congestion: snapshot?.controller ?? null,
  congestion_window_bytes: snapshot?.cwndBytes ?? null,
  pacing_rate_bytes_per_second: bytesPerSecond(snapshot?.pacingBps),
  bytes_in_flight: snapshot?.bytesInFlight ?? null,
  smoothed_rtt_seconds: seconds(snapshot?.smoothedRttUs),
  rtt_variance_seconds: seconds(snapshot?.rttVarUs),
  packets_sent_total: snapshot?.packetsSent ?? null,
  packets_received_total: snapshot?.packetsReceived ?? null,
  packets_lost_total: snapshot?.packetsLost ?? null,
  bytes_sent_total: snapshot?.bytesSent ?? null,
  bytes_received_total: snapshot?.bytesReceived ?? null,
});

const csv = (rows: readonly Row[]): string =>
  [COLUMNS, ...rows.map((row) => COLUMNS.map((column) => row[column]))].map(csvLine).join('');

const invalid = (field: string, message: string): LabError =>
  new LabError('RL_INPUT_INVALID', `${field} ${message}`, { field });

const TIME =
  'Unix seconds (milliseconds from 1e11 on), RFC 3339, now, or relative: 1h ago, 1h30m ago, now-2d. For json and csv.';

const ROW_PROPERTIES = Object.fromEntries(
  COLUMNS.map((name) => [
    name,
    TEXTS.includes(name)
      ? { type: 'string' as const }
      : { type: 'number' as const, description: 'Null where nothing was measured.' },
  ]),
);

/** For the description of the API: what is served here is not below its prefix. */
export const METRICS_PATH: OpenAPI.PathItemObject = {
  servers: [{ url: '/' }],
  get: {
    tags: ['metrics'],
    operationId: 'metrics',
    summary: 'What Prometheus scrapes, or the history behind it',
    parameters: [
      parameter('format', 'Default: text or OpenMetrics, as Accept asks for.', ['prometheus', 'json', 'csv']),
      parameter('route', 'Of this route only. For json and csv.'),
      parameter('start_time', `Default: a minute before end_time. ${TIME}`),
      parameter('end_time', `Not included. Default now. ${TIME}`),
    ],
    responses: {
      200: {
        description: `Rows of at most ${MAX_ROWS} moments a route, oldest first; time is unix seconds.`,
        content: {
          'text/plain': { schema: { type: 'string' } },
          'application/openmetrics-text': { schema: { type: 'string' } },
          'application/json': {
            schema: {
              type: 'object',
              required: ['rows'],
              properties: { rows: { type: 'array', items: { type: 'object', properties: ROW_PROPERTIES } } },
            },
          },
          'text/csv': { schema: { type: 'string' } },
        },
      },
    },
  },
};

function parameter(name: string, description: string, values?: string[]): OpenAPI.ParameterObject {
  return { name, in: 'query', description, schema: { type: 'string', ...(values && { enum: values }) } };
}
