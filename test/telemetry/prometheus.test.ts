import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { createExporter } from '../../src/main/telemetry/exporter.ts';
import { batch, ROUTE, snapshot, status } from './sample-data.ts';

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

test('a real Prometheus scrapes it as OpenMetrics and stores what was exported', {
  timeout: 60_000,
}, async (context) => {
  if (spawnSync('prometheus', ['--version']).error) return context.skip('prometheus is not installed');
  const exporter = createExporter();
  exporter.observe(
    ROUTE,
    status(),
    batch({
      handshakes: [{ atMs: 0, durationUs: 7000, errorCode: null, purpose: 'ping' as const }],
      transport: snapshot(1000),
    }),
  );
  const answered: string[] = [];
  const target = createServer(async (request, response) => {
    const { contentType, body } = await exporter.render(request.headers.accept);
    answered.push(contentType);
    response.setHeader('content-type', contentType).end(body);
  }).listen(0, '127.0.0.1');
  await once(target, 'listening');
  onTestFinished(() => {
    target.close();
  });

  const dir = mkdtempSync(join(tmpdir(), 'routelab-prometheus-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  writeFileSync(
    join(dir, 'prometheus.yml'),
    `scrape_configs:\n  - job_name: routelab\n    scrape_interval: 1s\n    static_configs:\n      - targets: ["127.0.0.1:${
      (target.address() as AddressInfo).port
    }"]\n`,
  );
  const port = await freePort();
  const prometheus = spawn(
    'prometheus',
    [
      `--config.file=${join(dir, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(dir, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  onTestFinished(async () => {
    prometheus.kill('SIGKILL');
    await once(prometheus, 'exit');
  });

  const query = async (expression: string): Promise<unknown> => {
    const url = `http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(expression)}`;
    const answer = (await (await fetch(url)).json()) as { data: { result: { value: [number, string] }[] } };
    return answer.data.result.map(({ value }) => value[1]);
  };
  const patiently = { timeout: 20_000, interval: 250 };
  await expect.poll(() => query('up').catch(() => null), patiently).toEqual(['1']);
  expect(answered[0]).toContain('openmetrics');
  expect(await query('quic_rtt_seconds{route="lan",quantile="0.95"}')).toEqual(['0.003']);
  expect(await query('quic_packets_sent_total{route="lan",role="client"}')).toEqual(['100']);
  expect(await query('quic_handshake_duration_seconds_bucket{le="+Inf"}')).toEqual(['1']);
  expect(await query('quic_throughput_bytes_per_second')).toEqual(['1000000']);

  // Once forgotten, a route is gone with the next scrape.
  exporter.forget('lan');
  await expect.poll(() => query('quic_packets_sent_total'), patiently).toEqual([]);
});
