import { expect, test } from 'vitest';
import { CapacityOfEmulator } from '../../src/main/lab/emulator-capacity.ts';
import { findProfile } from '../../src/main/path/profiles.ts';
import { isBeyond } from '../../src/shared/link-rates.ts';
import { openLab } from './open-lab.ts';

/** Threads that find `answers`, one after the other; an Error is thrown. */
function capacityOf(...answers: (number | Error)[]) {
  const counts = { closed: 0, nowMs: 0 };
  const thread = () => ({
    request: async () => {
      const answer = answers.shift()!;
      if (answer instanceof Error) throw answer;
      return answer as never;
    },
    close: async () => void counts.closed++,
  });
  const capacity = new CapacityOfEmulator(thread, () => counts.nowMs);
  return { capacity, counts };
}

test('is measured by a thread that ends with it, and again only after a failure or a while', async () => {
  const { capacity, counts } = capacityOf(new Error('no'), 6e8, 9e8, 1);
  expect(capacity.bestBps).toBeNull();
  await expect(capacity.limitBps()).rejects.toThrow('no');
  expect(await Promise.all([capacity.limitBps(), capacity.limitBps()])).toEqual([6e8, 6e8]);
  expect(counts.closed).toBe(2);
  counts.nowMs = 599_999;
  expect(await capacity.limitBps()).toBe(6e8);
  counts.nowMs = 600_000;
  expect(await capacity.limitBps()).toBe(9e8);
  counts.nowMs *= 2;
  // On a machine that is busy it looks lower than it is.
  expect(await capacity.limitBps()).toBe(9e8);
  expect(counts.closed).toBe(4);
});

test('is measured again before a path is refused for what was found a while ago', async () => {
  const { capacity, counts } = capacityOf(2e8, 9e8);
  await expect(capacity.require(findProfile('ethernet', 'profile'))).rejects.toMatchObject({ field: 'rate' });
  counts.nowMs = 600_000;
  await capacity.require(findProfile('ethernet', 'profile'));
  expect(capacity.bestBps).toBe(9e8);
});

test('is not measured for a path that every machine carries', async () => {
  const { capacity } = capacityOf();
  await capacity.require(findProfile('lan', 'profile'));
  expect(capacity.bestBps).toBeNull();
});

test('refuses the paths that are marked as beyond it, and no others', async () => {
  const { capacity } = capacityOf(6e8);
  for (const name of ['5g', 'ethernet', 'ethernet-10g', 'datacenter']) {
    const emulation = findProfile(name, 'profile');
    const refused = await capacity.require(emulation).then(
      () => null,
      (error: { field: string }) => error.field,
    );
    expect(refused, name).toBe(isBeyond(6e8, emulation) ? 'rate' : null);
  }
});

test('of a real lab is a rate, and the same when asked again', async () => {
  const lab = await openLab();
  const first = await lab.client.profiles.capacity();
  expect(first.limitBps).toBeGreaterThan(1e6);
  expect(await lab.client.profiles.capacity()).toEqual(first);
});

test('of a real lab refuses a profile with the limit that it told', async () => {
  const lab = await openLab();
  const emulation = findProfile('datacenter', 'profile');
  const { id } = await lab.client.probes.start({ target: { kind: 'emulated', emulation }, mode: 'ping' });
  let error: unknown;
  for await (const { run } of await lab.client.probes.watch({ id })) error = run.error;
  const { limitBps } = await lab.client.profiles.capacity();
  expect(error).toMatchObject({
    code: 'RL_INPUT_INVALID',
    field: 'rate',
    message: expect.stringContaining(
      `80000 Mbit/s is more than a relay on this machine carries: ${(limitBps! / 1e6).toFixed(0)} Mbit/s`,
    ),
  });
});
