/**
 * What an emulated path may ask of this machine. Measured when somebody first wants to know, on a thread of its own that ends
 * with it: neither the start of the lab nor the relays under way wait for it.
 */
import type { Emulation } from '../../shared/domain.ts';
import { isBeyond } from '../../shared/link-rates.ts';
import { refuseBeyond } from '../path/relay/capacity.ts';
import type { RelayWorkerMethods } from '../workers/protocol.ts';
import type { LabWorker } from './worker.ts';

type Thread = Pick<LabWorker<RelayWorkerMethods>, 'request' | 'close'>;

/** What others did meanwhile makes a measurement too low, never too high: the best counts, and is tried to be bettered so seldom. */
const MEASURE_AGAIN_MS = 600_000;

export class CapacityOfEmulator {
  readonly #newThread: () => Thread;
  readonly #nowMs: () => number;
  #thread: Thread | null = null;
  #underWay: Promise<number> | null = null;
  #bestBps: number | null = null;
  #measuredAtMs = Number.NEGATIVE_INFINITY;

  constructor(newThread: () => Thread, nowMs: () => number = Date.now) {
    this.#newThread = newThread;
    this.#nowMs = nowMs;
  }

  /** The best known so far, bits per second each way. */
  get bestBps(): number | null {
    return this.#bestBps;
  }

  /** The best, measured not long ago. What failed is measured again the next time. */
  async limitBps(): Promise<number> {
    if (this.#bestBps !== null && this.#nowMs() - this.#measuredAtMs < MEASURE_AGAIN_MS) return this.#bestBps;
    this.#underWay ??= this.#measure().finally(() => {
      this.#underWay = null;
    });
    return this.#underWay;
  }

  /** Throws RL_INPUT_INVALID with field `rate` for a path that is faster. */
  async require(emulation: Emulation): Promise<void> {
    if (this.#bestBps !== null && !isBeyond(this.#bestBps, emulation)) return;
    await refuseBeyond(emulation, () => this.limitBps());
  }

  async close(): Promise<void> {
    await this.#thread?.close(0);
  }

  async #measure(): Promise<number> {
    const thread = this.#newThread();
    this.#thread = thread;
    try {
      const measuredBps = await thread.request('measureCapacity', null);
      this.#measuredAtMs = this.#nowMs();
      this.#bestBps = Math.max(this.#bestBps ?? 0, measuredBps);
      return this.#bestBps;
    } finally {
      this.#thread = null;
      await thread.close(0);
    }
  }
}
