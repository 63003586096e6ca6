import { ORPCError } from '@orpc/client';
import { describe, expect, test } from 'vitest';
import type { RouteStatus } from '../../src/shared/domain.ts';
import { until } from '../lab/open-lab.ts';
import { type Client, openHost, overMessagePort, overWebSocket, rest } from './open-host.ts';

/** What a call fails with, as a catalogue body and a status. */
const failure = async (call: Promise<unknown>): Promise<{ status: number; body: unknown }> => {
  const error = await call.then(
    () => expect.unreachable('the call was answered'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ORPCError);
  const { status, data, code, message } = error as ORPCError<string, { code: string; message: string }>;
  expect({ code, message }).toEqual({ code: data.code, message: data.message });
  return { status, body: data };
};

describe('REST, WebSocket and MessagePort', () => {
  test('give identical answers to every question', async () => {
    const host = await openHost();
    const { client: socket } = await overWebSocket(host);
    const port = overMessagePort(host);
    await socket.demo.start();
    const statuses = await until(
      host.lab,
      (all) => all.length === 6 && all.every(({ ping }) => (ping?.sent ?? 0) > 5),
    );
    // What follows is compared at rest.
    for (const { routeId: id } of statuses) await port.routes.stop({ id });
    const { fromMs, toMs } = statuses[0]!.ping!;
    const window = { id: 'demo-lan', fromMs, toMs };
    const query = `fromMs=${fromMs}&toMs=${toMs}`;
    const [experiment] = await socket.experiments.list();

    const questions: [string, (client: Client) => Promise<unknown>][] = [
      ['/info', (client) => client.lab.info()],
      ['/routes', (client) => client.routes.list()],
      ['/routes/status', (client) => client.routes.status()],
      [`/routes/demo-lan/stats?${query}`, (client) => client.routes.stats(window)],
      [
        `/routes/demo-lan/series?${query}&buckets=60`,
        (client) => client.routes.series({ ...window, buckets: 60 }),
      ],
      ['/profiles', (client) => client.profiles.list()],
      ['/experiments', (client) => client.experiments.list()],
      [`/experiments/${experiment!.id}/runs`, (client) => client.experiments.runs({ id: experiment!.id })],
    ];
    for (const [path, ask] of questions) {
      const answer = await rest(host, 'GET', path);
      expect(answer.status, path).toBe(200);
      expect(await ask(socket), path).toEqual(answer.body);
      expect(await ask(port), path).toEqual(answer.body);
    }
    expect(await socket.routes.stats(window)).toEqual({ ...statuses[0]!.ping, source: 'raw' });
  });

  test('refuse the same input with the same words, naming the field', async () => {
    const host = await openHost();
    const { client: socket } = await overWebSocket(host);
    const port = overMessagePort(host);
    const route = { name: 'R', host: '127.0.0.1', port: 1 };
    type Input = Parameters<Client['routes']['create']>[0];
    const cases: { input: unknown; field: string }[] = [
      { input: { ...route, name: ' ' }, field: 'name' },
      { input: { ...route, port: 0 }, field: 'port' },
      { input: { ...route, port: '4433' }, field: 'port' },
      { input: { ...route, host: 'no host' }, field: 'host' },
      { input: { ...route, pingRate: 1000 }, field: 'pingRate' },
      { input: { ...route, controller: 'bbr9' }, field: 'controller' },
      { input: { ...route, tags: ['a', ''] }, field: 'tags.1' },
      { input: { ...route, extra: 1 }, field: 'extra' },
      { input: { ...route, emulation: { profile: 'x', flap: null } }, field: 'emulation.up' },
      { input: null, field: 'body' },
      { input: [route], field: 'body' },
    ];
    for (const { input, field } of cases) {
      const answer = await rest(host, 'POST', '/routes', input);
      expect(answer, field).toMatchObject({ status: 422, body: { code: 'RL_INPUT_INVALID', field } });
      expect(Object.keys(answer.body as object).sort()).toEqual(['code', 'field', 'hint', 'message']);
      expect(await failure(socket.routes.create(input as Input))).toEqual(answer);
      expect(await failure(port.routes.create(input as Input))).toEqual(answer);
    }
    expect(await socket.routes.list()).toEqual([]);
  });

  test('refuse what does not exist, or is not a sensible question, the same way', async () => {
    const host = await openHost();
    const { client: socket } = await overWebSocket(host);
    const port = overMessagePort(host);
    await socket.routes.create({ name: 'R', host: '127.0.0.1', port: 9 });
    const cases: [string, string, (client: Client) => Promise<unknown>, object][] = [
      ['POST', '/routes/none/start', (c) => c.routes.start({ id: 'none' }), { status: 404 }],
      ['DELETE', '/routes/none', (c) => c.routes.remove({ id: 'none' }), { status: 404 }],
      ['GET', '/experiments/99/runs', (c) => c.experiments.runs({ id: 99 }), { status: 404 }],
      [
        'GET',
        '/routes/r/stats?fromMs=5&toMs=5',
        (c) => c.routes.stats({ id: 'r', fromMs: 5, toMs: 5 }),
        { status: 422, body: { field: 'toMs' } },
      ],
      [
        'GET',
        '/routes/r/series?fromMs=1&toMs=9&buckets=0',
        (c) => c.routes.series({ id: 'r', fromMs: 1, toMs: 9, buckets: 0 }),
        { status: 422, body: { field: 'buckets' } },
      ],
      [
        'GET',
        '/routes/r/series/watch?windowMs=1000&bucketMs=1',
        async (c) => (await c.routes.watchSeries({ id: 'r', windowMs: 1000, bucketMs: 1 })).next(),
        { status: 422, body: { field: 'bucketMs' } },
      ],
    ];
    for (const [method, path, ask, expected] of cases) {
      const answer = await rest(host, method, path);
      expect(answer, path).toMatchObject(expected);
      expect(await failure(ask(socket)), path).toEqual(answer);
      expect(await failure(ask(port)), path).toEqual(answer);
    }
  });

  test('push the same statuses', async () => {
    const host = await openHost();
    const { client: socket } = await overWebSocket(host);
    const port = overMessagePort(host);
    await socket.routes.create({ name: 'R', host: 'nowhere.invalid', port: 9 });
    const isDown = ([status]: RouteStatus[]) => status?.state === 'down';
    for (const client of [socket, port]) {
      const [status] = await until({ client }, isDown);
      expect(status).toMatchObject({ routeId: 'r', error: { code: 'RL_HOST_UNKNOWN' } });
    }
    const events = await sseUntil(`${host.url}/api/v1/routes/watch`, isDown);
    expect(events.at(-1)).toMatchObject([{ routeId: 'r', error: { code: 'RL_HOST_UNKNOWN' } }]);
  });
});

/** The data of each server-sent event, up to the first that `isEnough`. */
async function sseUntil(url: string, isEnough: (data: RouteStatus[]) => boolean): Promise<RouteStatus[][]> {
  const response = await fetch(url);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const seen: RouteStatus[][] = [];
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const data = /^data: (.*)$/m.exec(text.slice(0, end))?.[1];
      text = text.slice(end + 2);
      if (data === undefined) continue;
      seen.push(JSON.parse(data));
      if (isEnough(seen.at(-1)!)) return seen;
    }
  }
  throw new Error('the stream ended');
}

describe('a patch', () => {
  test('changes the fields it has and no others', async () => {
    const host = await openHost();
    const { body: created } = await rest(host, 'POST', '/routes', {
      name: 'R',
      host: '127.0.0.1',
      port: 9,
      pingRate: 3,
      transferEveryS: null,
      tags: ['kept'],
    });
    const changed = await rest(host, 'PATCH', '/routes/r', { name: 'S' });
    expect(changed).toEqual({ status: 200, body: { ...(created as object), name: 'S' } });
  });
});
