/** Stores what is measured of probe runs: now and then while they are under way, and how they ended. */
import { toLabError } from '../../shared/errors.ts';
import type { Store } from '../store/index.ts';
import type { Ends } from './ends.ts';
import type { Log } from './log.ts';
import type { ActiveProbe } from './probe-board.ts';

/** Results and series of a run under way are stored so often. */
const STORE_EVERY_MS = 1000;

const keyOf = (id: number): string => `probe ${id}`;

export class ProbeKeeper {
  readonly #probes: Store['probes'];
  readonly #ends: Ends;
  readonly #log: Log;
  /** By the monotonic clock. */
  readonly #storedAtMs = new WeakMap<ActiveProbe, number>();
  /** Runs that are over, whose end could not be stored yet. */
  readonly #unstored = new Map<number, ActiveProbe>();

  constructor({ probes }: Pick<Store, 'probes'>, ends: Ends, log: Log) {
    this.#probes = probes;
    this.#ends = ends;
    this.#log = log;
  }

  /** A run whose end is not stored yet. */
  unstored(id: number): ActiveProbe | undefined {
    return this.#unstored.get(id);
  }

  /** Nothing of the run is to be stored any more. */
  forget(id: number): void {
    this.#unstored.delete(id);
    this.#ends.forget(keyOf(id));
  }

  /** Stores what is new of a run under way, if that is due. What cannot be stored now is tried again with the next. */
  keep(active: ActiveProbe): void {
    const nowMs = performance.now();
    if (nowMs - (this.#storedAtMs.get(active) ?? Number.NEGATIVE_INFINITY) < STORE_EVERY_MS) return;
    this.#storedAtMs.set(active, nowMs);
    const { id, controller, result } = active.run;
    try {
      this.#append(active);
      this.#probes.update(id, { controller, result });
    } catch (thrown) {
      this.#log.error({ run: id, reason: toLabError(thrown).message }, 'a probe run cannot be stored');
    }
  }

  /** Stores the end of a run, as soon as that can be: else the run would be `running` for ever. */
  keepEnd(active: ActiveProbe): void {
    const { id } = active.run;
    this.#unstored.set(id, active);
    this.#ends.keep({
      key: keyOf(id),
      experimentId: this.#probes.experimentOf(id),
      write: () => {
        const { state, error, endedAtMs, controller, result } = active.run;
        this.#append(active);
        this.#probes.update(id, { state, error, endedAtMs, controller, result });
        this.#unstored.delete(id);
      },
    });
  }

  #append(active: ActiveProbe): void {
    this.#probes.append(active.run.id, active.unstored());
    active.markStored();
  }
}
