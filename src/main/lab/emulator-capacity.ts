/**
 * What an emulated path may ask of this machine. Measured when somebody first wants to know, on a thread of its own that ends
 * with it: neither the start of the lab nor the relays under way wait for it.
 */
import type { Emulation } from '../../shared/domain.ts';
import { refuseBeyond } from '../path/relay/capacity.ts';
import type { RelayWorkerMethods } from '../workers/protocol.ts';
import type { LabWorker } from './worker.ts';

type Thread = Pick<LabWorker<RelayWorkerMethods>, 'request' | 'close'>;

export class CapacityOfEmulator {
  readonly #newThread: () => Thread;
  #thread: Thread | null = null;
  #measured: Promise<number> | null = null;

  constructor(newThread: () => Thread) {
    this.#newThread = newThread;
  }

  /** Bits per second each way. What failed is measured again the next time. */
  limitBps(): Promise<number> {
    this.#measured ??= this.#measure().catch((error: unknown) => {
      this.#measured = null;
      throw error;
    });
    return this.#measured;
  }

  /** Whether it is known, or about to be. */
  get isMeasured(): boolean {
    return this.#measured !== null;
  }

  /** Throws RL_INPUT_INVALID with field `rate` for a path that is faster. */
  async require(emulation: Emulation): Promise<void> {
    await refuseBeyond(emulation, () => this.limitBps());
  }

  async close(): Promise<void> {
    await this.#thread?.close(0);
  }

  async #measure(): Promise<number> {
    const thread = this.#newThread();
    this.#thread = thread;
    try {
      return await thread.request('measureCapacity', null);
    } finally {
      this.#thread = null;
      await thread.close(0);
    }
  }
}
