import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { expect, onTestFinished, test } from 'vitest';
import { temporaryDir } from '../lab/open-lab.ts';
import { needs, startPrometheus } from '../telemetry/real-prometheus.ts';
import { run } from './run.ts';

const FROM_S = Date.UTC(2026, 0, 1) / 1000;

test('what a real Prometheus holds comes as a table, as CSV and as JSON, the same each time', {
  timeout: 90_000,
}, async (context) => {
  needs(context, 'prometheus', 'promtool');
  const lines = [0, 5, 10].flatMap((s) => [
    `quic_jitter_seconds{route="a"} ${s / 10} ${FROM_S + s}`,
    `quic_jitter_seconds{route="=b"} NaN ${FROM_S + s}`,
  ]);
  const { url } = await startPrometheus({
    data: `# TYPE quic_jitter_seconds gauge\n${lines.sort((a, b) => (a.slice(-10) < b.slice(-10) ? -1 : 1)).join('\n')}\n# EOF\n`,
  });
  const collect = (...more: string[]) =>
    run(['collect', '--url', url, '--start', '2026-01-01T00:00:00Z', '--end', String(FROM_S + 10), ...more]);

  const csv = await collect('--format', 'csv');
  expect(csv).toMatchObject({ code: 0, stderr: '' });
  expect(csv.stdout.split('\r\n')).toEqual([
    'time,metric,route,value',
    ...[0, 5, 10].map((s) => `${FROM_S + s},quic_jitter_seconds,'=b,NaN`),
    ...[0, 5, 10].map((s) => `${FROM_S + s},quic_jitter_seconds,a,${s / 10}`),
    '',
  ]);

  const json = JSON.parse((await collect('--metric', 'quic_jitter_seconds', '--json')).stdout);
  expect(json).toMatchObject({ series: 2, points: 6, complete: true, step_s: 5, warnings: [] });
  expect(json.columns).toEqual(['time', 'metric', 'route', 'value']);
  expect(json.rows[0]).toEqual([FROM_S, 'quic_jitter_seconds', '=b', 'NaN']);
  expect(json.rows.at(-1)).toEqual([FROM_S + 10, 'quic_jitter_seconds', 'a', 1]);

  const shown = await collect();
  expect(shown.stdout).toContain('2026-01-01T00:00:10.000Z  quic_jitter_seconds  a');
  const file = join(temporaryDir(), 'out.csv');
  expect(await collect('--output', file)).toMatchObject({ code: 0 });
  expect(readFileSync(file, 'utf8')).toBe(csv.stdout);
});

/** Answers the first range and then no more. */
async function failing(): Promise<{ url: string; authorization: (string | undefined)[] }> {
  const authorization: (string | undefined)[] = [];
  const server = createServer(async (request, response) => {
    authorization.push(request.headers.authorization);
    const form = new URLSearchParams(await text(request));
    const values = [[Number(form.get('start')), '1']];
    const answer = { status: 'success', data: { resultType: 'matrix', result: [{ metric: {}, values }] } };
    const body = JSON.stringify(answer);
    response
      .setHeader('content-type', 'application/json')
      .end(authorization.length === 1 ? body : body.slice(0, 20));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, authorization };
}

test('what was read before an error is kept and said to be part, and a secret is not echoed', async () => {
  const { url, authorization } = await failing();
  const secret = join(temporaryDir(), 'token');
  writeFileSync(secret, 's3cret\n');
  const range = ['--start', '0', '--end', '20000', '--step', '1s'];
  const { code, stdout, stderr } = await run([
    'collect',
    'up',
    '--url',
    url,
    ...range,
    '--bearer-file',
    secret,
    '--json',
  ]);
  expect(code).toBe(3);
  expect(JSON.parse(stdout)).toMatchObject({
    complete: false,
    points: 1,
    error: { code: 'RL_PROMETHEUS_ANSWER' },
  });
  expect(stderr).toContain('this is not all');
  expect(authorization).toEqual(['Bearer s3cret', 'Bearer s3cret']);
  expect(stdout + stderr).not.toContain('s3cret');
});

test.each<[string[], string, string | undefined, Record<string, string>?]>([
  [['--start', 'yesterday'], 'RL_INPUT_INVALID', '--start'],
  [['--start', '20', '--end', '10'], 'RL_INPUT_INVALID', '--start'],
  [['--step', '0'], 'RL_INPUT_INVALID', '--step'],
  [['--url', 'ftp://x'], 'RL_INPUT_INVALID', '--url'],
  [['--metric', 'a b'], 'RL_INPUT_INVALID', '--metric'],
  [['--output', 'x.txt'], 'RL_INPUT_INVALID', '--output'],
  [['--bearer-env', 'NOT_SET_ANYWHERE'], 'RL_INPUT_INVALID', '--bearer-env'],
  [['--bearer-env', 'TOKEN'], 'RL_INPUT_INVALID', '--bearer-env', { TOKEN: 'a\nb' }],
  [['--user', 'u'], 'RL_USAGE', undefined],
  [['up', '--metric', 'up'], 'RL_USAGE', undefined],
])('%j is refused', async (args, code, field, env) => {
  const { code: exit, stdout, stderr } = await run(['collect', ...args, '--json'], env);
  expect([exit, JSON.parse(stdout)]).toMatchObject([2, { code, ...(field && { field }) }]);
  expect(stderr).not.toMatch(/ {4}at /);
});

test('a Prometheus that is not there is exit code 3', async () => {
  const { code, stdout } = await run(['collect', '--json'], {
    PROMETHEUS_IP: '127.0.0.1',
    PROMETHEUS_PORT: '1',
  });
  expect([code, JSON.parse(stdout)]).toMatchObject([3, { code: 'RL_PROMETHEUS_DOWN' }]);
});
