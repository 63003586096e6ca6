/** Experiments measured again, from their manifests: begun, followed and ended early. */
import { LabError } from '../../shared/errors.ts';
import type { Experiment, ExperimentKind } from '../../shared/experiments.ts';
import type { Store } from '../store/index.ts';
import { type Executor, type Executors, readManifest } from './executor.ts';

const MAX_AT_ONCE = 16;

interface Asked {
  durationS?: number | undefined;
  repetitions: number;
}

export class Reproductions {
  readonly #store: Store;
  readonly #executors: Executors = {};
  readonly #underWay = new Map<AbortController, { experimentId: number; over: Promise<void> }>();

  constructor(store: Store) {
    this.#store = store;
  }

  register(kind: ExperimentKind, one: Executor): void {
    this.#executors[kind] = one;
  }

  /** The experiment as begun. Throws RL_INPUT_INVALID of a manifest that cannot be run here, and what its executor throws. */
  run(given: Readonly<Record<string, unknown>>, asked: Asked): Experiment {
    return this.#begin(given, asked, null);
  }

  /** Measures what is missing of one. Throws RL_NOT_FOUND, RL_INPUT_INVALID of a kind that has nothing to go on with, RL_CONFLICT. */
  resume(id: number): Experiment {
    const { kind, manifest } = this.#store.experiments.get(id);
    if (!this.#executors[kind]?.continues)
      throw new LabError('RL_INPUT_INVALID', `id: experiment ${id} is of kind ${kind}, which has no cells`, {
        field: 'id',
      });
    if (this.isUnderWay(id))
      throw new LabError('RL_CONFLICT', `Experiment ${id} is under way`, { field: 'id' });
    return this.#begin(manifest, { repetitions: 1 }, id);
  }

  #begin(
    given: Readonly<Record<string, unknown>>,
    { durationS, repetitions }: Asked,
    continues: number | null,
  ): Experiment {
    const { manifest, settings, executor } = readManifest(given, this.#executors);
    if (this.#underWay.size >= MAX_AT_ONCE)
      throw new LabError('RL_RATE_LIMITED', `${MAX_AT_ONCE} experiments are under way already`);
    const ending = new AbortController();
    const { experimentId, over } = executor.begin({
      manifest,
      settings,
      durationS: durationS ?? null,
      repetitions,
      continues,
      signal: ending.signal,
    });
    this.#underWay.set(ending, { experimentId, over: over.finally(() => this.#underWay.delete(ending)) });
    return this.#store.experiments.get(experimentId);
  }

  /** Throws RL_NOT_FOUND. */
  again(id: number, asked: Asked): Experiment {
    return this.run(this.#store.experiments.get(id).manifest, asked);
  }

  /** Ends what is under way of an experiment, and returns once it has. Throws RL_NOT_FOUND. */
  async cancel(id: number): Promise<Experiment> {
    this.#store.experiments.get(id);
    const own = [...this.#underWay].filter(([, { experimentId }]) => experimentId === id);
    for (const [ending] of own) ending.abort();
    await Promise.all(own.map(([, { over }]) => over));
    return this.#store.experiments.get(id);
  }

  /** Whether something of it is under way, or between two runs. */
  isUnderWay(id: number): boolean {
    return [...this.#underWay.values()].some(({ experimentId }) => experimentId === id);
  }

  /** The lab closes. */
  abandon(): void {
    for (const ending of this.#underWay.keys()) ending.abort();
  }
}
