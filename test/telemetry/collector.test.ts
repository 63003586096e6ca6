import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type CollectRequest, collect, PAGE_POINTS, requestsOf } from '../../src/main/telemetry/collector.ts';
import { PrometheusClient, type PrometheusOptions } from '../../src/main/telemetry/prometheus-client.ts';

type Handler = (form: URLSearchParams, request: IncomingMessage, response: ServerResponse) => unknown;

/** A server that stands in for a Prometheus that does what the real one would not, and a client of it. */
async function standIn(handler: Handler, options: Partial<PrometheusOptions> = {}) {
  const asked: URLSearchParams[] = [];
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    asked.push(form);
    const answer = handler(form, request, response);
    if (answer !== undefined) json(response, answer);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { asked, url, client: new PrometheusClient({ url, pausesMs: [0, 0], ...options }) };
}

function json(response: ServerResponse, answer: unknown, status = 200): void {
  const body = typeof answer === 'string' ? answer : JSON.stringify(answer);
  response.writeHead(status, { 'content-type': 'application/json' }).end(body);
}

const success = (...result: unknown[]) => ({ status: 'success', data: { resultType: 'matrix', result } });
/** The points that were asked for: each value is its time. */
function points(form: URLSearchParams): [number, string][] {
  const [start, end, step] = ['start', 'end', 'step'].map((name) =>
    Math.round(Number(form.get(name)) * 1000),
  );
  const count = Math.floor((end! - start!) / step!) + 1;
  return Array.from({ length: count }, (_, i) => [(start! + i * step!) / 1000, String(start! + i * step!)]);
}

const range = (count: number, stepMs = 1000): CollectRequest => ({
  query: 'up',
  startMs: 1_000_000,
  endMs: 1_000_000 + (count - 1) * stepMs,
  stepMs,
});

describe('a range', () => {
  test.each([1, PAGE_POINTS, PAGE_POINTS + 1, 2 * PAGE_POINTS + 7])(
    'of %i points is read in as few pages as are allowed, each point once',
    async (count) => {
      const { client, asked } = await standIn((form) =>
        success({ metric: { __name__: 'up' }, values: points(form) }),
      );
      const { table, error } = await collect(client, [range(count)]);
      expect(error).toBeNull();
      expect(asked).toHaveLength(Math.ceil(count / PAGE_POINTS));
      expect(table.columns.map(({ name }) => name)).toEqual(['time', 'metric', 'value']);
      const rows = [...table.rows()];
      expect(rows.length).toBe(count);
      expect(rows.every(([atMs, , value], i) => atMs === 1_000_000 + i * 1000 && value === atMs)).toBe(true);
    },
  );

  test('that is too much for one answer is read in halves', async () => {
    const { client, asked } = await standIn((form) => success({ metric: {}, values: points(form) }), {
      maxBytes: 6000,
    });
    const { table, error } = await collect(client, [range(1000)]);
    expect([error, table.points]).toEqual([null, 1000]);
    expect(asked.length).toBeGreaterThan(3);
  });

  test('for which Prometheus would load too many samples is read in halves, too', async () => {
    const { client } = await standIn((form, _request, response) => {
      const all = points(form);
      if (all.length <= 40) return success({ metric: {}, values: all });
      const error = 'query processing would load too many samples into memory in query execution';
      return json(response, { status: 'error', errorType: 'execution', error }, 422);
    });
    expect(await collect(client, [range(100)])).toMatchObject({ error: null, table: { points: 100 } });
  });

  test('series that come and go, with other labels, are one table', async () => {
    const { client } = await standIn((form) => {
      const all = points(form);
      const early = all.filter(([seconds]) => seconds < 6000);
      return success(
        { metric: { __name__: 'a', time: 'x' }, values: all },
        ...(early.length > 0 ? [{ metric: { __name__: 'b', z: '=1' }, values: early }] : []),
      );
    });
    const { table } = await collect(client, [range(12_000)]);
    expect(table.columns.map(({ name, type }) => `${name} ${type}`)).toEqual([
      'time time',
      'metric text',
      'label_time text',
      'z text',
      'value number',
    ]);
    const rows = [...table.rows()];
    expect(rows.at(-1)).toEqual([5_999_000, 'b', null, '=1', 5_999_000]);
    expect([table.points, table.series]).toEqual([12_000 + 5000, 2]);
  });

  test('of two expressions without a name tells them apart', async () => {
    const { client } = await standIn(() => success({ metric: {}, values: [[1, '1']] }));
    const requests = ['sum(a)', 'sum(b)'].map((query) => ({ ...range(1), query }));
    const { table } = await collect(client, requests);
    expect([...table.rows()].map(([, query]) => query)).toEqual(['sum(a)', 'sum(b)']);
  });
});

describe('what goes wrong is told, and what was read before it is kept:', () => {
  /** The first page is good, the second goes wrong. */
  const second =
    (wrong: Handler): Handler =>
    (form, request, response) =>
      form.get('start') === '1000.000'
        ? success({ metric: {}, values: points(form) })
        : wrong(form, request, response);

  test.each<[string, Handler, string, number]>([
    [
      'JSON that is cut off',
      (_f, _q, response) => json(response, '{"status":"success","data":{"resul'),
      'RL_PROMETHEUS_ANSWER',
      1,
    ],
    [
      'a page',
      (_f, _q, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>'),
      'RL_PROMETHEUS_ANSWER',
      1,
    ],
    [
      'wrong types',
      (_f, _q, response) => json(response, success({ metric: {}, values: [[1, 2]] })),
      'RL_PROMETHEUS_ANSWER',
      1,
    ],
    [
      'bytes that are no text',
      (_f, _q, response) =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(Buffer.from([0xff, 0xfe])),
      'RL_PROMETHEUS_ANSWER',
      1,
    ],
    [
      'a redirect',
      (_f, _q, response) => response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'RL_PROMETHEUS_ANSWER',
      1,
    ],
    [
      'a query it refuses',
      (_f, _q, response) =>
        json(response, { status: 'error', errorType: 'bad_data', error: 'parse error' }, 400),
      'RL_INPUT_INVALID',
      1,
    ],
    ['no permission', (_f, _q, response) => response.writeHead(403).end(), 'RL_UNAUTHORIZED', 1],
    [
      '503, each time',
      (_f, _q, response) => response.writeHead(503).end('overloaded'),
      'RL_PROMETHEUS_DOWN',
      3,
    ],
    [
      '500 with a reason, each time',
      (_f, _q, response) => json(response, { status: 'error', errorType: 'internal', error: 'disk' }, 500),
      'RL_PROMETHEUS_DOWN',
      3,
    ],
    [
      'a connection that is cut, each time',
      (_f, _q, response) =>
        response.writeHead(200, { 'content-length': 1000 }).write('{', () => response.destroy()),
      'RL_PROMETHEUS_DOWN',
      3,
    ],
    ['silence', () => undefined, 'RL_PROMETHEUS_TIMEOUT', 1],
  ])('%s', async (what, wrong, code, attempts) => {
    const handler = second((form, request, response) => void wrong(form, request, response));
    // Only where no answer ever comes does the time have to run out.
    const { client, asked } = await standIn(handler, what === 'silence' ? { timeoutMs: 4000 } : {});
    const { table, error } = await collect(client, [range(PAGE_POINTS + 1)]);
    expect(error).toMatchObject({ code });
    expect(table.points).toBe(PAGE_POINTS);
    expect(asked).toHaveLength(1 + attempts);
  });

  test('an answer without end is given up at its bound, even compressed', async () => {
    const huge = gzipSync(Buffer.alloc(5_000_000, ' '));
    const { client, asked } = await standIn(
      (_form, _request, response) =>
        void response
          .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
          .end(huge),
      { maxBytes: 1_000_000 },
    );
    const { error } = await collect(client, [range(1)]);
    expect(error).toMatchObject({
      code: 'RL_PROMETHEUS_ANSWER',
      message: expect.stringContaining('1000000 bytes'),
    });
    expect(asked).toHaveLength(1);
  });

  test('nobody listens', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    const client = new PrometheusClient({ url: `http://127.0.0.1:${port}`, pausesMs: [0, 0] });
    const { error } = await collect(client, [range(1)]);
    expect(error).toMatchObject({
      code: 'RL_PROMETHEUS_DOWN',
      message: expect.stringContaining('ECONNREFUSED'),
    });
  });

  test('it is cancelled', async () => {
    const controller = new AbortController();
    const { client } = await standIn(() => controller.abort());
    const { error } = await collect(client, [range(1)], { signal: controller.signal });
    expect(error).toMatchObject({ code: 'RL_CANCELLED' });
  });
});

test('what fails twice and then answers is read', async () => {
  let times = 0;
  const { client } = await standIn((form, _request, response) => {
    if (++times < 3) return void response.writeHead(429, { 'retry-after': '0' }).end();
    return success({ metric: {}, values: points(form) });
  });
  expect(await collect(client, [range(3)])).toMatchObject({ error: null, table: { points: 3 } });
});

describe('credentials', () => {
  test.each([
    [{ type: 'bearer', token: 's3cret' } as const, 'Bearer s3cret'],
    [
      { type: 'basic', user: 'u', password: 's3cret:ü' } as const,
      `Basic ${Buffer.from('u:s3cret:ü').toString('base64')}`,
    ],
  ])('go into the header and into no error: %o', async (auth, header) => {
    let seen: string | undefined;
    const { client } = await standIn(
      (_form, { headers }, response) => {
        seen = headers.authorization;
        return void response.writeHead(401).end();
      },
      { auth },
    );
    const { error } = await collect(client, [range(1)]);
    expect(seen).toBe(header);
    expect(JSON.stringify([error!.toBody(), error!.stack, error!.cause])).not.toContain('s3cret');
  });

  test('in an address are refused, and not repeated', () => {
    const open = (): unknown => new PrometheusClient({ url: 'http://u:s3cret@h:9090' });
    expect(open).toThrow(expect.objectContaining({ code: 'RL_INPUT_INVALID', field: 'url' }));
    expect(open).not.toThrow(/s3cret/);
  });
});

test('metrics by name become requests; what is no name is refused', () => {
  const window = { startMs: 0, endMs: 10, stepMs: 5 };
  expect(requestsOf(['quic_rtt_seconds'], window)).toEqual([{ query: 'quic_rtt_seconds', ...window }]);
  expect(() => requestsOf(['a{b="c"}'], window)).toThrow(
    expect.objectContaining({ code: 'RL_INPUT_INVALID', field: 'metrics' }),
  );
});
