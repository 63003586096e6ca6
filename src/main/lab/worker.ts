/**
 * A worker thread as the lab uses it: typed requests and events (workers/protocol.ts), restarted with growing
 * pauses when it crashes, ended by waiting for what is under way and then terminating.
 */
import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { LabError } from '../../shared/errors.ts';
import type { WorkerMessage, WorkerRequest } from '../workers/protocol.ts';
import type { Log } from './log.ts';

const REQUEST_TIMEOUT_MS = 10_000;
/** Of a thread that has not answered anything yet: it has its program to load first, on a machine that may be busy. */
const START_TIMEOUT_MS = 60_000;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 10_000;
/** A thread that lived this long starts again with the first pause. */
const STABLE_MS = 60_000;

type Params<M, K extends keyof M> = M[K] extends (params: infer P) => unknown ? P : never;
type Result<M, K extends keyof M> = M[K] extends (params: never) => infer R ? R : never;

interface Pending {
  resolve(result: unknown): void;
  reject(error: LabError): void;
}

export interface LabWorkerOptions<E> {
  /** As it appears in messages and in the log. */
  name: string;
  url: URL;
  log: Log;
  onEvent?: (event: E) => void;
  /** The thread is gone and a new one will come. Requests under way were rejected. */
  onCrash?: (error: LabError) => void;
  /** A new thread stands in place of one that crashed; it knows nothing of what the old one was asked. */
  onRestart?: () => void;
}

/** `M` is the worker's methods, `E` its events. The thread starts with the first request. */
export class LabWorker<M extends object, E = never> {
  readonly #options: LabWorkerOptions<E>;
  #thread: Worker | null = null;
  /** The thread has answered, or told something. */
  #isUp = false;
  #pending = new Map<number, Pending>();
  #underWay = new Set<Promise<unknown>>();
  #nextId = 1;
  #crashes = 0;
  #restart: NodeJS.Timeout | null = null;
  #lastCrash: LabError | null = null;
  #closing = false;

  constructor(options: LabWorkerOptions<E>) {
    this.#options = options;
  }

  /** The crash this worker is still recovering from. */
  get failure(): LabError | null {
    return this.#restart === null ? null : this.#lastCrash;
  }

  /** CPU the thread has used since it was started, microseconds; null without a thread that can tell. */
  async cpuUs(): Promise<number | null> {
    const thread = this.#thread;
    const usage = await thread?.cpuUsage().catch(() => null);
    return usage && thread === this.#thread ? usage.user + usage.system : null;
  }

  /**
   * Asks the worker. Rejects with the worker's own LabError, or with RL_INTERNAL when it crashed, is between two
   * threads or did not answer within 10 s, a minute where it was only being started.
   */
  request<K extends keyof M & string>(method: K, params: Params<M, K>): Promise<Result<M, K>> {
    const { name } = this.#options;
    if (this.#closing) return Promise.reject(new LabError('RL_CANCELLED', 'The lab is closing.'));
    if (this.#restart !== null) return Promise.reject(this.#lastCrash);
    this.#thread ??= this.#spawn();
    const thread = this.#thread;
    const id = this.#nextId++;
    const answer = new Promise<Result<M, K>>((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#pending.delete(id);
          reject(new LabError('RL_INTERNAL', `The ${name} worker did not answer "${method}" in time.`));
        },
        this.#isUp ? REQUEST_TIMEOUT_MS : START_TIMEOUT_MS,
      );
      this.#pending.set(id, {
        resolve: (result) => {
          clearTimeout(timer);
          resolve(result as Result<M, K>);
        },
        reject: (error) => {
          clearTimeout(timer);
          reject(error);
        },
      });
      thread.postMessage({ id, method, params } satisfies WorkerRequest);
    });
    this.#underWay.add(answer);
    const settled = (): void => void this.#underWay.delete(answer);
    answer.then(settled, settled);
    return answer;
  }

  /** Waits up to `patienceMs` for requests under way, then ends the thread. Never rejects. */
  async close(patienceMs: number): Promise<void> {
    this.#closing = true;
    if (this.#restart !== null) clearTimeout(this.#restart);
    this.#restart = null;
    await Promise.race([Promise.allSettled(this.#underWay), delay(patienceMs, null, { ref: false })]);
    const thread = this.#thread;
    this.#thread = null;
    await thread?.terminate();
    this.#rejectPending(new LabError('RL_CANCELLED', 'The lab is closing.'));
  }

  #spawn(): Worker {
    const startedAt = performance.now();
    this.#isUp = false;
    const thread = new Worker(this.#options.url, { name: this.#options.name });
    let reason: string | null = null;
    thread.on('message', (message: WorkerMessage) => this.#receive(message));
    thread.on('messageerror', (error: Error) => {
      reason = `a message could not be read: ${error.message}`;
      void thread.terminate();
    });
    thread.on('error', (error: unknown) => {
      reason = error instanceof Error ? error.message : String(error);
    });
    thread.on('exit', (code) => {
      if (this.#thread !== thread) return;
      this.#thread = null;
      if (performance.now() - startedAt > STABLE_MS) this.#crashes = 0;
      this.#crashed(reason ?? `it ended with exit code ${code}`);
    });
    return thread;
  }

  #receive(message: WorkerMessage): void {
    this.#isUp = true;
    if ('event' in message) {
      this.#options.onEvent?.(message.event as E);
      return;
    }
    const pending = this.#pending.get(message.id);
    // An answer after its timeout has nobody waiting.
    if (pending === undefined) return;
    this.#pending.delete(message.id);
    if ('error' in message) pending.reject(LabError.fromBody(message.error));
    else pending.resolve(message.result);
  }

  #crashed(reason: string): void {
    const { name, log, onCrash, onRestart } = this.#options;
    const error = new LabError('RL_INTERNAL', `The ${name} worker stopped: ${reason}.`);
    this.#lastCrash = error;
    this.#rejectPending(error);
    if (this.#closing) return;
    const pauseMs = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#crashes++);
    log.error({ worker: name, reason, restartInMs: pauseMs }, 'a worker stopped; it will be started again');
    this.#restart = setTimeout(() => {
      this.#restart = null;
      this.#thread = this.#spawn();
      onRestart?.();
    }, pauseMs);
    onCrash?.(error);
  }

  #rejectPending(error: LabError): void {
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { reject } of pending) reject(error);
  }
}
