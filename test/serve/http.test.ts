import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { startHeadless } from '../../src/main/serve/index.ts';
import { RATE_LIMITS } from '../../src/main/serve/limits.ts';
import { contract } from '../../src/shared/contract/index.ts';
import { silentLog, temporaryDir, until } from '../lab/open-lab.ts';
import { openHost, rest } from './open-host.ts';

describe('a request the API cannot take', () => {
  test.each([
    { what: 'bad JSON', body: '{"name":', status: 422, code: 'RL_INPUT_INVALID', field: 'body' },
    {
      what: 'a forged prototype',
      body: '{"__proto__":{"x":1}}',
      status: 422,
      code: 'RL_INPUT_INVALID',
      field: 'body',
    },
    { what: 'no body', body: '', status: 422, code: 'RL_INPUT_INVALID', field: 'body' },
    {
      what: 'more than 1 MB',
      body: `"${'x'.repeat(1_100_000)}"`,
      status: 413,
      code: 'RL_BODY_TOO_LARGE',
      field: 'body',
    },
  ])('is answered in the catalogue’s words: $what', async ({ body, status, code, field }) => {
    const host = await openHost();
    expect(await rest(host, 'POST', '/routes', body)).toMatchObject({ status, body: { code, field } });
  });

  test('is answered so when it is not JSON at all, or not there', async () => {
    const host = await openHost();
    const form = await fetch(`${host.url}/api/v1/routes`, {
      method: 'POST',
      body: new URLSearchParams({ a: 'b' }),
    });
    expect([form.status, await form.json()]).toMatchObject([
      422,
      { code: 'RL_INPUT_INVALID', field: 'content-type' },
    ]);
    expect(await rest(host, 'GET', '/bogus')).toMatchObject({ status: 404, body: { code: 'RL_NOT_FOUND' } });
    const other = await fetch(`${host.url}/bogus`);
    expect([other.status, await other.json()]).toMatchObject([404, { code: 'RL_NOT_FOUND' }]);
  });

  test('may say JSON and carry nothing where nothing is wanted', async () => {
    const host = await openHost();
    await host.lab.client.routes.create({ name: 'R', host: '127.0.0.1', port: 9 });
    expect(await rest(host, 'POST', '/routes/r/stop', '')).toMatchObject({
      status: 200,
      body: { enabled: false },
    });
  });

  test('comes too often: it is told when to come again', async () => {
    const host = await openHost();
    const ask = () => fetch(`${host.url}/api/v1/routes/none/start`, { method: 'POST' });
    const answers = await Promise.all(Array.from({ length: RATE_LIMITS.writes + 1 }, ask));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(1);
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await refused[0]!.json()).toMatchObject({ code: 'RL_RATE_LIMITED', hint: expect.any(String) });
    expect((await fetch(`${host.url}/api/v1/routes`)).status).toBe(200);
  });

  test('is not HTTP: the connection ends and the host lives on', async () => {
    const host = await openHost();
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    socket.write('\u0016\u0003\u0001 hello\r\n\r\n');
    let answer = '';
    for await (const chunk of socket) answer += chunk;
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect((await fetch(`${host.url}/ready`)).status).toBe(200);
  });
});

describe('the pages', () => {
  const built = (): string => {
    const uiDir = temporaryDir();
    writeFileSync(join(uiDir, 'index.html'), '<!doctype html><title>App</title>');
    mkdirSync(join(uiDir, 'assets'));
    writeFileSync(join(uiDir, 'assets', 'app-abc.js'), 'let x;');
    return uiDir;
  };

  test('are served with their assets, and nothing beside them is', async () => {
    const host = await openHost({ uiDir: built() });
    const page = await fetch(host.url);
    expect(await page.text()).toContain('<title>App</title>');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    const asset = await fetch(`${host.url}/assets/app-abc.js`);
    expect(asset.headers.get('cache-control')).toContain('immutable');
    expect(asset.headers.get('content-type')).toContain('javascript');
    for (const path of [
      '/assets/none.js',
      '/none',
      '/assets/',
      '/assets/..%2f..%2fpackage.json',
      '/..%2fx.json',
    ]) {
      expect((await fetch(host.url + path)).status, path).toBeGreaterThanOrEqual(403);
    }
  });

  test('say so in one line while they are not built', async () => {
    const host = await openHost({ uiDir: join(temporaryDir(), 'absent') });
    const page = await fetch(host.url, { headers: { accept: 'text/html' } });
    expect(page.status).toBe(503);
    expect(await page.text()).toContain('not built yet');
  });

  test('are protected by their headers', async () => {
    const host = await openHost({ uiDir: built() });
    const { headers } = await fetch(host.url);
    const policy = headers.get('content-security-policy')!;
    expect(policy).toMatch(/^default-src 'none';/);
    expect(policy).toContain("script-src 'self'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('x-frame-options')).toBe('DENY');
    expect(headers.get('referrer-policy')).toBe('no-referrer');
    expect(headers.get('strict-transport-security')).toBeNull();
    expect(headers.get('x-powered-by')).toBeNull();
  });
});

describe('the description of the API', () => {
  test('is OpenAPI 3.1, names every operation, and every reference in it resolves', async () => {
    const host = await openHost();
    // biome-ignore lint/suspicious/noExplicitAny: a document to walk, whatever it is
    const document = (await (await fetch(`${host.url}/openapi.json`)).json()) as any;
    expect(document.openapi).toMatch(/^3\.1\./);
    const operations = Object.entries<Record<string, { responses: object }>>(document.paths).flatMap(
      ([path, { servers: _, ...methods }]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    const routes = Object.values(contract).flatMap((group) =>
      Object.values(group).map(({ '~orpc': { route } }) => `${route.method} ${route.path}`),
    );
    const beside = ['/metrics', '/health', '/health/{service}', '/ready', '/exports/{name}'];
    expect(operations.sort()).toEqual([...routes, ...beside.map((path) => `GET ${path}`)].sort());
    for (const [, ref] of JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)) {
      const target = ref!
        .split('/')
        .reduce((node: Record<string, never> | undefined, key) => node?.[key], document);
      expect(target, ref).toBeDefined();
    }
    expect(document.paths['/routes'].post.responses).toMatchObject({
      201: expect.anything(),
      default: { $ref: '#/components/responses/Error' },
    });
  });

  test('can be read at /docs, without a script and without another host', async () => {
    const host = await openHost();
    const page = await (await fetch(`${host.url}/docs`)).text();
    expect(page).toContain('<code>/api/v1/routes/{id}/series</code>');
    expect(page).toContain('RL_PORT_IN_USE');
    expect(page).not.toMatch(/<script|https?:\/\//);
  });
});

describe('metrics and health', () => {
  test('the exposition is negotiated, and its history comes from the store', async () => {
    const host = await openHost();
    const { client } = host.lab;
    await client.demo.start();
    await until(host.lab, (all) => all.length === 6 && all.every(({ ping }) => (ping?.received ?? 0) > 3));
    const classic = await fetch(`${host.url}/metrics`);
    expect(classic.headers.get('content-type')).toContain('text/plain; version=0.0.4');
    expect(await classic.text()).toContain('quic_rtt_seconds_count{route="demo-lan"');
    const open = await fetch(`${host.url}/metrics`, {
      headers: { accept: 'application/openmetrics-text; version=1.0.0' },
    });
    expect(open.headers.get('content-type')).toContain('application/openmetrics-text');
    expect(await open.text()).toMatch(/# EOF\n$/);
    expect((await client.lab.info()).metricsUrl).toBe(`${host.url}/metrics`);

    await client.routes.stop({ id: 'demo-lan' });
    const history = await fetch(`${host.url}/metrics?format=json&route=demo-lan`);
    const json = (await history.json()) as {
      rows: { time: number; pings_sent: number; congestion_window_bytes: number | null }[];
    };
    const sent = json.rows.reduce((sum, row) => sum + row.pings_sent, 0);
    const toMs = Date.now();
    expect(sent).toBe((await client.routes.stats({ id: 'demo-lan', fromMs: toMs - 60_000, toMs })).sent);
    const csv = await (await fetch(`${host.url}/metrics?format=csv&route=demo-lan`)).text();
    expect(csv.split('\n')).toHaveLength(json.rows.length + 2);
    expect(csv).toMatch(/^time,route,pings_sent,pings_lost,rtt_min_seconds,/);
    const measured = json.rows.filter((row) => row.congestion_window_bytes !== null);
    expect(measured.length).toBeGreaterThan(0);
    const [newest] = (await client.routes.transport({ id: 'demo-lan', fromMs: 0, toMs, buckets: 1 })).slice(
      -1,
    );
    expect(measured.at(-1)).toMatchObject({
      congestion: 'cubic',
      congestion_window_bytes: newest!.cwndBytes,
      packets_sent_total: newest!.packetsSent,
    });
    const events = await client.routes.events({ id: 'demo-lan', fromMs: 0, toMs: toMs + 1 });
    expect(events.map(({ state }) => state)).toEqual(expect.arrayContaining(['connecting', 'up', 'stopped']));

    // The same window, said in each way that there is.
    const times = json.rows.map(({ time }) => time);
    const [start, end] = [times[0]!, times.at(-1)! + 1];
    const windows = [
      [String(start), String(end)],
      [String(start * 1000), String(end * 1000)],
      [new Date(start * 1000).toISOString(), new Date(end * 1000).toISOString()],
      ['1h ago', 'now'],
    ];
    for (const [start_time, end_time] of windows) {
      const range = new URLSearchParams({
        format: 'json',
        route: 'demo-lan',
        start_time: start_time!,
        end_time: end_time!,
      });
      const { rows } = (await (await fetch(`${host.url}/metrics?${range}`)).json()) as typeof json;
      expect(
        rows.reduce((sum, row) => sum + row.pings_sent, 0),
        start_time,
      ).toBe(sent);
    }
  });

  test.each([
    { query: 'format=xml', field: 'format' },
    { query: 'route=r', field: 'route' },
    { query: 'from=1', field: 'from' },
    { query: 'format=json&buckets=9', field: 'buckets' },
    { query: 'format=json&format=csv', field: 'format' },
    { query: 'format=csv&start_time=yesterday', field: 'start_time' },
    { query: 'format=csv&start_time=20&end_time=10', field: 'end_time' },
  ])('a question it does not understand is named: $query', async ({ query, field }) => {
    const host = await openHost();
    const response = await fetch(`${host.url}/metrics?${query}`);
    expect([response.status, await response.json()]).toMatchObject([
      422,
      { code: 'RL_INPUT_INVALID', field },
    ]);
  });

  test('health tells of each part', async () => {
    const host = await openHost();
    const { status, body } = await fetch(`${host.url}/health`).then(async (r) => ({
      status: r.status,
      body: await r.json(),
    }));
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'healthy',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      uptime_seconds: expect.any(Number),
      services: {
        store: { status: 'healthy' },
        probe: { status: 'healthy' },
        relay: { status: 'healthy' },
        endpoint: { status: 'healthy' },
        transfers: { status: 'healthy' },
        loader: { status: 'healthy' },
        pings: { status: 'healthy' },
        runRelay: { status: 'healthy' },
        runEndpoint: { status: 'healthy' },
        cellRelay: { status: 'healthy' },
        cellEndpoint: { status: 'healthy' },
        reader: { status: 'healthy' },
        exporter: { status: 'healthy' },
        monitoring: { status: 'healthy' },
        alerts: { status: 'healthy' },
        webhooks: { status: 'healthy' },
        upkeep: { status: 'healthy' },
        data_sources: { status: 'healthy' },
      },
    });
    expect(await (await fetch(`${host.url}/health/store`)).json()).toEqual({ status: 'healthy' });
    expect((await fetch(`${host.url}/health/none`)).status).toBe(404);
    expect(await (await fetch(`${host.url}/ready`)).json()).toEqual({ ready: true });
  });
});

describe('starting and ending', () => {
  test('a port in use is named, with the setting, and the data folder is let go', async () => {
    const host = await openHost();
    const port = Number(new URL(host.url).port);
    const dataDir = temporaryDir();
    for (const attempt of [1, 2]) {
      const second = startHeadless({ dataDir, host: '127.0.0.1', port, log: silentLog });
      await expect(second, `attempt ${attempt}`).rejects.toMatchObject({
        code: 'RL_PORT_IN_USE',
        message: expect.stringContaining(String(port)),
        hint: expect.stringContaining('--port'),
      });
    }
  });

  test.each(['0.0.0.0', '::', '192.0.2.1', 'lab.example'])(
    '%s is refused before anything is opened',
    async (address) => {
      await expect(
        startHeadless({ dataDir: '/nonexistent', host: address, port: 0, log: silentLog }),
      ).rejects.toMatchObject({
        code: 'RL_INPUT_INVALID',
        field: 'host',
        hint: expect.stringContaining('SSH tunnel'),
      });
    },
  );

  test('closing ends open streams and sockets', async () => {
    const host = await openHost();
    const response = await fetch(`${host.url}/api/v1/routes/watch`);
    const reading = response.text().catch(() => 'cut off');
    await host.close();
    expect(await reading).toBeDefined();
    await expect(fetch(`${host.url}/ready`)).rejects.toThrow();
  });
});
