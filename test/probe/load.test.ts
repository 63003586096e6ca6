import { expect, test } from 'vitest';
import { Load, type LoadPlan } from '../../src/main/probe/load.ts';
import { AppError } from '../../src/main/probe/protocol.ts';
import { serveSession } from '../../src/main/probe/service.ts';
import type { LinkSettings } from '../../src/shared/link-settings.ts';
import { loadMetrics } from '../../src/shared/metrics.ts';
import { startRelay } from './emulated.ts';
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
const CLEAR: LinkSettings = { rateBps: null, delayMs: 0, jitterMs: 0, lossRatio: 0, bufferBytes: null };

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
  expect((result.goodputBps! * result.durationUs) / (result.bytes! * 8e6)).toBeCloseTo(1, 3);
  expect(result.rttUs).not.toBeNull();
  expect(result.pings).toBeGreaterThan(0);
  expect(result.intervals.length).toBeGreaterThanOrEqual(1);
  expect(loadMetrics(result)).toMatchObject({ errors: { value: 0 }, loss_ratio: { unit: 'ratio' } });
});

test('RTT and loss are those of the path, and goodput is rate × size where the path carries it', async () => {
  await using server = await startLoopback();
  const link = { ...CLEAR, delayMs: 10, lossRatio: 0.1 };
  await using relay = await startRelay(server, link);
  const plan = { ...PLAN, connections: 1, durationS: 2 };
  const load = new Load({ ...server.options, port: relay.port }, plan, never);
  await load.run();
  const { rttUs, lossRatio, intervals, goodputBps, messages, skipped, pings } = load.result();
  expect(rttUs!.min).toBeGreaterThanOrEqual(20e3);
  // 19 % of about 100: never none, and never half.
  expect(lossRatio).toBeGreaterThan(0);
  expect(lossRatio).toBeLessThan(0.5);
  expect(intervals.map(({ fromS }) => fromS)).toEqual([0, 1]);
  expect(intervals.reduce((sum, second) => sum + second.pings, 0)).toBeLessThanOrEqual(pings);
  // What a machine under load skips is no error of the count.
  const wanted = (plan.streams * plan.ratePerS * plan.packetBytes * 8 * messages) / (messages + skipped);
  expect(goodputBps! / wanted).toBeGreaterThan(0.5);
  expect(goodputBps! / wanted).toBeLessThan(1.5);
});

test('streams follow each other, and every message that counts as sent arrives', async () => {
  await using server = await startLoopback();
  const load = new Load(server.options, { ...PLAN, warmUpS: 0, coolDownS: 0, turnMs: 400 }, never);
  await load.run();
  const { messages, errors } = load.result();
  expect(errors).toBe(0);
  expect(server.counters.transfers).toBeGreaterThan(PLAN.connections * PLAN.streams);
  expect(server.counters.bytesUp).toBe(messages * PLAN.packetBytes);
});

test('a stream goes on while the server takes no further one', async () => {
  let taken = 0;
  await using server = await startLoopback(undefined, (session, counters) => {
    serveSession(session, counters);
    const { onStream } = session;
    session.onStream = (stream) => {
      if (++taken <= 1) return onStream?.(stream);
      stream.onData = () => {};
      stream.stopSending(AppError.BUSY);
      stream.reset(AppError.BUSY);
    };
  });
  const plan = { ...PLAN, connections: 1, streams: 1, warmUpS: 0, turnMs: 200 };
  const load = new Load(server.options, plan, never);
  await load.run();
  expect(taken).toBeGreaterThan(1);
  expect(load.result().errors).toBe(0);
  expect(server.counters.bytesUp).toBe(load.result().messages * plan.packetBytes);
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
