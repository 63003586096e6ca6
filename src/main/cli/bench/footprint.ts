/** What connections of `bench quic` cost that do little: memory of idle ones, processor time of probes. */
import { setTimeout as sleep } from 'node:timers/promises';
import { LabError } from '../../../shared/errors.ts';
import { type Bench, type Quic, REACH, SETTLE_MS } from './context.ts';
import { figure, type Row } from './rows.ts';

const PING_RATE = 10;

/** What an idle connection keeps of a server's memory. */
export async function idleConnections({ endpoints, identity, size, step }: Bench): Promise<Row> {
  const { idle, idleBefore } = size;
  const far: Quic = await endpoints.start('quic', ['--expose-gc']);
  const near: Quic = await endpoints.start('quic');
  const { port } = await far.listen({ ...identity, discover: true });
  const target = { port, ca: identity.ca };
  // What the first ones make the process grow by, the later ones find there.
  await near.ask('idle', { ...target, count: idleBefore });
  await sleep(SETTLE_MS);
  const before = await far.usage();
  await near.ask('idle', { ...target, count: idle - idleBefore });
  await sleep(SETTLE_MS);
  const after = await far.usage();
  const open = await far.ask('sessions', null);
  if (open !== idle) throw new LabError('RL_INTERNAL', `${open} of ${idle} idle connections are open`);
  step('idle connections');
  endpoints.stop();
  const each = (of: 'rssBytes' | 'heapBytes' | 'bufferBytes'): number =>
    (after[of] - before[of]) / (idle - idleBefore) / 1024;
  return {
    ...figure(`memory of one of ${idle} idle connections`, each('rssBytes'), 'KB', REACH.idleKb),
    note: `heap ${each('heapBytes').toFixed(1)}, buffers ${each('bufferBytes').toFixed(1)}`,
  };
}

/** What probing many routes costs: all that the process of the probe worker does, and of it the worker's thread. */
export async function probes({ endpoints, identity, size, step }: Bench): Promise<Row> {
  const { routes, settleMs, probeMs } = size;
  const far: Quic = await endpoints.start('quic');
  const near: Quic = await endpoints.start('quic');
  const { port } = await far.listen({ ...identity, discover: true });
  await near.ask('monitors', { port, ca: identity.ca, routes, pingRate: PING_RATE });
  await sleep(settleMs);
  const look = async () => ({
    atUs: performance.now() * 1000,
    ...(await near.ask('probed', null)),
    processUs: (await near.usage()).cpuUs,
  });
  const before = await look();
  await sleep(probeMs);
  const after = await look();
  step('probes');
  const elapsedUs = after.atUs - before.atUs;
  const percent = (of: 'threadUs' | 'processUs'): number => (100 * (after[of] - before[of])) / elapsedUs;
  const rate = ((after.echoed - before.echoed) * 1e6) / elapsedUs;
  return {
    ...figure(`${routes} routes × ${PING_RATE}/s`, percent('processUs'), '%', REACH.probesPercent),
    note: `of one core, its thread ${percent('threadUs').toFixed(1)} %, ${rate.toFixed(0)} echoes/s`,
  };
}
