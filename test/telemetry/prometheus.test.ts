import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { collect, PAGE_POINTS } from '../../src/main/telemetry/collector.ts';
import { createExporter, type Exporter } from '../../src/main/telemetry/exporter.ts';
import { PrometheusClient } from '../../src/main/telemetry/prometheus-client.ts';
import { temporaryDir } from '../lab/open-lab.ts';
import { needs, startPrometheus } from './real-prometheus.ts';
import { batch, everything, ROUTE, snapshot, status } from './sample-data.ts';

const PATIENTLY = { timeout: 40_000, interval: 250 } as const;

/** Serves an exporter; answers with the content types that were sent. */
async function serve(exporter: Exporter): Promise<{ target: string; answered: string[] }> {
  const answered: string[] = [];
  const server = createServer(async (request, response) => {
    const { contentType, body } = await exporter.render(request.headers.accept);
    answered.push(contentType);
    response.setHeader('content-type', contentType).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { target: `127.0.0.1:${(server.address() as AddressInfo).port}`, answered };
}

test('a real Prometheus scrapes it each second as OpenMetrics and stores what was exported', {
  timeout: 90_000,
}, async (context) => {
  needs(context, 'prometheus');
  const exporter = createExporter();
  exporter.observe(
    ROUTE,
    status(),
    batch({
      handshakes: [{ atMs: 0, durationUs: 7000, errorCode: null, purpose: 'ping' as const }],
      transport: snapshot(1000),
    }),
  );
  const { target, answered } = await serve(exporter);
  const { query } = await startPrometheus({ targets: [target] });
  await expect.poll(() => query('up'), PATIENTLY).toEqual(['1']);
  expect(answered[0]).toContain('openmetrics');
  expect(await query('quic_rtt_seconds{route="lan",quantile="0.95"}')).toEqual(['0.003']);
  expect(await query('quic_packets_sent_total{route="lan",role="client"}')).toEqual(['100']);
  expect(await query('quic_handshake_duration_seconds_bucket{le="+Inf"}')).toEqual(['1']);
  expect(await query('quic_throughput_bytes_per_second{direction="down"}')).toEqual(['500000']);

  // Once forgotten, a route is gone with the next scrape.
  exporter.forget('lan');
  await expect.poll(() => query('quic_packets_sent_total'), PATIENTLY).toEqual([]);
});

test('the collector reads back from it every series that was exported, with equal values', {
  timeout: 90_000,
}, async (context) => {
  needs(context, 'prometheus');
  const exporter = createExporter();
  everything(exporter);
  const { target } = await serve(exporter);
  const { url, query } = await startPrometheus({ targets: [target] });
  await expect.poll(() => query('up'), PATIENTLY).toEqual(['1']);
  const request = { query: '{__name__=~"quic_.+"}', startMs: 0, endMs: Date.now(), stepMs: null };
  const { table, error } = await collect(new PrometheusClient({ url }), [request]);
  expect(error).toBeNull();

  const labels = table.columns.slice(2, -1).map(({ name }) => name);
  const own = labels
    .map((name, i) => ({ name, i }))
    .filter(({ name }) => name !== 'instance' && name !== 'job');
  const read = [...table.rows()].map(([, metric, ...cells]) => {
    const pairs = own.filter(({ i }) => cells[i] !== null).map(({ name, i }) => `${name}="${cells[i]}"`);
    return `${metric}{${pairs.sort().join(',')}} ${cells.at(-1)}`;
  });
  const { body } = await exporter.render('application/openmetrics-text');
  const exported = body
    .toString()
    .split('\n')
    .filter((line) => line.startsWith('quic_'))
    .map((line) => {
      const [, name, pairs, value] = /^(\w+)\{(.*)\} (.*)$/.exec(line)!;
      return `${name}{${pairs!
        .split(/,(?=\w+=)/)
        .sort()
        .join(',')}} ${value}`;
    });
  expect(read.sort()).toEqual(exported.sort());
});

test('of more points than it answers at once the collector gets every one', {
  timeout: 90_000,
}, async (context) => {
  needs(context, 'prometheus', 'promtool');
  const points = 2 * PAGE_POINTS + 500;
  const startMs = Date.UTC(2026, 0, 1);
  const lines = Array.from(
    { length: points },
    (_, i) => `quic_jitter_seconds{route="r"} ${i} ${startMs / 1000 + i}`,
  );
  const data = `# TYPE quic_jitter_seconds gauge\n${lines.join('\n')}\n# EOF\n`;
  const { url } = await startPrometheus({ data });
  const client = new PrometheusClient({ url });
  const whole = { startMs, endMs: startMs + (points - 1) * 1000, stepMs: 1000 };
  const refused = await client.queryRange('quic_jitter_seconds', whole).catch((error) => error);
  expect(refused).toMatchObject({ code: 'RL_INPUT_INVALID', message: expect.stringContaining('11,000') });

  const { table, error } = await collect(client, [{ query: 'quic_jitter_seconds', ...whole }]);
  expect(error).toBeNull();
  const values = [...table.rows()].map((row) => row.at(-1));
  expect(values).toEqual(Array.from({ length: points }, (_, i) => i));

  const bad = await collect(client, [{ query: 'sum by (', ...whole }]);
  expect(bad.error).toMatchObject({ code: 'RL_INPUT_INVALID', field: 'query' });
});

describe.each(['1s', '5s', '10s', '60s'])('a scrape each %s', (interval) => {
  test('is a configuration that Prometheus takes', (context) => {
    needs(context, 'promtool');
    const sample = new URL('../../resources/prometheus/prometheus.yml', import.meta.url);
    const text = readFileSync(sample, 'utf8').replace(/scrape_interval: \S+/, `scrape_interval: ${interval}`);
    expect(parse(text)).toMatchObject({
      scrape_configs: [{ job_name: 'routelab', scrape_interval: interval }],
    });
    const file = join(temporaryDir(), 'prometheus.yml');
    writeFileSync(file, text);
    const check = spawnSync('promtool', ['check', 'config', file], { encoding: 'utf8' });
    expect([check.status, check.stderr]).toEqual([0, '']);
  });
});

describe.each(['full', 'minimal'] as const)('everything there is, with %s labels,', (labels) => {
  test('is without fault to promtool', async (context) => {
    needs(context, 'promtool');
    const exporter = createExporter({ labels, histogramBuckets: 20 });
    everything(exporter);
    const { body } = await exporter.render();
    const check = spawnSync('promtool', ['check', 'metrics'], { input: body, encoding: 'utf8' });
    expect([check.status, check.stderr + check.stdout]).toEqual([0, '']);
  });
});
