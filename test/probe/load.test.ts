import { expect, test } from 'vitest';
import { Load, type LoadPlan } from '../../src/main/probe/load.ts';
import { loadMetrics } from '../../src/shared/metrics.ts';
import { startLoopback } from './loopback.ts';

const PLAN: LoadPlan = {
  connections: 2,
  streams: 3,
  ratePerS: 50,
  packetBytes: 400,
  durationS: 1,
  warmUpS: 0.3,
  coolDownS: 0.2,
};
const never = new AbortController().signal;

test('a load sends what it is asked to, and tells what arrived', async () => {
  await using server = await startLoopback();
  const load = new Load(server.options, { ...PLAN, updateKeys: true, pattern: 'increment' }, never);
  await load.run();
  const result = load.result();
  expect(result).toMatchObject({ connections: 2, errors: 0 });
  expect(result.messages).toBeGreaterThan(0);
  // All messages together arrived, whatever the pace of this machine.
  expect(server.counters.bytesUp).toBe(result.messages * PLAN.packetBytes);
  expect(result.bytes!).toBeGreaterThan(0);
  expect(result.bytes!).toBeLessThanOrEqual(server.counters.bytesUp);
  expect(result.rttUs).not.toBeNull();
  expect(result.pings).toBeGreaterThan(0);
  expect(result.intervals.length).toBeGreaterThanOrEqual(1);
  expect(loadMetrics(result)).toMatchObject({ errors: { value: 0 }, loss_ratio: { unit: 'ratio' } });
});

test('streams that the server refuses are errors, and a load without any stream fails', async () => {
  await using server = await startLoopback(undefined, (session) => {
    session.onStream = (stream) => {
      stream.onData = () => {};
      stream.reset(3);
    };
    session.onDatagram = (payload) => void session.sendDatagram(payload);
  });
  const load = new Load(server.options, PLAN, never);
  await expect(load.run()).rejects.toMatchObject({ code: 'RL_PEER_CLOSED' });
  expect(load.result().errors).toBe(6);
  expect(load.result().bytes).toBe(0);
});

test('one that is stopped tells what was measured by then', async () => {
  await using server = await startLoopback();
  const ending = new AbortController();
  const load = new Load(server.options, { ...PLAN, durationS: null, warmUpS: 0 }, ending.signal);
  const over = load.run();
  await expect.poll(() => load.result().echoes).toBeGreaterThan(3);
  ending.abort();
  await over;
  expect(load.result().rttUs).not.toBeNull();
  expect(load.result().errors).toBe(0);
});

test('where there is no server the load fails', async () => {
  const { options } = await startLoopback().then(async (server) => {
    await server[Symbol.asyncDispose]();
    return server;
  });
  const load = new Load(options, PLAN, never);
  await expect(load.run()).rejects.toMatchObject({ code: 'RL_PORT_CLOSED' });
  expect(loadMetrics(load.result())).toMatchObject({ rtt_p95: { value: null }, goodput_up: { value: null } });
});
