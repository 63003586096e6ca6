import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { createExporter, type Exporter } from '../../src/main/telemetry/exporter.ts';
import { batch, ROUTE, snapshot, status } from './sample-data.ts';

const LABELS = 'route="lan",server="127.0.0.1:4433",congestion="cubic"';

const rendered = async (
  exporter: Exporter,
  accept?: string,
): Promise<{ contentType: string; body: string }> => {
  const { contentType, body } = await exporter.render(accept);
  return { contentType, body: body.toString() };
};

/** The `quic_` sample lines, without comments. */
async function quicLines(exporter: Exporter, accept?: string): Promise<string[]> {
  const { body } = await rendered(exporter, accept);
  return body.split('\n').filter((line) => line.startsWith('quic_'));
}

const observed = (exporter: Exporter): void =>
  exporter.observe(
    ROUTE,
    status(),
    batch({
      pings: [
        { atMs: 1, rttUs: 2000, loaded: false },
        { atMs: 2, rttUs: null, loaded: false },
        { atMs: 3, rttUs: 3000, loaded: false },
      ],
      handshakes: [{ atMs: 0, durationUs: 7000, errorCode: null, purpose: 'ping' as const }],
      transfers: [{ atMs: 4, direction: 'down', bytes: 1_000_000, durationUs: 1e6, errorCode: null }],
      transport: snapshot(1000, { streams: 3 }),
    }),
  );

test('everything a probe measures is exported under today’s names, in base units', async () => {
  const exporter = createExporter();
  observed(exporter);
  const lines = await quicLines(exporter);
  expect(lines).toEqual([
    `quic_rtt_seconds{${LABELS},quantile="0.5"} 0.002`,
    `quic_rtt_seconds{${LABELS},quantile="0.95"} 0.003`,
    `quic_rtt_seconds{${LABELS},quantile="0.99"} 0.004`,
    `quic_rtt_seconds_sum{${LABELS}} 0.005`,
    `quic_rtt_seconds_count{${LABELS}} 2`,
    `quic_jitter_seconds{${LABELS}} 0.00025`,
    `quic_packet_loss_ratio{${LABELS}} 0.02`,
    `quic_throughput_bytes_per_second{${LABELS},direction="down"} 1000000`,
    `quic_congestion_window_bytes{${LABELS}} 13500`,
    `quic_pacing_rate_bytes_per_second{${LABELS}} 1000000`,
    `quic_rtt_variance_seconds{${LABELS}} 0.0015`,
    ...['0.005', '0.01', '0.025', '0.05', '0.1', '0.25', '0.5', '1', '2.5', '5', '10', '+Inf'].map(
      (le, i) => `quic_handshake_duration_seconds_bucket{${LABELS},le="${le}"} ${i === 0 ? 0 : 1}`,
    ),
    `quic_handshake_duration_seconds_sum{${LABELS}} 0.007`,
    `quic_handshake_duration_seconds_count{${LABELS}} 1`,
    `quic_connections_total{${LABELS},role="client"} 1`,
    `quic_streams_total{${LABELS},role="client"} 3`,
    `quic_packets_sent_total{${LABELS},role="client"} 100`,
    `quic_packets_received_total{${LABELS},role="client"} 90`,
    `quic_packets_lost_total{${LABELS},role="client"} 2`,
    `quic_bytes_sent_total{${LABELS},role="client"} 10000`,
    `quic_bytes_received_total{${LABELS},role="client"} 9000`,
  ]);
});

test('what is not known is absent, not zero', async () => {
  const exporter = createExporter();
  const unknown = { ping: null, down: null, up: null, handshakeUs: null, transport: null };
  exporter.observe(ROUTE, status({ state: 'connecting', ...unknown }));
  expect(await quicLines(exporter)).toEqual([]);
});

test('a measured zero is a zero', async () => {
  const exporter = createExporter();
  const ping = { ...status().ping!, lost: 0, lossRatio: 0, jitterUs: 0 };
  exporter.observe(ROUTE, status({ ping, down: null, transport: null }));
  const lines = await quicLines(exporter);
  expect(lines).toContain(`quic_packet_loss_ratio{${LABELS}} 0`);
  expect(lines).toContain(`quic_jitter_seconds{${LABELS}} 0`);
});

test('a window in which every ping was lost has a loss ratio and no RTT', async () => {
  const exporter = createExporter();
  const ping = { ...status().ping!, received: 0, lost: 100, lossRatio: 1, rttUs: null, jitterUs: null };
  exporter.observe(ROUTE, status({ state: 'down', ping }));
  expect(await quicLines(exporter)).toEqual([`quic_packet_loss_ratio{${LABELS}} 1`]);
});

test('a stopped route keeps its counters and loses its gauges', async () => {
  const exporter = createExporter();
  observed(exporter);
  exporter.observe(ROUTE, status({ state: 'stopped' }));
  const names = new Set((await quicLines(exporter)).map((line) => line.slice(0, line.indexOf('{'))));
  expect([...names]).toEqual([
    'quic_rtt_seconds_sum',
    'quic_rtt_seconds_count',
    'quic_handshake_duration_seconds_bucket',
    'quic_handshake_duration_seconds_sum',
    'quic_handshake_duration_seconds_count',
    'quic_connections_total',
    'quic_streams_total',
    'quic_packets_sent_total',
    'quic_packets_received_total',
    'quic_packets_lost_total',
    'quic_bytes_sent_total',
    'quic_bytes_received_total',
  ]);
});

test('a route that was removed is gone, and the others stay', async () => {
  const exporter = createExporter();
  observed(exporter);
  exporter.observe({ ...ROUTE, id: 'lte', host: '::1' }, status({ routeId: 'lte' }));
  exporter.forget('lan');
  const lines = await quicLines(exporter);
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toContain('route="lte",server="[::1]:4433"');
});

test('a route that got another controller starts new series', async () => {
  const exporter = createExporter();
  observed(exporter);
  exporter.observe({ ...ROUTE, controller: 'newreno' }, status());
  const lines = await quicLines(exporter);
  for (const line of lines) expect(line).toContain('congestion="newreno"');
  expect(lines.some((line) => line.startsWith('quic_connections_total'))).toBe(false);
});

test('OpenMetrics is given to who asks for it, again and again', async () => {
  const exporter = createExporter();
  observed(exporter);
  const accept = 'application/openmetrics-text; version=1.0.0';
  for (let round = 0; round < 2; round++) {
    const open = await rendered(exporter, accept);
    expect(open.contentType).toBe('application/openmetrics-text; version=1.0.0; charset=utf-8');
    expect(open.body).toContain('# TYPE quic_connections counter\nquic_connections_total{');
    expect(open.body).toContain('le="1.0"');
    expect(open.body.endsWith('\n# EOF\n')).toBe(true);
    expect(open.body).not.toContain('\n\n');
    const text = await rendered(exporter);
    expect(text.contentType).toBe('text/plain; version=0.0.4; charset=utf-8');
    expect(text.body).toContain('# TYPE quic_connections_total counter\nquic_connections_total{');
    expect(text.body).toContain('le="1"');
  }
});

test('the process’ own CPU, memory and event-loop lag are measured', async () => {
  const exporter = createExporter();
  // The lag is sampled every 10 ms: two samples, whenever they come.
  await expect
    .poll(async () => (await rendered(exporter)).body, { timeout: 20_000 })
    .toContain('nodejs_eventloop_lag_p99_seconds');
  const { body } = await rendered(exporter);
  expect(body).toContain('process_cpu_seconds_total');
  expect(body).toContain('process_resident_memory_bytes');
  expect(body).not.toContain('NaN');
});

test('no label set occurs twice', async () => {
  const exporter = createExporter();
  observed(exporter);
  exporter.observe({ ...ROUTE, id: 'other' }, status({ routeId: 'other' }));
  const series = (await rendered(exporter)).body
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.slice(0, line.lastIndexOf(' ')));
  expect(new Set(series).size).toBe(series.length);
});

test('promtool has nothing to say against the whole exposition', async (context) => {
  if (spawnSync('promtool', ['--version']).error) return context.skip('promtool is not installed');
  const exporter = createExporter();
  observed(exporter);
  const { body } = await rendered(exporter);
  const check = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
  expect({ status: check.status, said: check.stderr + check.stdout }).toEqual({ status: 0, said: '' });
});
