/**
 * Brings messages to webhooks. Each webhook has a line of its own, so that one that is down or slow holds up nobody,
 * and a message is tried a bounded number of times.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Delivery } from '../../../shared/alerts.ts';
import { type Attempted, post } from './webhook.ts';

interface Addressee {
  url: string;
  secret: string | null;
  timeoutS: number;
}

export interface CourierOptions {
  /** Where a webhook's messages go, asked before each attempt; null when it is gone. */
  addressee: (webhookId: number) => Addressee | null;
  /** Tells what has become of a message so far. */
  onProgress: (deliveryId: number, progress: Progress) => void;
  /** Pauses before each further attempt, milliseconds. */
  pausesMs?: readonly number[];
}

export type Progress = Pick<Delivery, 'state' | 'attempts' | 'status' | 'error'>;

interface Line {
  last: Promise<void>;
  waiting: number;
  ending: AbortController;
}

const PAUSES_MS = [1000, 5000, 30_000];
/** Messages that may wait for one webhook; more are given up, the newest first. */
const MOST_WAITING = 100;

export class Courier {
  readonly #options: CourierOptions;
  readonly #pausesMs: readonly number[];
  readonly #lines = new Map<number, Line>();
  #closed = false;

  constructor(options: CourierOptions) {
    this.#options = options;
    this.#pausesMs = options.pausesMs ?? PAUSES_MS;
  }

  /** Puts a message into its webhook's line; returns at once. */
  send(webhookId: number, deliveryId: number, body: string): void {
    const line = this.#lines.get(webhookId) ?? {
      last: Promise.resolve(),
      waiting: 0,
      ending: new AbortController(),
    };
    if (line.waiting >= MOST_WAITING) {
      const error = `${MOST_WAITING} messages wait for this webhook already`;
      this.#options.onProgress(deliveryId, { state: 'failed', attempts: 0, status: null, error });
      return;
    }
    line.waiting++;
    line.last = line.last
      .then(() => this.#bring(webhookId, deliveryId, body, line.ending.signal))
      .finally(() => {
        line.waiting--;
        if (line.waiting === 0 && this.#lines.get(webhookId) === line) this.#lines.delete(webhookId);
      });
    this.#lines.set(webhookId, line);
  }

  /** Interrupts what waits for a webhook and what is under way to it. */
  drop(webhookId: number): void {
    this.#lines.get(webhookId)?.ending.abort();
    this.#lines.delete(webhookId);
  }

  /** Gives up what is under way, which its record says; what waits was not tried. */
  close(): void {
    this.#closed = true;
    for (const { ending } of this.#lines.values()) ending.abort();
  }

  async #bring(webhookId: number, deliveryId: number, body: string, ending: AbortSignal): Promise<void> {
    let known: Omit<Progress, 'state'> = { attempts: 0, status: null, error: null };
    const tell = (state: Progress['state']): void => {
      if (!this.#closed) this.#options.onProgress(deliveryId, { state, ...known });
    };
    for (const pauseMs of [...this.#pausesMs, undefined]) {
      const attempted = ending.aborted ? null : await this.#attempt(webhookId, deliveryId, body, ending);
      if (attempted === null) return tell('interrupted');
      const { status, error, again } = attempted;
      const isCut = ending.aborted && error !== null;
      known = { attempts: known.attempts + 1, status, error: isCut ? null : error };
      if (isCut) return tell('interrupted');
      if (error === null) return tell('delivered');
      if (!again || pauseMs === undefined) return tell('failed');
      tell('waiting');
      await delay(pauseMs, undefined, { signal: ending }).catch(() => {});
    }
  }

  /** Null when there is nobody to send to. */
  async #attempt(
    webhookId: number,
    deliveryId: number,
    body: string,
    ending: AbortSignal,
  ): Promise<Attempted | null> {
    try {
      const to = this.#options.addressee(webhookId);
      if (to === null) return null;
      return await post({ ...to, timeoutMs: to.timeoutS * 1000, deliveryId, body }, Date.now(), ending);
    } catch (thrown) {
      return { status: null, error: (thrown as Error).message, again: true };
    }
  }
}
