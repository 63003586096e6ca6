import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { WorkerMessage } from '../../src/main/workers/protocol.ts';

let worker: Worker;
beforeAll(() => {
  worker = new Worker(new URL('./fixtures/echo.ts', import.meta.url));
});
afterAll(() => worker.terminate());

/** Posts the requests and collects the first `count` messages that come back. */
const messages = (count: number, ...requests: object[]): Promise<WorkerMessage[]> =>
  new Promise((resolve) => {
    const got: WorkerMessage[] = [];
    const collect = (message: WorkerMessage): void => {
      if (got.push(message) < count) return;
      worker.off('message', collect);
      resolve(got);
    };
    worker.on('message', collect);
    for (const request of requests) worker.postMessage(request);
  });

test('a request is answered with its id and result', async () => {
  expect(await messages(1, { id: 7, method: 'echo', params: 'hi' })).toEqual([{ id: 7, result: 'hi' }]);
});

test('a slow request does not hold up the next', async () => {
  const got = await messages(
    2,
    { id: 1, method: 'later', params: '' },
    { id: 2, method: 'echo', params: 'x' },
  );
  expect(got).toHaveLength(2);
  expect(got).toContainEqual({ id: 1, result: 'x' });
  expect(got).toContainEqual({ id: 2, result: 'x' });
});

test('a LabError crosses with its code, field and hint', async () => {
  const [reply] = await messages(1, { id: 3, method: 'refuse', params: { field: 'rate' } });
  expect(reply).toMatchObject({
    id: 3,
    error: { code: 'RL_INPUT_INVALID', field: 'rate', hint: expect.any(String) },
  });
});

test.each(['crash', 'unclonable', 'missing', 'toString'])(
  '%s becomes RL_INTERNAL and the worker lives on',
  async (method) => {
    expect(await messages(1, { id: 4, method, params: null })).toMatchObject([
      { id: 4, error: { code: 'RL_INTERNAL' } },
    ]);
    expect(await messages(1, { id: 5, method: 'echo', params: 'alive' })).toEqual([
      { id: 5, result: 'alive' },
    ]);
  },
);

test('events arrive beside answers', async () => {
  expect(await messages(2, { id: 6, method: 'announce', params: 42 })).toEqual([
    { event: { n: 42 } },
    { id: 6, result: null },
  ]);
});
