/** The upkeep of the store, on a thread of its own: kept going, and asked for what a reader waits for. */
import { type ErrorBody, LabError } from '../../shared/errors.ts';
import type { Store } from '../store/index.ts';
import type { Retention } from '../store/rollups/retention.ts';
import type { UpkeepOptions } from '../store/rollups/upkeep.ts';
import type { UpkeepEvent, UpkeepWorkerMethods } from '../workers/protocol.ts';
import type { Log } from './log.ts';
import type { LabWorker } from './worker.ts';

/** What a lab does first is measure. */
const FIRST_MS = 3000;

export interface StoreUpkeepOptions extends UpkeepOptions {
  store: Store;
  worker: LabWorker<UpkeepWorkerMethods, UpkeepEvent>;
  log: Log;
}

export class StoreUpkeep {
  readonly #options: StoreUpkeepOptions;
  #retention: Retention | undefined;
  #timer: NodeJS.Timeout;
  #opening: Promise<null> | null = null;
  #failure: LabError | null = null;

  constructor(options: StoreUpkeepOptions) {
    this.#options = options;
    this.#retention = options.retention;
    this.#timer = setTimeout(() => void this.#open().catch(() => {}), FIRST_MS);
  }

  /** Why roll-ups and retention wait; null while they do not. */
  get failure(): LabError | null {
    return this.#failure;
  }

  /** Resolves once the route’s history of the window can be read at once. Rejects when it cannot be rolled up. */
  async ready(routeId: string, fromMs: number, toMs: number): Promise<void> {
    const { store, worker } = this.#options;
    while (!store.isReady(routeId, fromMs, toMs)) {
      await this.#open();
      if (!(await worker.request('roll', { routeId }))) return;
    }
  }

  /** Of what is measured from now on and of what is there. */
  setRetention(retention: Retention): void {
    this.#retention = retention;
    if (this.#opening === null) return;
    // The thread is in the middle of a round, which ends with its handle.
    this.#opening = this.#options.worker.request('close', null).then(() => {
      this.#opening = null;
      return this.#open();
    });
    this.#opening.catch(() => {});
  }

  receive({ error }: UpkeepEvent): void {
    this.#note(error);
  }

  /** A new thread stands in place of one that crashed. */
  again(): void {
    this.#opening = null;
    void this.#open().catch(() => {});
  }

  /** Never rejects. */
  async close(): Promise<void> {
    clearTimeout(this.#timer);
    if (this.#opening !== null) await this.#options.worker.request('close', null).catch(() => {});
  }

  #open(): Promise<null> {
    clearTimeout(this.#timer);
    const { worker, dataDir } = this.#options;
    const retention = this.#retention;
    this.#opening ??= worker
      .request('open', { dataDir, ...(retention && { retention }) })
      .catch((error: LabError) => {
        this.#opening = null;
        this.#note(error.toBody());
        throw error;
      });
    return this.#opening;
  }

  #note(error: ErrorBody | null): void {
    const { log } = this.#options;
    if (error !== null && error.message !== this.#failure?.message) {
      log.error({ code: error.code, reason: error.message }, 'roll-ups and retention wait');
    }
    if (error === null && this.#failure !== null) log.info({}, 'roll-ups and retention go on');
    this.#failure = error === null ? null : LabError.fromBody(error);
  }
}
