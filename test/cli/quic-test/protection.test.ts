import { expect, test } from 'vitest';
import { Protection } from '../../../src/main/cli/quic-test/protection.ts';
import type { LoadPlan } from '../../../src/main/probe/load.ts';
import { startLoopback } from '../../probe/loopback.ts';

const PLAN: LoadPlan = {
  connections: 1,
  streams: 1,
  ratePerS: 100,
  packetBytes: 1200,
  durationS: null,
  warmUpS: 0,
  coolDownS: 0,
};
const FEC = { scheme: 'rs', k: 20, redundancy: 0.05, adaptive: false } as const;

test('one measurement follows another until it is stopped, and all of them count', async () => {
  await using server = await startLoopback();
  const ending = new AbortController();
  const protection = new Protection(server.options, { fec: FEC, plan: PLAN, turnMs: 600 }, ending.signal);
  const over = protection.run();
  const seen: number[] = [];
  const look = (): number => {
    seen.push(protection.figures()?.sent ?? 0);
    return server.counters.sessions;
  };
  await expect.poll(look, { timeout: 20_000, interval: 20 }).toBeGreaterThan(2);
  ending.abort();
  await over;
  const { sent, lost, recovered, unrecoverable, redundancy } = protection.figures()!;
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  // Two whole ones, of three groups each, but for what this machine was too late for.
  expect(sent).toBeGreaterThanOrEqual(Math.max(1, seen.at(-1)!));
  expect(lost).toBe(recovered + unrecoverable);
  expect(redundancy).toBeGreaterThan(0);
});

test('of one that fails what was measured by then counts', async () => {
  const server = await startLoopback();
  const connect = { ...server.options, idleTimeoutMs: 1000 };
  const protection = new Protection(connect, { fec: FEC, plan: PLAN }, new AbortController().signal);
  const over = protection.run();
  await expect.poll(() => protection.figures()?.sent ?? 0, { timeout: 20_000 }).toBeGreaterThan(0);
  await Promise.all([
    expect(over).rejects.toMatchObject({ code: expect.stringMatching(/^RL_/) }),
    server[Symbol.asyncDispose](),
  ]);
  expect(protection.figures()!.sent).toBeGreaterThan(0);
});
