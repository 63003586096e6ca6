/** The upkeep of the store, on a thread of its own: kept going, and asked for what a reader waits for. */
import { type ErrorBody, LabError } from '../../shared/errors.ts';
import type { Store } from '../store/index.ts';
import { isInspectedWhole } from '../store/inspect.ts';
import type { Retention } from '../store/rollups/retention.ts';
import type { UpkeepOptions } from '../store/rollups/upkeep.ts';
import type { UpkeepEvent, UpkeepWorkerMethods } from '../workers/protocol.ts';
import type { Log } from './log.ts';
import type { LabWorker } from './worker.ts';

/** What a lab does first is measure. */
const FIRST_MS = 3000;
const RETRY_MS = 30_000;

export interface StoreUpkeepOptions extends UpkeepOptions {
  store: Store;
  worker: LabWorker<UpkeepWorkerMethods, UpkeepEvent>;
  /** Reads the whole database once, where that is too much to be done before the lab starts; then it is closed. */
  checker: LabWorker<UpkeepWorkerMethods, UpkeepEvent>;
  log: Log;
}

export class StoreUpkeep {
  readonly #options: StoreUpkeepOptions;
  #retention: Retention | undefined;
  #timer: NodeJS.Timeout | undefined;
  #opening: Promise<null> | null = null;
  #failure: LabError | null = null;
  #look: 'due' | 'under way' | 'over';
  /** Nothing of a damaged database is rolled up or deleted. */
  #damage: LabError | null = null;
  #closed = false;

  constructor(options: StoreUpkeepOptions) {
    this.#options = options;
    this.#retention = options.retention;
    this.#look = isInspectedWhole(options.dataDir) ? 'over' : 'due';
    this.#openIn(FIRST_MS);
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
    if (this.#opening === null && this.#failure === null) return;
    // Answered in order: a round that is under way ends with its handle.
    this.#options.worker.request('close', null).catch(() => {});
    this.again();
  }

  receive({ type, error }: UpkeepEvent): void {
    if (this.#damage !== null) return;
    if (type === 'checked') {
      this.#checked(error);
      return;
    }
    this.#note(error);
    this.#check();
  }

  /** A new thread stands in place of one that crashed. */
  again(): void {
    this.#opening = null;
    void this.#open().catch(() => {});
  }

  /** As `again`, of the one that checks. */
  checkAgain(): void {
    if (this.#look === 'under way') this.#look = 'due';
    this.#check();
  }

  /** Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    // A thread that reads a large database ends with its reading: nobody waits for it.
    void this.#options.checker.close(0);
    if (this.#opening !== null) await this.#options.worker.request('close', null).catch(() => {});
  }

  #openIn(ms: number): void {
    clearTimeout(this.#timer);
    if (!this.#closed) this.#timer = setTimeout(() => void this.#open().catch(() => {}), ms);
  }

  #open(): Promise<null> {
    clearTimeout(this.#timer);
    if (this.#damage !== null) return Promise.reject(this.#damage);
    if (this.#opening !== null) return this.#opening;
    const { worker, dataDir, systemS } = this.#options;
    const opening: Promise<null> = worker
      .request('open', {
        dataDir,
        isSound: this.#look === 'over',
        ...(this.#retention && { retention: this.#retention }),
        ...(systemS !== undefined && { systemS }),
      })
      .catch((error: LabError) => {
        if (this.#opening === opening) {
          this.#opening = null;
          this.#note(error.toBody());
          this.#openIn(RETRY_MS);
        }
        throw error;
      });
    this.#opening = opening;
    this.#check();
    return opening;
  }

  #check(): void {
    if (this.#look !== 'due' || this.#closed) return;
    this.#look = 'under way';
    const { checker, dataDir } = this.#options;
    checker.request('check', { dataDir }).catch(() => {
      this.#look = 'due';
    });
  }

  #checked(error: ErrorBody | null): void {
    const { worker, checker } = this.#options;
    if (error !== null && error.code !== 'RL_DB_CORRUPT') {
      // Not read to the end: the next round begins anew.
      this.#look = 'due';
      return;
    }
    this.#look = 'over';
    void checker.close(0);
    if (error === null) {
      worker.request('sound', null).catch(() => {});
      return;
    }
    this.#note(error);
    this.#damage = this.#failure;
    if (this.#opening !== null) worker.request('close', null).catch(() => {});
    this.#opening = null;
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
