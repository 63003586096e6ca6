import { once } from 'node:events';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { type Running, run, start, startServer } from './run.ts';

const METRICS = /http:\/\/127\.0\.0\.1:\d+\/metrics/;

function ended<R extends Running>(running: R): R {
  onTestFinished(() => void running.child.kill('SIGKILL'));
  return running;
}

const scrape = async (url: string, accept = ''): Promise<string> =>
  (await fetch(url, { headers: { accept } })).text();

/** The value of the one series that the pattern is of; null where there is none. */
function seriesValue(body: string, series: RegExp): number | null {
  const lines = body.split('\n').filter((line) => !line.startsWith('#') && series.test(line));
  expect(lines.length).toBeLessThan(2);
  return lines.length === 0 ? null : Number(lines[0]!.slice(lines[0]!.lastIndexOf(' ')));
}

test('server and probe each show their end of the same connection while they run', async () => {
  const data = temporaryDir();
  const args = ['--prometheus-port', '0', '--congestion', 'bbr3'];
  const server = ended(await startServer(args, data));
  const [serverUrl] = await server.line(METRICS);
  const target = `127.0.0.1:${server.port}`;
  const probe = ended(
    start([
      'probe',
      target,
      '--data',
      data,
      '--duration',
      '60s',
      ...args,
      '--prometheus-labels',
      'minimal',
      '--histogram-buckets',
      '4',
      '--json',
    ]),
  );
  const [probeUrl] = await probe.line(METRICS);
  const patiently = { timeout: 25_000, interval: 200 };
  await expect
    .poll(async () => seriesValue(await scrape(probeUrl), /^quic_rtt_seconds_count\{/), patiently)
    .toBeGreaterThan(5);
  const client = await scrape(probeUrl, 'application/openmetrics-text');
  expect(client).toMatch(/# EOF\n$/);
  expect(client).not.toMatch(/(server|congestion)="/);
  expect(client.match(/^quic_handshake_duration_seconds_bucket\{/gm)).toHaveLength(5);
  const route = `route="${target}"`;
  expect(seriesValue(client, new RegExp(`^quic_connections_total\\{${route},role="client"\\}`))).toBe(1);
  expect(seriesValue(client, new RegExp(`^quic_bbr_state\\{${route},state="Startup"\\}`))).not.toBeNull();
  const far = await scrape(serverUrl);
  const labels = `server="${target}",congestion="bbr3"`;
  expect(seriesValue(far, new RegExp(`^quic_connections_total\\{${labels},role="server"\\}`))).toBe(1);
  expect(
    seriesValue(far, new RegExp(`^quic_packets_received_total\\{${labels},role="server"\\}`)),
  ).toBeGreaterThan(5);

  const other = await fetch(probeUrl.replace(/metrics$/, 'other'));
  expect([other.status, await other.json()]).toMatchObject([404, { code: 'RL_NOT_FOUND' }]);

  probe.child.kill('SIGINT');
  const { code, stdout } = await probe.finished;
  expect([code, JSON.parse(stdout)]).toMatchObject([0, { interrupted: true }]);
  await expect(fetch(probeUrl)).rejects.toThrow();
});

test('a port in use is named with the option that chose it', async () => {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  onTestFinished(() => void holder.close());
  const { port } = holder.address() as { port: number };
  const { code, stdout } = await run(['probe', '127.0.0.1:9', '--prometheus-port', String(port), '--json']);
  expect([code, JSON.parse(stdout)]).toMatchObject([
    2,
    {
      code: 'RL_PORT_IN_USE',
      field: '--prometheus-port',
      hint: expect.stringContaining('--prometheus-port'),
    },
  ]);
});

test.each([
  [['--histogram-buckets', '1', '--prometheus-port', '0'], 'RL_INPUT_INVALID', /from 2 to 100/],
  [['--histogram-buckets', '2.5', '--prometheus-port', '0'], 'RL_INPUT_INVALID', /whole number/],
  [['--prometheus-labels', 'few', '--prometheus-port', '0'], 'RL_INPUT_INVALID', /full, minimal/],
  [['--prometheus-port', '99999'], 'RL_INPUT_INVALID', /0 to 65535/],
  [['--prometheus-labels', 'minimal'], 'RL_USAGE', /--prometheus-port/],
])('%j is refused', async (args, code, message) => {
  const { stdout } = await run(['probe', '127.0.0.1:9', ...args, '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ code, message: expect.stringMatching(message) });
});

test('several targets are told apart by their route, and their counters grow over repetitions', async () => {
  const data = temporaryDir();
  const server = ended(await startServer([], data));
  const routes = ['a', 'b'].flatMap((name) => ['--route', `${name}=127.0.0.1:${server.port}`]);
  const repeated = ['--every', '500ms', '--duration', '60s', '--count', '3', '--rate', '50'];
  const probe = ended(start(['probe', ...routes, '--data', data, ...repeated, '--prometheus-port', '0']));
  const [url] = await probe.line(METRICS);
  let before: Record<string, number> = {};
  const look = async (): Promise<number> => {
    const lines = (await scrape(url))
      .split('\n')
      .filter((line) => /^quic_\w+(_total|_count|_sum)\{/.test(line));
    const now = Object.fromEntries(lines.map((line) => [line.split(' ')[0]!, Number(line.split(' ')[1])]));
    for (const [series, value] of Object.entries(before))
      expect(now[series], series).toBeGreaterThanOrEqual(value);
    before = now;
    const counts = ['a', 'b'].map(
      (name) =>
        now[`quic_rtt_seconds_count{route="${name}",server="127.0.0.1:${server.port}",congestion="cubic"}`],
    );
    return Math.min(...counts.map((count) => count ?? 0));
  };
  // Three repetitions of three pings, at least one of the last having come.
  await expect.poll(look, { timeout: 25_000, interval: 100 }).toBeGreaterThan(6);
});

test('what comes of HTTP/3 responses is throughput while it comes', async () => {
  const data = temporaryDir();
  const server = ended(await startServer([], data));
  const url = `https://127.0.0.1:${server.port}/bytes/3000000`;
  const probe = ended(
    start(['probe', url, '--data', data, '--every', '1500ms', '--duration', '60s', '--prometheus-port', '0']),
  );
  const [metrics] = await probe.line(METRICS);
  const down = async () =>
    seriesValue(await scrape(metrics), /^quic_throughput_bytes_per_second\{.*direction="down"/);
  await expect.poll(down, { timeout: 25_000, interval: 50 }).toBeGreaterThan(100_000);
});
