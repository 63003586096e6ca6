/** Worker entry of `FlowPool`: one flow, on a thread of its own so that flows do not share a processor's turns as well as a path. */
import { setTimeout as delay } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { type ErrorBody, toLabError } from '../../shared/errors.ts';
import { type FlowOutcome, type FlowPlan, runFlow } from '../probe/fairness.ts';
import { ALPN } from '../probe/protocol.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';

export interface FlowJob {
  connect: Pick<ConnectOptions, 'host' | 'port' | 'serverName' | 'trust'>;
  plan: FlowPlan;
}

export type FlowMessage =
  | { type: 'ready' }
  | { type: 'point'; atMs: number; bytes: number }
  | { type: 'end'; outcome: FlowOutcome }
  | { type: 'error'; error: ErrorBody };

/** When all begin: milliseconds of `process.hrtime`, the one clock that threads share and nobody sets. */
export interface FlowStart {
  originMs: number;
  startMs: number;
}

/** Full packets of the same size for every flow, as in the simulator. */
const DATAGRAM_BYTES = 1350;

const say = (message: FlowMessage): void => parentPort!.postMessage(message);

async function run({ originMs, startMs }: FlowStart): Promise<void> {
  const { connect, plan } = workerData as FlowJob;
  const nowMs = (): number => Number(process.hrtime.bigint()) / 1e6 - originMs;
  await delay(Math.max(0, startMs - nowMs()));
  try {
    const options = { ...connect, alpn: [ALPN], datagramBytes: DATAGRAM_BYTES, mtuDiscovery: false };
    // All end at once: who starts later, or shakes hands longer, sends for less.
    const left = { ...plan, durationMs: Math.max(1, plan.durationMs - nowMs()) };
    const signal = new AbortController().signal;
    const outcome = await runFlow(options, left, {
      nowMs,
      signal,
      onPoint: (atMs, bytes) => say({ type: 'point', atMs, bytes }),
    });
    say({ type: 'end', outcome });
  } catch (error) {
    say({ type: 'error', error: toLabError(error).toBody() });
  }
}

parentPort!.once('message', (start: FlowStart) => void run(start));
await warmUp();
say({ type: 'ready' });
