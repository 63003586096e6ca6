/** Threads for whoever has no lab: each is asked one thing, and ended with the others. */
import { Worker } from 'node:worker_threads';
import { LabError } from '../../shared/errors.ts';
import type { WorkerMessage } from './protocol.ts';

export type ThreadName = 'endpoint' | 'relay' | 'flow';

export class Threads {
  readonly #threads: Worker[] = [];
  readonly #urlOf: (name: ThreadName) => URL;

  /** `urlOf` is where the entries lie, for hosts that bundle them. */
  constructor(urlOf: (name: ThreadName) => URL = (name) => new URL(`./${name}.ts`, import.meta.url)) {
    this.#urlOf = urlOf;
  }

  start(name: ThreadName, workerData?: unknown): Worker {
    const thread = new Worker(this.#urlOf(name), { workerData });
    this.#threads.push(thread);
    return thread;
  }

  async end(): Promise<void> {
    await Promise.all(this.#threads.map((thread) => thread.terminate()));
  }
}

/** The one request that a thread is asked. */
export function ask<M extends object, K extends keyof M & string>(
  thread: Worker,
  method: K,
  params: M[K] extends (params: infer P) => unknown ? P : never,
): Promise<M[K] extends (params: never) => infer R ? R : never> {
  return new Promise((resolve, reject) => {
    thread.once('message', (message: WorkerMessage) => {
      if ('result' in message) resolve(message.result as never);
      else
        reject(
          'error' in message ? LabError.fromBody(message.error) : new LabError('RL_INTERNAL', 'no answer'),
        );
    });
    thread.once('error', reject);
    thread.postMessage({ id: 1, method, params });
  });
}
