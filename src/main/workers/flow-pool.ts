/** Flows over one emulated bottleneck: server, relay and each flow on threads of their own. */
import type { Worker } from 'node:worker_threads';
import type { Emulation } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { FlowOutcome, FlowPlan } from '../probe/fairness.ts';
import { createAuthority, issueCertificate } from '../quic/tls/authority.ts';
import { ask, type ThreadName, Threads } from './ask.ts';
import type { FlowJob, FlowMessage, FlowStart } from './flow.ts';
import type { EndpointWorkerMethods, RelayWorkerMethods } from './protocol.ts';

const HOST = '127.0.0.1';
/** Between the word and the first handshake. */
const LEAD_MS = 50;

export interface SharedPathFlow extends Omit<FlowPlan, 'durationMs'> {
  /** After the beginning of the run. */
  startMs: number;
}

export interface SharedPathOptions {
  flows: readonly SharedPathFlow[];
  emulation: Emulation;
  seed: number;
  /** Of the run: all flows end with it. */
  durationMs: number;
  signal: AbortSignal;
  /** Cancelled once the flows have begun, it resolves with what they have told by then, instead of rejecting with RL_CANCELLED. */
  keepsCut?: boolean;
  /** Where the workers' entries lie, for hosts that bundle them. */
  workerUrl?: (name: ThreadName) => URL;
  /** Payload that has arrived of each flow. */
  onProgress?: (elapsedMs: number, bytes: readonly number[]) => void;
}

/** One outcome for each flow, in order, times from the beginning of the run. Rejects with the LabError of the first that failed. */
export async function runSharedPath(options: SharedPathOptions): Promise<FlowOutcome[]> {
  const { flows, emulation, seed, durationMs, signal, workerUrl, onProgress } = options;
  const threads = new Threads(workerUrl);
  const cancelled = Promise.withResolvers<never>();
  cancelled.promise.catch(() => {});
  const cancel = (): void => cancelled.reject(new LabError('RL_CANCELLED', 'The flows were cancelled.'));
  signal.addEventListener('abort', cancel);
  if (signal.aborted) cancel();
  try {
    const authority = await createAuthority(Date.now());
    const identity = await issueCertificate(authority, { names: [HOST], days: 1, nowMs: Date.now() });
    const server = await ask<EndpointWorkerMethods, 'listen'>(threads.start('endpoint'), 'listen', {
      host: HOST,
      port: 0,
      certificate: identity.certPem,
      privateKey: identity.keyPem,
    });
    const path = await ask<RelayWorkerMethods, 'open'>(threads.start('relay'), 'open', {
      id: 'shared',
      to: { host: server.host, port: server.port },
      emulation,
      seed,
    });
    const trust = { ca: [authority.certPem], system: false, insecure: false };
    const connect = { host: path.host, port: path.port, serverName: HOST, trust };
    const bytes = flows.map(() => 0);
    const running = flows.map(({ startMs, ...plan }, i) => {
      const thread = threads.start('flow', {
        connect,
        plan: { ...plan, durationMs },
      } satisfies FlowJob);
      return follow(thread, startMs, (atMs, of) => {
        bytes[i] = of;
        onProgress?.(atMs, bytes);
      });
    });
    const all = Promise.all(running.map(({ outcome }) => outcome));
    all.catch(() => {});
    await Promise.race([Promise.all(running.map(({ ready }) => ready)), all, cancelled.promise]);
    const originMs = Number(process.hrtime.bigint()) / 1e6 + LEAD_MS;
    for (const flow of running) flow.go(originMs);
    const cut = cancelled.promise.catch((error: unknown) => {
      if (options.keepsCut) return running.map(({ soFar }) => soFar());
      throw error;
    });
    return await Promise.race([all, cut]);
  } finally {
    signal.removeEventListener('abort', cancel);
    await threads.end();
  }
}

interface Followed {
  ready: Promise<void>;
  outcome: Promise<FlowOutcome>;
  /** Of one that is cut off nobody knows what QUIC counted. */
  soFar: () => FlowOutcome;
  go: (originMs: number) => void;
}

function follow(thread: Worker, startMs: number, onPoint: (atMs: number, bytes: number) => void): Followed {
  const ready = Promise.withResolvers<void>();
  const outcome = Promise.withResolvers<FlowOutcome>();
  const points: FlowOutcome['points'] = [];
  thread.on('message', (message: FlowMessage) => {
    if (message.type === 'ready') ready.resolve();
    else if (message.type === 'point') {
      points.push([message.atMs, message.bytes]);
      onPoint(message.atMs, message.bytes);
    } else if (message.type === 'end') outcome.resolve(message.outcome);
    else outcome.reject(LabError.fromBody(message.error));
  });
  thread.on('error', (cause) => {
    outcome.reject(new LabError('RL_INTERNAL', `A flow's thread stopped: ${String(cause)}`, { cause }));
  });
  const go = (originMs: number): void => thread.postMessage({ originMs, startMs } satisfies FlowStart);
  const soFar = (): FlowOutcome => ({ points, minRttUs: null, smoothedRttUs: null, retransmitRatio: null });
  return { ready: ready.promise, outcome: outcome.promise, soFar, go };
}
