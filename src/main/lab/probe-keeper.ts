/**
 * Stores what is measured of probe runs: now and then while they are under way, and how they ended. What cannot be stored, as on
 * a full disk, is tried again.
 */
import { toLabError } from '../../shared/errors.ts';
import type { Store } from '../store/index.ts';
import type { Log } from './log.ts';
import type { ActiveProbe } from './probe-board.ts';

/** Results and series of a run under way are stored so often. */
const STORE_EVERY_MS = 1000;
/** Of ends that could not be stored. */
const RETRY_EVERY_MS = 5000;

export class ProbeKeeper {
  readonly #probes: Store['probes'];
  readonly #log: Log;
  /** By the monotonic clock. */
  readonly #storedAtMs = new WeakMap<ActiveProbe, number>();
  /** Runs that are over, whose end could not be stored yet. */
  readonly #unstored = new Map<number, ActiveProbe>();
  #retry: NodeJS.Timeout | undefined;

  constructor({ probes }: Pick<Store, 'probes'>, log: Log) {
    this.#probes = probes;
    this.#log = log;
  }

  /** A run whose end is not stored yet. */
  unstored(id: number): ActiveProbe | undefined {
    return this.#unstored.get(id);
  }

  /** Nothing of the run is to be stored any more. */
  forget(id: number): void {
    this.#unstored.delete(id);
  }

  /** Stores what is new of a run under way, if that is due. What cannot be stored now is tried again with the next. */
  keep(active: ActiveProbe): void {
    const nowMs = performance.now();
    if (nowMs - (this.#storedAtMs.get(active) ?? Number.NEGATIVE_INFINITY) < STORE_EVERY_MS) return;
    this.#storedAtMs.set(active, nowMs);
    const { id, controller, result } = active.run;
    this.#attempt(id, 'a probe run cannot be stored', () => {
      this.#append(active);
      this.#probes.update(id, { controller, result });
    });
  }

  /** Stores the end of a run, as soon as that can be: else the run would be `running` for ever. */
  keepEnd(active: ActiveProbe): void {
    this.#unstored.set(active.run.id, active);
    this.#storeEnds();
  }

  close(): void {
    this.#storeEnds();
    clearTimeout(this.#retry);
  }

  #storeEnds(): void {
    for (const [id, active] of this.#unstored) {
      const { state, error, endedAtMs, controller, result } = active.run;
      const isStored = this.#attempt(id, 'the end of a probe run cannot be stored', () => {
        this.#append(active);
        this.#probes.update(id, { state, error, endedAtMs, controller, result });
      });
      if (isStored) this.#unstored.delete(id);
      else {
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => this.#storeEnds(), RETRY_EVERY_MS);
      }
    }
  }

  #append(active: ActiveProbe): void {
    this.#probes.append(active.run.id, active.unstored());
    active.markStored();
  }

  #attempt(run: number, what: string, write: () => void): boolean {
    try {
      write();
      return true;
    } catch (thrown) {
      this.#log.error({ run, reason: toLabError(thrown).message }, what);
      return false;
    }
  }
}
