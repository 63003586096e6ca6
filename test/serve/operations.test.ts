/** Every operation of the contract, as REST and its description have it. */
import { expect, test } from 'vitest';
import { contract } from '../../src/shared/contract/index.ts';
import { openHost, rest } from './open-host.ts';

const operations = Object.entries(contract).flatMap(([group, members]) =>
  Object.entries(members).map(
    ([
      name,
      {
        '~orpc': { route },
      },
    ]) => ({
      name: `${group}.${name}`,
      method: route.method!,
      path: route.path!,
    }),
  ),
);

/** What an operation wants beside its id. */
const WANTED: Record<string, object> = {
  'alertRules.mute': { forS: 60 },
  'experiments.pin': { pinned: true },
  'experiments.export': { format: 'csv' },
  'routes.stats': { fromMs: 1, toMs: 2 },
  'routes.series': { fromMs: 1, toMs: 2 },
  'routes.transport': { fromMs: 1, toMs: 2 },
  'routes.events': { fromMs: 1, toMs: 2 },
  'routes.watchSeries': { windowMs: 1000, bucketMs: 1000 },
};

test('takes the id of a path as the text it is, and says that there is none', async () => {
  const host = await openHost();
  const named = operations.filter(({ path }) => path.includes('{id}'));
  expect(named.length).toBeGreaterThan(30);
  for (const { name, method, path } of named) {
    const wanted = WANTED[name] ?? {};
    const query = method === 'GET' ? `?${new URLSearchParams(wanted as Record<string, string>)}` : '';
    const body = method === 'GET' ? undefined : wanted;
    const { status, body: answer } = await rest(host, method, path.replace('{id}', '4711') + query, body);
    expect({ name, status, code: (answer as { code: string }).code }).toEqual({
      name,
      status: 404,
      code: 'RL_NOT_FOUND',
    });
  }
});

test('is in the description that people read, with its words and all that it takes and answers', async () => {
  const host = await openHost();
  const page = await (await fetch(`${host.url}/docs`)).text();
  const document = (await (await fetch(`${host.url}/openapi.json`)).json()) as {
    paths: Record<
      string,
      Record<string, { summary?: string; tags?: string[]; responses: Record<string, object> }>
    >;
  };
  for (const { name, method, path } of operations) {
    const { summary, tags, responses } = document.paths[path]![method.toLowerCase()]!;
    expect(page, name).toContain(
      `<b class="${method.toLowerCase()}">${method}</b> <code>/api/v1${path}</code> <span>${summary}</span>`,
    );
    expect(tags?.length, name).toBe(1);
    const [status] = Object.keys(responses);
    expect(['200', '201'], name).toContain(status);
    expect(JSON.stringify(responses[status!]), name).toMatch(/"schema":\{"/);
  }
  for (const path of ['/metrics', '/health', '/health/{service}', '/ready', '/exports/{name}'])
    expect(page, path).toContain(`<code>${path}</code>`);
});
