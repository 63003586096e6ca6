/** How runs ended: stored at once, or, where that cannot be, as on a full disk, tried again until it can. Nobody waits for it. */
import { type LabError, toLabError } from '../../shared/errors.ts';
import type { Run } from '../../shared/experiments.ts';
import type { Store } from '../store/index.ts';
import type { Log } from './log.ts';

const RETRY_EVERY_MS = 5000;

interface RunEnd {
  /** Tells runs apart. */
  key: string;
  experimentId: number;
  write: () => void;
}

export class Ends {
  readonly #runs: Store['runs'];
  readonly #log: Log;
  readonly #waiting = new Map<string, RunEnd>();
  #failure: LabError | null = null;
  #retry: NodeJS.Timeout | null = null;

  constructor({ runs }: Pick<Store, 'runs'>, log: Log) {
    this.#runs = runs;
    this.#log = log;
  }

  /** Never throws. While others wait it waits with them: each attempt may take a second that all measurements miss. */
  keep(end: RunEnd): void {
    this.#waiting.set(end.key, end);
    if (this.#retry === null) this.#storeAll();
  }

  /** As `keep`, of a run that ends now. */
  keepRun(
    { id, experimentId }: Pick<Run, 'id' | 'experimentId'>,
    state: Parameters<Store['runs']['end']>[1],
    outcome: Parameters<Store['runs']['end']>[2] = {},
  ): void {
    const endedAtMs = Date.now();
    const write = (): void => void this.#runs.end(id, state, { ...outcome, endedAtMs });
    this.keep({ key: `run ${id}`, experimentId, write });
  }

  /** Nothing of the run is to be stored any more. */
  forget(key: string): void {
    this.#waiting.delete(key);
  }

  /** How many wait, and why. */
  get health(): { waiting: number; error: LabError | null } {
    return { waiting: this.#waiting.size, error: this.#failure };
  }

  /** How many runs of the experiment are over and still under way in the store. */
  waitingOf(experimentId: number): number {
    return [...this.#waiting.values()].filter((end) => end.experimentId === experimentId).length;
  }

  /** Stores now what waits of the experiment. Throws why that cannot be. */
  settle(experimentId: number): void {
    if (this.waitingOf(experimentId) === 0) return;
    this.#storeAll();
    if (this.waitingOf(experimentId) > 0) throw this.#failure!;
  }

  /** The last attempt: the store is about to close. */
  close(): void {
    this.#storeAll();
    if (this.#retry !== null) clearTimeout(this.#retry);
  }

  #storeAll(): void {
    if (this.#retry !== null) clearTimeout(this.#retry);
    this.#retry = null;
    const before = this.#failure;
    this.#failure = null;
    for (const { key, write } of this.#waiting.values()) {
      try {
        write();
        this.#waiting.delete(key);
      } catch (thrown) {
        const error = toLabError(thrown);
        if (before?.code !== error.code)
          this.#log.error({ run: key, reason: error.message }, 'the end of a run cannot be stored');
        // Of a run that is gone there is nothing to store.
        if (error.code === 'RL_NOT_FOUND') this.#waiting.delete(key);
        else {
          this.#failure = error;
          // It is not for what they are that the others would fail too.
          if (error.code === 'RL_DISK_FULL' || error.code === 'RL_DATA_IN_USE') break;
        }
      }
    }
    if (this.#waiting.size > 0) this.#retry = setTimeout(() => this.#storeAll(), RETRY_EVERY_MS);
    else if (before !== null) this.#log.info({}, 'the ends of runs are stored again');
  }
}
