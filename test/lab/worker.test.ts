import { afterEach, expect, test } from 'vitest';
import { LabWorker } from '../../src/main/lab/worker.ts';
import { LabError } from '../../src/shared/errors.ts';
import type { FragileMethods } from './fixtures/fragile.ts';

const open: LabWorker<FragileMethods, { text: string }>[] = [];
afterEach(() => Promise.all(open.splice(0).map((worker) => worker.close(0))));

/** A worker with everything it reports written down, and a promise for its next restart. */
function fragile(url = new URL('./fixtures/fragile.ts', import.meta.url)) {
  const logged: object[] = [];
  const crashes: LabError[] = [];
  const restart = Promise.withResolvers<void>();
  const event = Promise.withResolvers<{ text: string }>();
  const log = { info: () => {}, warn: () => {}, error: (fields: object) => void logged.push(fields) };
  const worker = new LabWorker<FragileMethods, { text: string }>({
    name: 'fragile',
    url,
    log,
    onEvent: event.resolve,
    onCrash: (error) => crashes.push(error),
    onRestart: () => restart.resolve(),
  });
  open.push(worker);
  return { worker, logged, crashes, restarted: restart.promise, event: event.promise };
}

test('a request is answered by the thread, and events arrive beside it', async () => {
  const { worker, event } = fragile();
  expect(await worker.request('thread', null)).toBeGreaterThan(0);
  await worker.request('say', 'hello');
  expect(await event).toEqual({ text: 'hello' });
});

test('a refusal keeps its code and field', async () => {
  const { worker } = fragile();
  await expect(worker.request('refuse', null)).rejects.toMatchObject({
    name: 'LabError',
    code: 'RL_CONFLICT',
    field: 'name',
  });
});

test.each([
  { how: 'an uncaught exception', crash: 'throwLater', param: 'pulled the plug', reason: 'pulled the plug' },
  { how: 'an exit', crash: 'exit', param: 7, reason: 'it ended with exit code 7' },
] as const)('after $how requests under way fail and a new thread takes over', async (example) => {
  const { worker, logged, crashes, restarted } = fragile();
  const first = await worker.request('thread', null);
  const hanging = worker.request('hang', null);
  const crashing =
    example.crash === 'exit'
      ? worker.request('exit', example.param)
      : worker.request('throwLater', example.param);
  crashing.catch(() => {});
  await expect(hanging).rejects.toMatchObject({
    code: 'RL_INTERNAL',
    message: `The fragile worker stopped: ${example.reason}.`,
  });
  expect(crashes).toHaveLength(1);
  expect(worker.failure).toBe(crashes[0]);
  expect(logged).toEqual([{ worker: 'fragile', reason: example.reason, restartInMs: 250 }]);
  await expect(worker.request('thread', null)).rejects.toBe(crashes[0]);
  await restarted;
  expect(worker.failure).toBeNull();
  expect(await worker.request('thread', null)).not.toBe(first);
});

test('the pause before a restart doubles with each crash', async () => {
  const { worker, logged, restarted } = fragile();
  await expect(worker.request('exit', 1)).rejects.toBeInstanceOf(LabError);
  await restarted;
  await expect(worker.request('exit', 1)).rejects.toBeInstanceOf(LabError);
  expect(logged).toMatchObject([{ restartInMs: 250 }, { restartInMs: 500 }]);
});

test('an entry that cannot be loaded is a crash with its reason, not a hang', async () => {
  const { worker, crashes } = fragile(new URL('./fixtures/absent.ts', import.meta.url));
  await expect(worker.request('thread', null)).rejects.toBeInstanceOf(LabError);
  expect(crashes[0]?.message).toContain('absent.ts');
});

test('closing waits for a request under way', async () => {
  const { worker } = fragile();
  await worker.request('thread', null);
  const waiting = worker.request('wait', null);
  const said = worker.request('say', 'done');
  await worker.close(5000);
  expect(await waiting).toBe('done');
  expect(await said).toBeNull();
});

test('closing ends a thread that does not answer, and nothing is restarted', async () => {
  const { worker, crashes } = fragile();
  await worker.request('thread', null);
  const hanging = worker.request('hang', null);
  const refused = expect(hanging).rejects.toMatchObject({ code: 'RL_CANCELLED' });
  await worker.close(1);
  await refused;
  expect(crashes).toEqual([]);
  await expect(worker.request('thread', null)).rejects.toMatchObject({ code: 'RL_CANCELLED' });
});
