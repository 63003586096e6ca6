import { once } from 'node:events';
import { request } from 'node:http';
import { isIPv4 } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { fullName, refusal } from '../../src/main/serve/guard.ts';
import type { Headless } from '../../src/main/serve/index.ts';
import { openHost, overWebSocket } from './open-host.ts';

const policy = { host: '127.0.0.1', corsOrigins: ['https://trusted.example:8443'], names: ['lab.example'] };
const own = { host: '127.0.0.1:8080' };

describe('the guard', () => {
  test.each(['localhost', 'localhost:8080', '127.0.0.1:8080', '127.1.2.3', '[::1]:8080', 'LOCALHOST:9000'])(
    'answers to the name %s',
    (host) => expect(refusal({ host }, policy)).toBeNull(),
  );

  test.each([
    'evil.example',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '192.168.0.1',
    '',
    'localhost:80:80',
  ])('does not answer to %j: a rebound name is not ours', (host) =>
    expect(refusal({ host }, policy)).toMatchObject({ code: 'RL_HOST_HEADER', status: 421 }),
  );

  test.each(['lab.example', 'lab.example:8080', 'LAB.example.', 'trusted.example', 'trusted.example:80'])(
    'answers to the name %s, which it was told',
    (host) => expect(refusal({ host }, policy)).toBeNull(),
  );

  test('bound to every address, answers to each and to the name of the machine, and to no other', () => {
    const open = { host: '0.0.0.0', corsOrigins: [], names: [] };
    const addresses = Object.values(networkInterfaces()).flatMap((all) =>
      (all ?? []).map((one) => one.address),
    );
    for (const name of [hostname(), `${hostname()}:8080`, ...addresses.filter(isIPv4)])
      expect(refusal({ host: name }, open), name).toBeNull();
    for (const name of ['lab.example', `${hostname()}.evil.example`, '192.0.2.7'])
      expect(refusal({ host: name }, open), name).toMatchObject({ code: 'RL_HOST_HEADER' });
    expect(refusal({ host: hostname() }, { ...open, host: '127.0.0.1' })).toMatchObject({ status: 421 });
    expect(refusal({ host: hostname() }, { ...open, host: '192.0.2.7' })).toBeNull();
  });

  test('the full name of the machine is none, or begins with its name', async () => {
    expect((await fullName()) ?? `${hostname()}.none`.toLowerCase()).toMatch(
      new RegExp(`^${hostname().toLowerCase()}\\.`),
    );
  });

  test('lets in its own pages, listed origins, and callers that are no browser', () => {
    expect(refusal({ ...own, origin: 'http://127.0.0.1:8080' }, policy)).toBeNull();
    expect(refusal({ ...own, origin: 'https://trusted.example:8443' }, policy)).toBeNull();
    expect(refusal(own, policy)).toBeNull();
    expect(refusal({ ...own, 'sec-fetch-site': 'same-origin' }, policy)).toBeNull();
    expect(refusal({ ...own, 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, policy)).toBeNull();
  });

  test.each([
    'http://evil.example',
    'null',
    'https://127.0.0.1:8080',
    'http://127.0.0.1:3000',
    'http://localhost:8080',
  ])('keeps out pages of %s', (origin) =>
    expect(refusal({ ...own, origin }, policy)).toMatchObject({ code: 'RL_FORBIDDEN_ORIGIN', status: 403 }),
  );

  test('keeps out requests that another site’s page makes without an Origin, but not a followed link', () => {
    const cross = { ...own, 'sec-fetch-site': 'cross-site' };
    expect(refusal({ ...cross, 'sec-fetch-mode': 'no-cors' }, policy)).toMatchObject({ status: 403 });
    expect(refusal({ ...cross, 'sec-fetch-mode': 'navigate' }, policy)).toBeNull();
    expect(
      refusal({ ...own, 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }, policy),
    ).toMatchObject({
      status: 403,
    });
  });
});

/** A request with exactly these headers; `fetch` would not send a Host or Origin of our choosing. */
async function raw(host: Headless, method: string, path: string, headers: Record<string, string>) {
  const sent = request(host.url + path, { method, headers });
  sent.end();
  const [response] = await once(sent, 'response');
  let text = '';
  for await (const chunk of response) text += chunk;
  return { status: response.statusCode as number, body: JSON.parse(text) };
}

describe('the host', () => {
  test('refuses foreign names and origins on every path, with a catalogue body', async () => {
    const host = await openHost();
    for (const path of ['/', '/api/v1/routes', '/metrics', '/health', '/openapi.json']) {
      expect(await raw(host, 'GET', path, { host: 'rebound.example' })).toMatchObject({
        status: 421,
        body: { code: 'RL_HOST_HEADER', field: 'host', hint: expect.any(String) },
      });
      expect(await raw(host, 'GET', path, { origin: 'http://evil.example' })).toMatchObject({
        status: 403,
        body: { code: 'RL_FORBIDDEN_ORIGIN' },
      });
    }
    expect(await raw(host, 'POST', '/api/v1/demo/start', { origin: 'http://evil.example' })).toMatchObject({
      status: 403,
    });
    expect(await host.lab.client.routes.list()).toEqual([]);
  });

  test('sends CORS headers to listed origins only', async () => {
    const host = await openHost({ corsOrigins: ['https://trusted.example'] });
    const preflight = await fetch(`${host.url}/api/v1/routes`, {
      method: 'OPTIONS',
      headers: { origin: 'https://trusted.example', 'access-control-request-method': 'POST' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe('https://trusted.example');
    const plain = await fetch(`${host.url}/api/v1/routes`);
    expect(plain.headers.get('access-control-allow-origin')).not.toBe('*');
  });

  const upgrade = async (url: string, options: object): Promise<number> => {
    const socket = new WebSocket(url, options);
    const [, response] = await once(socket, 'unexpected-response');
    return response.statusCode;
  };

  test('refuses a WebSocket to a foreign page, under a foreign name, or at another path', async () => {
    const host = await openHost();
    const url = host.url.replace('http', 'ws');
    expect(await upgrade(`${url}/api/rpc`, { origin: 'http://evil.example' })).toBe(403);
    expect(await upgrade(`${url}/api/rpc`, { headers: { host: 'rebound.example' } })).toBe(421);
    expect(await upgrade(`${url}/other`, {})).toBe(404);
    const own = new WebSocket(`${url}/api/rpc`, { origin: host.url });
    await once(own, 'open');
    own.terminate();
  });

  test.each([
    'garbage',
    '{}',
    '{"i":"1","p":{"u":"http://elsewhere/"}}',
    '{"i":"1","p":{"u":"/lab/info","h":5}}',
    '{"i":"1","t":3,"p":{}}',
    'x'.repeat(2_000_000),
  ])('ends a WebSocket that says what no client of ours would (%#), and lives on', async (message) => {
    const host = await openHost();
    const { socket } = await overWebSocket(host);
    socket.send(message);
    const [code] = await once(socket, 'close');
    expect([1007, 1009]).toContain(code);
    const { client } = await overWebSocket(host);
    expect(await client.routes.list()).toEqual([]);
  });

  test('answers a WebSocket call of an operation there is not', async () => {
    const host = await openHost();
    const { socket } = await overWebSocket(host);
    socket.send(JSON.stringify({ i: '1', p: { u: '/lab/none', b: {} } }));
    const [data] = await once(socket, 'message');
    expect(JSON.parse(String(data))).toMatchObject({
      i: '1',
      p: { s: 404, b: { json: { code: 'RL_NOT_FOUND', data: { code: 'RL_NOT_FOUND' } } } },
    });
  });
});
