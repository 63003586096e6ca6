import { expect, test } from 'vitest';
import { createExporter, type Exporter } from '../../src/main/telemetry/exporter.ts';
import { BUCKETS } from '../../src/main/telemetry/histogram.ts';
import { batch, everything, ROUTE, snapshot, status } from './sample-data.ts';

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
    `quic_throughput_bytes_per_second{${LABELS},direction="down"} 500000`,
    `quic_throughput_bytes_per_second{${LABELS},direction="up"} 0`,
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
  const unknown = { ping: null, payloadBps: null, handshakeUs: null, transport: null };
  exporter.observe(ROUTE, status({ state: 'connecting', ...unknown }));
  expect(await quicLines(exporter)).toEqual([]);
});

test('a measured zero is a zero', async () => {
  const exporter = createExporter();
  const ping = { ...status().ping!, lost: 0, lossRatio: 0, jitterUs: 0 };
  exporter.observe(ROUTE, status({ ping, transport: null }));
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

test('with minimal labels a route has no other, and what the metric has of its own', async () => {
  const exporter = createExporter({ labels: 'minimal' });
  everything(exporter);
  const lines = await quicLines(exporter);
  const names = lines.flatMap((line) => [...line.matchAll(/(\w+)="/g)].map(([, name]) => name));
  const own = ['direction', 'le', 'quantile', 'role', 'route', 'state'];
  expect([...new Set(names)].sort()).toEqual(own);
  expect(lines).toContain('quic_congestion_window_bytes{route="lan"} 13500');
  expect(lines).toContain('quic_congestion_window_bytes 12000');
});

test('with minimal labels the counters of a route go on when its controller changes', async () => {
  const exporter = createExporter({ labels: 'minimal' });
  observed(exporter);
  const transport = snapshot(500, { packetsSent: 7 });
  exporter.observe({ ...ROUTE, controller: 'bbr3' }, status({ runId: 2 }), batch({ transport }));
  expect(await quicLines(exporter)).toContain('quic_packets_sent_total{route="lan",role="client"} 107');
});

test('of BBR every state is told, 1 for the one it is in; of others none', async () => {
  const exporter = createExporter();
  everything(exporter);
  const lines = (await quicLines(exporter)).filter((line) => line.startsWith('quic_bbr_state'));
  const states = [
    'Startup',
    'Drain',
    'ProbeBW_DOWN',
    'ProbeBW_CRUISE',
    'ProbeBW_REFILL',
    'ProbeBW_UP',
    'ProbeRTT',
  ];
  const labels = LABELS.replace('cubic', 'bbr3');
  expect(lines).toEqual(
    states.map((state) => `quic_bbr_state{${labels},state="${state}"} ${state === 'ProbeBW_UP' ? 1 : 0}`),
  );
});

test('FEC and the server’s side have the names of the specification', async () => {
  const exporter = createExporter();
  everything(exporter);
  const lines = await quicLines(exporter);
  const server = 'server="[::1]:4433",congestion="cubic"';
  for (const line of [
    `quic_fec_redundancy_ratio{${server}} 0.2`,
    `quic_fec_recovered_packets_total{${server}} 7`,
    `quic_fec_unrecoverable_packets_total{${server}} 2`,
    `quic_connections_total{${server},role="server"} 1`,
    `quic_streams_total{${server},role="server"} 4`,
    `quic_bytes_sent_total{${server},role="server"} 10000`,
  ])
    expect(lines).toContain(line);
});

test.each([BUCKETS.min, 3, 10, 50, BUCKETS.max])(
  '%i buckets rise from 1 ms to 10 s, no two alike',
  async (count) => {
    const exporter = createExporter({ histogramBuckets: count });
    observed(exporter);
    const lines = (await quicLines(exporter)).filter((line) => line.includes('_seconds_bucket'));
    const bounds = lines.map((line) => /le="([^"]+)"/.exec(line)![1]!);
    expect(bounds).toHaveLength(count + 1);
    expect([bounds[0], bounds.at(-2), bounds.at(-1)]).toEqual(['0.001', '10', '+Inf']);
    const numbers = bounds.slice(0, -1).map(Number);
    expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  },
);

test('two sources with the same labels are refused; one that was taken away makes room', async () => {
  const exporter = createExporter();
  const source = { labels: { route: 'r' }, read: () => ({ cwndBytes: 1 }) };
  const remove = exporter.add(source);
  expect(() => exporter.add({ ...source })).toThrow(expect.objectContaining({ code: 'RL_CONFLICT' }));
  remove();
  expect(await quicLines(exporter)).toEqual([]);
  exporter.add(source);
  remove();
  expect(await quicLines(exporter)).toEqual([]);
});

test('families of other subjects are there once something was measured of them', async () => {
  const exporter = createExporter();
  const samples: { labels: Record<string, string>; value: number }[] = [];
  const family = {
    name: 'ml_predictions_total',
    help: 'Predictions made.',
    type: 'counter',
    samples,
  } as const;
  exporter.include(() => [family]);
  expect((await rendered(exporter)).body).not.toContain('ml_');
  samples.push({ labels: { model_version: '1' }, value: 2 });
  expect((await rendered(exporter)).body).toContain('ml_predictions_total{model_version="1"} 2');
});

test('many series are rendered in slices: the loop turns meanwhile, and every line is whole', async () => {
  const exporter = createExporter();
  const read = status({ transport: snapshot(1, { controller: 'bbr2', state: 'Drain' }) });
  for (let i = 0; i < 3000; i++)
    exporter.observe({ ...ROUTE, id: `route-${i}` }, { ...read, routeId: `route-${i}` });
  let turns = 0;
  let isOver = false;
  const turn = (): void => {
    turns++;
    if (!isOver) setImmediate(turn);
  };
  turn();
  const lines = await quicLines(exporter);
  isOver = true;
  expect(turns).toBeGreaterThan(2);
  expect(lines.length).toBe(3000 * 17);
  for (const line of lines) expect(line).toMatch(/^quic_\w+\{route="route-\d+",[^{}]*\} -?[\d.e+-]+$/);
});
