/** Deliveries to real HTTP servers on loopback: good, slow, down and garbage ones. */
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { type AddressInfo, createServer as createTcpServer, type Server } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { Courier } from '../../../src/main/telemetry/alerts/courier.ts';
import { isPrivateUrl } from '../../../src/main/telemetry/alerts/private-address.ts';

type Progress = { id: number; state: string; attempts: number; status: number | null; error: string | null };

const closing: (() => void)[] = [];
afterEach(() => {
  for (const close of closing.splice(0)) close();
});

async function listening(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  closing.push(() => server.close());
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
}

async function receiver(answer: RequestListener) {
  const server = createServer(answer);
  closing.push(() => server.closeAllConnections());
  return listening(server);
}

const read = async (request: IncomingMessage): Promise<string> =>
  Buffer.concat(await request.toArray()).toString();

type To = { id: number; url: string; secret: string | null; timeoutS: number };

/** A courier whose every message can be awaited; it knows the addresses that messages were sent to. */
function courier(pausesMs: readonly number[] = []) {
  const addresses = new Map<number, To>();
  const ends = new Map<number, PromiseWithResolvers<Progress>>();
  const end = (id: number): PromiseWithResolvers<Progress> => {
    const known = ends.get(id) ?? Promise.withResolvers<Progress>();
    ends.set(id, known);
    return known;
  };
  const made = new Courier({
    pausesMs,
    addressee: (id) => addresses.get(id) ?? null,
    onProgress: (id, progress) => {
      if (progress.state !== 'waiting') end(id).resolve({ id, ...progress });
    },
  });
  closing.push(() => made.close());
  return {
    courier: made,
    addresses,
    send: (to: To, id: number, body: string) => {
      addresses.set(to.id, to);
      made.send(to.id, id, body);
    },
    ended: (id: number) => end(id).promise,
  };
}

const to = (url: string, more: Partial<To> = {}): To => ({
  id: 1,
  url,
  secret: null,
  timeoutS: 10,
  ...more,
});

test('a message arrives whole, named and signed', async () => {
  const got = Promise.withResolvers<{ request: IncomingMessage; body: string }>();
  const url = await receiver(async (request, response) => {
    got.resolve({ request, body: await read(request) });
    response.writeHead(204).end();
  });
  const { send, ended } = courier();
  send(to(url, { secret: 'a long secret' }), 7, '{"event":"test"}');
  const { request, body } = await got.promise;
  expect(request.method).toBe('POST');
  expect(request.headers['content-type']).toBe('application/json');
  expect(request.headers['x-routelab-delivery']).toBe('7');
  const [, atS, mac] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(String(request.headers['x-routelab-signature']))!;
  expect(mac).toBe(createHmac('sha256', 'a long secret').update(`${atS}.${body}`).digest('hex'));
  expect(await ended(7)).toEqual({ id: 7, state: 'delivered', attempts: 1, status: 204, error: null });
});

test('a receiver that fails for a while is tried again, so many times and no more', async () => {
  let asked = 0;
  const url = await receiver((_, response) => response.writeHead(++asked < 3 ? 503 : 200).end());
  const { send, ended } = courier([1, 1]);
  send(to(url), 1, '{}');
  expect(await ended(1)).toMatchObject({ state: 'delivered', attempts: 3 });
  asked = -10;
  send(to(url), 2, '{}');
  expect(await ended(2)).toMatchObject({ state: 'failed', attempts: 3, status: 503 });
});

test('a redirect is not followed, and a refusal is not repeated', async () => {
  let followed = false;
  const url = await receiver((request, response) => {
    if (request.url === '/elsewhere') followed = true;
    response.writeHead(302, { location: '/elsewhere' }).end();
  });
  const { send, ended } = courier([1]);
  send(to(url), 1, '{}');
  expect(await ended(1)).toMatchObject({ state: 'failed', attempts: 1, status: 302 });
  expect(followed).toBe(false);
  const refusing = await receiver((_, response) => response.writeHead(400).end());
  send(to(refusing, { id: 2 }), 2, '{}');
  expect(await ended(2)).toMatchObject({ state: 'failed', attempts: 1, error: 'it answered 400' });
});

test('one receiver that is silent, garbage or gone holds up no other', async () => {
  const garbage = await listening(
    createTcpServer((socket) => socket.on('error', () => {}).end('\0\xffnot HTTP')),
  );
  const gone = createTcpServer();
  const goneUrl = await listening(gone);
  gone.close();
  const silent = await receiver(() => {});
  const good = await receiver((_, response) => response.end());
  const { send, ended } = courier();
  send(to(silent, { id: 1, timeoutS: 1 }), 1, '{}');
  send(to(garbage, { id: 2 }), 2, '{}');
  send(to(goneUrl, { id: 3 }), 3, '{}');
  send(to(good, { id: 4 }), 4, '{}');
  expect(await Promise.race([ended(1), ended(4)])).toMatchObject({ id: 4, state: 'delivered' });
  expect(await ended(2)).toMatchObject({ state: 'failed', status: null, error: expect.stringMatching(/.+/) });
  expect(await ended(3)).toMatchObject({ state: 'failed', error: expect.stringContaining('ECONNREFUSED') });
  expect(await ended(1)).toMatchObject({ state: 'failed', error: 'no answer within 1 s' });
});

test('an endless answer is not read', async () => {
  const over = Promise.withResolvers<void>();
  const url = await receiver((_, response) => {
    response.writeHead(200);
    const write = (): void => {
      while (!response.destroyed && response.write('x'.repeat(65_536)));
    };
    response
      .on('drain', write)
      .on('error', () => {})
      .on('close', () => over.resolve());
    write();
  });
  const { send, ended } = courier();
  send(to(url), 1, '{}');
  expect(await ended(1)).toMatchObject({ state: 'delivered' });
  await over.promise;
});

test('no more messages wait for one webhook than may', async () => {
  const silent = await receiver(() => {});
  const { send, ended } = courier();
  for (let id = 1; id <= 101; id++) send(to(silent), id, '{}');
  expect(await ended(101)).toMatchObject({ state: 'failed', attempts: 0 });
});

test('what waits goes to where its webhook is by then, and nowhere once it is gone', async () => {
  const asked: string[] = [];
  const old = await receiver((_, response) => {
    asked.push('old');
    response.writeHead(503).end();
    addresses.set(1, to(now));
  });
  const now = await receiver((_, response) => {
    asked.push('now');
    response.writeHead(503).end();
    addresses.delete(1);
  });
  const { send, ended, addresses } = courier([1, 1, 1]);
  send(to(old), 1, '{}');
  expect(await ended(1)).toEqual({
    id: 1,
    state: 'interrupted',
    attempts: 2,
    status: 503,
    error: 'it answered 503',
  });
  expect(asked).toEqual(['old', 'now']);
});

test('what waits for a webhook that is dropped is interrupted, and what is sent to it later is not', async () => {
  const got = Promise.withResolvers<void>();
  let asked = 0;
  const url = await receiver((_, response) => {
    if (++asked > 1) response.end();
    else got.resolve();
  });
  const { courier: made, send, ended } = courier([60_000]);
  for (const id of [1, 2, 3]) send(to(url), id, '{}');
  await got.promise;
  made.drop(1);
  send(to(url), 4, '{}');
  const interrupted = { state: 'interrupted', status: null, error: null };
  expect(await ended(1)).toEqual({ id: 1, attempts: 1, ...interrupted });
  expect(await ended(2)).toEqual({ id: 2, attempts: 0, ...interrupted });
  expect(await ended(3)).toEqual({ id: 3, attempts: 0, ...interrupted });
  expect(await ended(4)).toMatchObject({ state: 'delivered' });
  expect(asked).toBe(2);
});

test('addresses of this machine and of private networks are told', () => {
  for (const host of [
    'localhost',
    '127.8.8.8',
    '10.0.0.1',
    '172.31.0.1',
    '192.168.1.1',
    '[::1]',
    '[fd00::1]',
    'nas',
    'a.local',
  ])
    expect(isPrivateUrl(`http://${host}/x`), host).toBe(true);
  for (const host of ['example.com', '172.32.0.1', '8.8.8.8', '[2001:db8::1]'])
    expect(isPrivateUrl(`https://${host}:8443/x`), host).toBe(false);
});
