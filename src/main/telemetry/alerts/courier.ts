/**
 * Brings messages to webhooks. Each webhook has a line of its own, so that one that is down or slow holds up nobody,
 * and a message is tried a bounded number of times.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../../../shared/alerts.ts';
import { post } from './webhook.ts';

export interface Addressee {
  id: number;
  url: string;
  secret: string | null;
  timeoutS: number;
}

export interface CourierOptions {
  /** Tells what has become of a message so far. */
  onProgress: (deliveryId: number, progress: Omit<Progress, 'endedAtMs'>) => void;
  /** Pauses before each further attempt, milliseconds. */
  pausesMs?: readonly number[];
}

type Progress = Pick<Delivery, 'state' | 'attempts' | 'status' | 'error' | 'endedAtMs'>;

const PAUSES_MS = [1000, 5000, 30_000];
/** Messages that may wait for one webhook; more are given up, the newest first. */
const MOST_WAITING = 100;

export class Courier {
  readonly #options: CourierOptions;
  readonly #pausesMs: readonly number[];
  readonly #lines = new Map<number, { last: Promise<void>; waiting: number }>();
  readonly #ending = new AbortController();

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#pausesMs = options.pausesMs ?? PAUSES_MS;
  }

  /** Puts a message into its webhook's line; returns at once. */
  send(to: Addressee, deliveryId: number, body: string): void {
    const line = this.#lines.get(to.id) ?? { last: Promise.resolve(), waiting: 0 };
    if (line.waiting >= MOST_WAITING) {
      const error = `${MOST_WAITING} messages wait for this webhook already`;
      this.#options.onProgress(deliveryId, { state: 'failed', attempts: 0, status: null, error });
      return;
    }
    line.waiting++;
    line.last = line.last
      .then(() => this.#bring(to, deliveryId, body))
      .finally(() => {
        line.waiting--;
        if (line.waiting === 0) this.#lines.delete(to.id);
      });
    this.#lines.set(to.id, line);
  }

  /** Gives up what is under way, which its record says; what waits was not tried. */
  close(): void {
    this.#ending.abort();
  }

  async #bring(to: Addressee, deliveryId: number, body: string): Promise<void> {
    const { signal } = this.#ending;
    for (let attempts = 1; !signal.aborted; attempts++) {
      const outgoing = { ...to, timeoutMs: to.timeoutS * 1000, deliveryId, body };
      const { status, error, again } = await post(outgoing, Date.now(), signal);
      if (signal.aborted) return;
      const pauseMs = again ? this.#pausesMs[attempts - 1] : undefined;
      const state = error === null ? 'delivered' : pauseMs === undefined ? 'failed' : 'waiting';
      this.#options.onProgress(deliveryId, { state, attempts, status, error });
      if (pauseMs === undefined) return;
      await delay(pauseMs, undefined, { signal }).catch(() => {});
    }
  }
}
