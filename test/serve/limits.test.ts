/** What a careless or hostile client of the HTTP server meets. */
import { once } from 'node:events';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { Auth } from '../../src/main/serve/auth.ts';
import { startHeadless } from '../../src/main/serve/index.ts';
import { kindOf, Limits, networkOf, RATE_LIMITS } from '../../src/main/serve/limits.ts';
import { contract } from '../../src/shared/contract/index.ts';
import { silentLog, temporaryDir } from '../lab/open-lab.ts';
import { openCarriers } from './open-carriers.ts';
import { openHost, overWebSocket, rest } from './open-host.ts';

async function host(): Promise<string> {
  const headless = await startHeadless({
    dataDir: temporaryDir(),
    host: '127.0.0.1',
    port: 0,
    log: silentLog,
  });
  onTestFinished(() => headless.close());
  return headless.url;
}

test.each(['/%zz', '/%', '/api/v1/%E0%A4%A'])('the path %s is an error of the catalogue', async (path) => {
  const url = await host();
  const response = await fetch(`${url}${path}`);
  expect(response.status).toBe(422);
  expect(await response.json()).toMatchObject({ code: 'RL_INPUT_INVALID', field: 'path' });
});

test('a WebSocket that floods the lab with requests is shut', async () => {
  const url = await host();
  const socket = new WebSocket(`${url.replace('http', 'ws')}/api/rpc`);
  await once(socket, 'open');
  const closed = once(socket, 'close') as Promise<[number]>;
  // However slowly it is read: as long as it is not shut, there is more.
  for (let id = 0; socket.readyState === WebSocket.OPEN; await new Promise(setImmediate))
    for (const end = id + 600; id < end; id++)
      socket.send(JSON.stringify({ i: String(id), p: { u: '/lab/info' } }));
  const [code] = await closed;
  expect(code).toBe(1008);
});

describe('limits', () => {
  test('begin anew when their time is over, and say how long that takes', () => {
    let nowMs = 0;
    const limits = new Limits(() => nowMs);
    const waits: number[] = [];
    const start = () => limits.count('192.0.2.1', 'starts', (seconds) => waits.push(seconds));
    for (let i = 0; i < RATE_LIMITS.starts; i++) start();
    nowMs = 6500;
    expect(start).toThrow(expect.objectContaining({ code: 'RL_RATE_LIMITED' }));
    expect(waits).toEqual([4]);
    limits.count('192.0.2.1', 'writes');
    limits.count('192.0.2.2', 'starts');
    nowMs = 10_000;
    expect(start).not.toThrow();
  });

  test('remember some callers only, and those best whose time ends last', () => {
    const limits = new Limits(() => 0);
    const start = (address: string) => limits.count(address, 'starts');
    for (let i = 0; i < RATE_LIMITS.starts; i++) start('first');
    for (let i = 0; i < 9999; i++) start(`other ${i}`);
    expect(() => start('first')).toThrow('More than 60 starts');
    start('one more');
    expect(() => start('first')).not.toThrow();
  });

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::6', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
  ])('take %s for %s', (address, network) => expect(networkOf(address)).toBe(network));

  test('are those of the operation: what begins work is known by name, and is in the contract', () => {
    const kinds = Object.entries(contract).flatMap(([group, operations]) =>
      Object.entries(operations).map(
        ([
          name,
          {
            '~orpc': { route },
          },
        ]) => ({
          name: `${group}.${name}`,
          method: route.method,
          kind: kindOf([group, name], route.method, {}),
        }),
      ),
    );
    expect(kinds.filter(({ kind }) => kind === 'starts').map(({ name }) => name)).toHaveLength(12);
    for (const { name, method, kind } of kinds) {
      expect(kind === 'reads', name).toBe(method === 'GET');
    }
    expect(kindOf(['experiments', 'importFile'], 'POST', { continues: 1 })).toBe('reads');
  });
});

describe('one caller', () => {
  test('has the same limits over WebSocket and HTTP, for each kind of operation', async () => {
    const host = await openHost();
    const { client } = await overWebSocket(host);
    const start = () => client.probes.start({} as never).catch((error: { code: string }) => error.code);
    const answers = await Promise.all(Array.from({ length: RATE_LIMITS.starts + 5 }, start));
    expect(answers.filter((code) => code === 'RL_INPUT_INVALID')).toHaveLength(RATE_LIMITS.starts);
    expect(answers.filter((code) => code === 'RL_RATE_LIMITED')).toHaveLength(5);
    for (const path of ['/matrix', '/matrix/1/resume', '/probes', '/experiments/run']) {
      expect(await rest(host, 'POST', path, {}), path).toMatchObject({
        status: 429,
        body: { code: 'RL_RATE_LIMITED' },
      });
    }
    expect(await client.routes.list()).toEqual([]);
    expect((await rest(host, 'POST', '/routes/none/start')).status).toBe(404);
  });

  test('is limited before it is known who it is, and what it asks for is looked at', async () => {
    const limits = new Limits(() => 0);
    const auth = new Auth(() => ({ secret: 'correct horse battery staple, twice', issuer: 'routelab' }));
    const { url } = await openCarriers({ auth, limits });
    const ask = async (headers: Record<string, string> = {}) => fetch(`${url}/api/v1/routes`, { headers });
    expect((await ask()).status).toBe(401);
    expect((await ask({ origin: 'http://evil.example' })).status).toBe(403);
    for (let i = 2; i < RATE_LIMITS.requests; i++) limits.count('127.0.0.1', 'requests');
    const refused = await ask();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '10']);
    expect((await ask({ origin: 'http://evil.example' })).status).toBe(429);
    const socket = new WebSocket(`${url.replace('http', 'ws')}/api/rpc`);
    const [, response] = await once(socket, 'unexpected-response');
    expect(response.statusCode).toBe(429);
  });

  test('may have so many streams open, and another when one ended', async () => {
    const host = await openHost();
    const streams: { response: Response; abort: AbortController }[] = [];
    const open = async () => {
      const abort = new AbortController();
      const response = await fetch(`${host.url}/api/v1/routes/watch`, { signal: abort.signal });
      // Held: a response that nobody holds is collected, and its connection closed.
      streams.push({ response, abort });
      return response.status;
    };
    expect(new Set(await Promise.all(Array.from({ length: 64 }, open)))).toEqual(new Set([200]));
    const refused = await rest(host, 'GET', '/routes/watch');
    expect(refused).toMatchObject({ status: 429, body: { message: '64 streams are open already.' } });
    streams[0]!.abort.abort();
    await expect.poll(open).toBe(200);
    expect(streams.every(({ response }) => !response.bodyUsed)).toBe(true);

    const { client } = await overWebSocket(host);
    const cancel = new AbortController();
    const first = await client.routes.watch(undefined, { signal: cancel.signal });
    await first.next();
    for (let i = 1; i < 256; i++) await (await client.routes.watch()).next();
    await expect(client.routes.watch()).rejects.toMatchObject({ code: 'RL_RATE_LIMITED' });
    cancel.abort();
    await expect.poll(() => client.routes.watch().then(() => 'open', String)).toBe('open');
  });
});
