/**
 * One end of a measurement, in a process of its own: this program started with the name of a stack and asked over the IPC
 * channel. The process that asks measures nothing itself.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { LabError } from '../../../shared/errors.ts';
import { Profiler } from './profile.ts';

/** PEM. */
export interface Identity {
  certificate: string;
  privateKey: string;
}

interface TransferOptions {
  port: number;
  /** PEM of the authority that issued the server's certificate. */
  ca: string;
  direction: 'down' | 'up';
  durationMs: number;
  /** Whether path MTU discovery may go beyond datagrams of 1350 bytes. */
  discover: boolean;
}

/** What every stack can be asked for. */
export interface Stack {
  listen(options: Identity & { discover: boolean }): Promise<{ port: number }>;
  /** Packets of all connections so far. */
  packets?(): { sent: number; received: number };
}

/** What stacks with streams can be asked for. */
export interface TransferMethods {
  /** Goodput is bits per second at the receiver. */
  transfer(options: TransferOptions): Promise<{ goodputBps: number }>;
}

export interface ConnectMethods {
  /** Makes connections one after the other: microseconds of each, from the call to the open connection. */
  connect(options: { port: number; ca: string; count: number }): Promise<number[]>;
}

export interface Usage {
  /** Processor time of the whole process, microseconds. */
  cpuUs: number;
  sent: number;
  received: number;
  rssBytes: number;
  heapBytes: number;
  /** ArrayBuffers, outside the heap. */
  bufferBytes: number;
}

interface Request {
  id: number;
  method: string;
  params: unknown;
}
type Answer = { id: number; result: unknown } | { id: number; error: string };

/** Serves `stack` to the process that started this one, until that ends. */
export function serveStack<M extends object>(stack: M & Pick<Stack, 'packets'>): void {
  const profiler = new Profiler();
  const methods = {
    ...stack,
    usage: (): Usage => {
      // Present with --expose-gc: what is left is what is in use, pages of past garbage given back.
      for (let i = 0; i < 2; i++) globalThis.gc?.({ type: 'major', flavor: 'last-resort' });
      const { user, system } = process.cpuUsage();
      const { rss, heapUsed, arrayBuffers } = process.memoryUsage();
      const { sent, received } = stack.packets?.() ?? { sent: 0, received: 0 };
      return {
        cpuUs: user + system,
        sent,
        received,
        rssBytes: rss,
        heapBytes: heapUsed,
        bufferBytes: arrayBuffers,
      };
    },
    profile: () => profiler.start(),
    saveProfile: (path: string) => profiler.save(path),
  };
  process.on('disconnect', () => process.exit());
  process.on('message', async ({ id, method, params }: Request) => {
    const answer = (said: Answer): void => void process.send!(said);
    try {
      const call = methods[method as keyof typeof methods] as (params: unknown) => unknown;
      answer({ id, result: (await call(params)) ?? null });
    } catch (error) {
      answer({ id, error: (error as Error).message });
    }
  });
  process.send!('ready');
}

type Method = (params: never) => unknown;

/** The asking side. `M` names the methods beyond those of every stack. */
export class Endpoint<M = unknown> {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, PromiseWithResolvers<unknown>>();
  #nextId = 0;

  static async start<M>(stack: string, flags: readonly string[] = []): Promise<Endpoint<M>> {
    const endpoint = new Endpoint<M>(stack, flags);
    await Promise.race([once(endpoint.#child, 'message'), endpoint.#ended]);
    endpoint.#child.on('message', (answer: Answer) => endpoint.#settle(answer));
    return endpoint;
  }

  /** Rejects when the process ends. */
  readonly #ended: Promise<never>;

  private constructor(stack: string, flags: readonly string[]) {
    const command = [...process.execArgv, process.argv[1]!, 'bench', `${stack}-endpoint`];
    this.#child = spawn(process.execPath, [...flags, ...command], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let complaint = '';
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      complaint += text;
    });
    this.#ended = once(this.#child, 'close').then(([code]) => {
      throw new LabError('RL_INTERNAL', `The ${stack} endpoint ended with code ${code}: ${complaint.trim()}`);
    });
    // Whoever asks hears of it.
    this.#ended.catch(() => {});
  }

  listen(options: Parameters<Stack['listen']>[0]): ReturnType<Stack['listen']> {
    return this.#request('listen', options) as ReturnType<Stack['listen']>;
  }

  ask<K extends keyof M & string>(
    method: K,
    params: M[K] extends Method ? Parameters<M[K]>[0] : never,
  ): Promise<M[K] extends Method ? Awaited<ReturnType<M[K]>> : never> {
    return this.#request(method, params) as never;
  }

  usage(): Promise<Usage> {
    return this.#request('usage', null) as Promise<Usage>;
  }

  async profile(): Promise<void> {
    await this.#request('profile', null);
  }

  /** Ends the profile and writes it to `path`; resolves with where the time went, largest share first. */
  saveProfile(path: string): Promise<{ name: string; share: number }[]> {
    return this.#request('saveProfile', path) as Promise<{ name: string; share: number }[]>;
  }

  stop(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #request(method: string, params: unknown): Promise<unknown> {
    const id = this.#nextId++;
    const settle = Promise.withResolvers<unknown>();
    this.#pending.set(id, settle);
    // Of a process that is gone `#ended` tells.
    this.#child.send({ id, method, params } satisfies Request, () => undefined);
    return Promise.race([settle.promise, this.#ended]);
  }

  #settle(answer: Answer): void {
    const pending = this.#pending.get(answer.id);
    this.#pending.delete(answer.id);
    if ('error' in answer) pending?.reject(new LabError('RL_INTERNAL', answer.error));
    else pending?.resolve(answer.result);
  }
}
