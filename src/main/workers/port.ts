/**
 * The worker's side of `protocol.ts`: the loop every worker entry runs. Requests are answered as they finish,
 * not in the order they came; a worker whose methods must not overtake each other orders them itself.
 */
import { type MessagePort, parentPort } from 'node:worker_threads';
import { toLabError } from '../../shared/errors.ts';
import type { WorkerMessage, WorkerRequest } from './protocol.ts';

/** The methods of a worker as it implements them: each may answer at once or later. */
type Implementation<M> = {
  [K in keyof M]: M[K] extends (params: infer P) => infer R ? (params: P) => R | Promise<R> : never;
};

function labPort(): MessagePort {
  if (parentPort === null) throw new Error('a worker entry was loaded outside a worker thread');
  return parentPort;
}

/**
 * Answers requests with `methods` for as long as the thread lives. Whatever a method throws crosses as an
 * ErrorBody: a LabError as it is, anything else as RL_INTERNAL.
 */
export function serve<M extends object>(methods: Implementation<M>): void {
  const port = labPort();
  const answer = (message: WorkerMessage): void => port.postMessage(message);
  port.on('message', async ({ id, method, params }: WorkerRequest) => {
    try {
      if (!Object.hasOwn(methods, method)) throw new Error(`this worker has no method "${method}"`);
      const call = methods[method as keyof M] as (params: unknown) => unknown;
      answer({ id, result: await call(params) });
    } catch (error) {
      answer({ id, error: toLabError(error).toBody() });
    }
  });
}

/** Sends an event to the lab, unasked. */
export function emit<E>(event: E): void {
  labPort().postMessage({ event } satisfies WorkerMessage);
}
