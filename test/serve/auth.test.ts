/** Tokens, as real clients send them. */
import { once } from 'node:events';
import { SignJWT, UnsecuredJWT } from 'jose';
import { describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { Configuration } from '../../src/main/lab/index.ts';
import { signToken } from '../../src/main/serve/auth.ts';
import { startHeadless } from '../../src/main/serve/index.ts';
import { silentLog, temporaryDir } from '../lab/open-lab.ts';
import { openHost } from './open-host.ts';

const SECRET = 'correct horse battery staple, twice';
const AUTH = { secret: SECRET, issuer: 'routelab' };
const lockedHost = (host = '127.0.0.1') =>
  openHost({ host, configuration: new Configuration({ env: { JWT_SECRET: SECRET } }) });
const key = (secret: string) => new TextEncoder().encode(secret);
const valid = () => signToken(AUTH, 'test', 60, Date.now());

const get = (url: string, token?: string) =>
  fetch(url, token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } });

describe('a lab with a secret', () => {
  test('wants a token for API and metrics; health and pages are open', async () => {
    const { url } = await lockedHost();
    for (const path of [
      '/api/v1/info',
      '/api/v1/routes',
      '/api/v1/nothing',
      '/metrics',
      '/metrics?format=json',
      '/exports/experiment-1.jsonl',
    ]) {
      const refused = await get(url + path);
      expect(refused.status, path).toBe(401);
      expect(refused.headers.get('www-authenticate')).toBe('Bearer realm="routelab"');
      expect(await refused.json()).toMatchObject({ code: 'RL_UNAUTHORIZED', field: 'authorization' });
    }
    const write = await fetch(`${url}/api/v1/demo/start`, { method: 'POST' });
    expect(write.status).toBe(401);
    for (const path of ['/health', '/health/store', '/ready', '/openapi.json', '/docs'])
      expect((await get(url + path)).status, path).toBe(200);
    const token = await valid();
    for (const path of ['/api/v1/info', '/metrics'])
      expect((await get(url + path, token)).status, path).toBe(200);
  });

  test.each<[string, string, () => Promise<string> | string]>([
    ['expired', 'has expired', () => signToken(AUTH, 'test', 60, Date.now() - 120_000)],
    [
      'not yet valid',
      'not valid yet',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'HS256' })
          .setIssuer('routelab')
          .setNotBefore(Math.floor(Date.now() / 1000) + 600)
          .setExpirationTime('1h')
          .sign(key(SECRET)),
    ],
    [
      'of another issuer',
      'not issued by routelab',
      () => signToken({ ...AUTH, issuer: 'other' }, 'test', 60, Date.now()),
    ],
    [
      'without an issuer',
      'not issued by routelab',
      () => new SignJWT().setProtectedHeader({ alg: 'HS256' }).sign(key(SECRET)),
    ],
    [
      'without an expiry',
      'has no "exp"',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'HS256' })
          .setIssuer('routelab')
          .setIssuedAt()
          .sign(key(SECRET)),
    ],
    [
      'of another secret',
      'not signed with this lab',
      () => signToken({ ...AUTH, secret: 'x'.repeat(40) }, 'test', 60, Date.now()),
    ],
    [
      'signed with HS512',
      'not signed with HS256',
      () =>
        new SignJWT()
          .setProtectedHeader({ alg: 'HS512' })
          .setIssuer('routelab')
          .sign(key(SECRET.repeat(2))),
    ],
    [
      'unsigned (alg none)',
      'not signed with HS256',
      () => new UnsecuredJWT({}).setIssuer('routelab').encode(),
    ],
    ['no token at all', 'no token', () => 'a.b.c'],
    ['too long', 'longer than', () => 'a'.repeat(9000)],
  ])('refuses a token that is %s', async (_case, message, make) => {
    const { url } = await lockedHost();
    const answer = await get(`${url}/api/v1/info`, await make());
    expect(answer.status).toBe(401);
    expect(answer.headers.get('www-authenticate')).toContain('error="invalid_token"');
    const body = await answer.json();
    expect(body).toMatchObject({ code: 'RL_UNAUTHORIZED' });
    expect((body as { message: string }).message).toContain(message);
  });

  test('refuses other schemes, and tokens in the URL', async () => {
    const { url } = await lockedHost();
    const basic = await fetch(`${url}/api/v1/info`, { headers: { authorization: 'Basic dXNlcjpwYXNz' } });
    expect(basic.status).toBe(401);
    expect((await get(`${url}/api/v1/info?token=${await valid()}`)).status).toBe(401);
  });

  test('says what is wrong with a part to those with a token only', async () => {
    const { url, lab } = await lockedHost();
    const real = lab.health;
    const detail = 'Port 4433 on 10.1.2.3 is closed.';
    lab.health = () => ({
      status: 'degraded',
      services: { ...real().services, probe: { status: 'degraded', detail } },
    });
    const stranger = { probe: { status: 'degraded' }, store: { status: 'healthy' } };
    for (const token of [undefined, 'a.b.c']) {
      expect(await (await get(`${url}/health`, token)).json()).toMatchObject({
        status: 'degraded',
        services: stranger,
      });
      expect(await (await get(`${url}/health`, token)).text()).not.toContain('10.1.2.3');
      expect(await (await get(`${url}/health/probe`, token)).json()).toEqual({ status: 'degraded' });
    }
    const token = await valid();
    expect(await (await get(`${url}/health`, token)).json()).toMatchObject({
      services: { probe: { detail } },
    });
    expect(await (await get(`${url}/health/probe`, token)).json()).toEqual({ status: 'degraded', detail });
  });

  test('takes the token of a WebSocket as a subprotocol or a header, and answers with its own protocol', async () => {
    const { url } = await lockedHost();
    const ws = `${url.replace('http', 'ws')}/api/rpc`;
    const token = await valid();
    // A browser learns of a close what it does not learn of an upgrade that is refused.
    for (const protocols of [['routelab'], ['routelab', `bearer.${token}x`], []])
      expect((await once(new WebSocket(ws, protocols), 'close'))[0]).toBe(4401);
    const basic = new WebSocket(ws, { headers: { authorization: 'Basic dXNlcjpwYXNz' } });
    expect((await once(basic, 'close'))[0]).toBe(4401);
    const browser = new WebSocket(ws, ['routelab', `bearer.${token}`]);
    await once(browser, 'open');
    expect(browser.protocol).toBe('routelab');
    browser.terminate();
    const program = new WebSocket(ws, { headers: { authorization: `Bearer ${token}` } });
    await once(program, 'open');
    program.terminate();
  });

  test('never tells its secret', async () => {
    const { url } = await lockedHost();
    const settings = await (await get(`${url}/api/v1/settings`, await valid())).text();
    expect(settings).toContain('"auth.jwt_secret"');
    expect(settings).not.toContain(SECRET);
  });

  test('may listen on other addresses; one without may not', async () => {
    const host = await lockedHost('0.0.0.0');
    const { port } = new URL(host.url);
    expect((await get(`http://127.0.0.1:${port}/api/v1/info`)).status).toBe(401);
    expect((await get(`http://127.0.0.1:${port}/api/v1/info`, await valid())).status).toBe(200);
    await expect(
      startHeadless({ dataDir: temporaryDir(), host: '0.0.0.0', port: 0, log: silentLog }),
    ).rejects.toMatchObject({ code: 'RL_INPUT_INVALID', field: 'host' });
  });
});

test('a preflight of a listed origin needs no token, and its answer is not for other origins', async () => {
  const configuration = new Configuration({
    env: { JWT_SECRET: SECRET, ROUTELAB_SERVER_CORS_ORIGINS: 'https://a.example' },
  });
  const { url } = await openHost({ configuration });
  const preflight = (origin: string) =>
    fetch(`${url}/api/v1/routes`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': 'authorization',
      },
    });
  const allowed = await preflight('https://a.example');
  expect(allowed.status).toBe(204);
  expect(allowed.headers.get('access-control-allow-origin')).toBe('https://a.example');
  expect(allowed.headers.get('access-control-allow-headers')).toBe('authorization');
  expect((await preflight('https://b.example')).status).toBe(403);
});

test('whoever starts too much is told when to come again', async () => {
  const { url } = await openHost();
  const start = () =>
    fetch(`${url}/api/v1/probes`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
  const statuses = new Map<number, Response>();
  for (let i = 0; i < 61; i++) {
    const response = await start();
    statuses.set(response.status, response);
  }
  // The others were looked at, and are not valid.
  expect([...statuses.keys()].toSorted()).toEqual([422, 429]);
  expect(Number(statuses.get(429)!.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await statuses.get(429)!.json()).toMatchObject({ code: 'RL_RATE_LIMITED' });
  // Reading goes on.
  expect((await fetch(`${url}/api/v1/info`)).status).toBe(200);
});
