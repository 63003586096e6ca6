/**
 * Experiments of cells: all cells once, then all of them again, one at a time whatever experiment they are of. Each is a run of the
 * store, queued before any is begun, so that one that is cut short can be continued.
 */
import { toLabError } from '../../../shared/errors.ts';
import type { Run } from '../../../shared/experiments.ts';
import type { MatrixUpdate } from '../../../shared/matrix.ts';
import type { Store } from '../../store/index.ts';
import type { AppInfo } from '../app-info.ts';
import type { Ends } from '../ends.ts';
import { type Executor, executor } from '../executor.ts';
import { experimentWith } from '../experiments.ts';
import type { Log } from '../log.ts';
import { cellsManifest, emulationSeed } from '../manifest.ts';
import type { CellKind, MeasuredCell } from './kinds.ts';

interface Job {
  total: number;
  over: number;
  /** Of cells that wait, as planned. */
  leftS: number;
  running: { key: string; repetition: number; part: number; seconds: number } | null;
}

interface Turn {
  run: Run;
  cell: MeasuredCell;
  seed: number;
}

export class Matrices {
  readonly #store: Store;
  readonly #app: AppInfo;
  readonly #ends: Ends;
  readonly #log: Log;
  readonly #jobs = new Map<number, Job>();
  /** Ends when the cells that were asked for so far are over. */
  #last: Promise<void> = Promise.resolve();
  #isAbandoned = false;

  constructor(options: { store: Store; app: AppInfo; ends: Ends; log: Log }) {
    this.#store = options.store;
    this.#app = options.app;
    this.#ends = options.ends;
    this.#log = options.log;
  }

  executor<S extends { repeat: number; durationS?: number | undefined }>(kind: CellKind<S>): Executor {
    return executor<S>({
      schema: kind.schema,
      settingsAt: 'parameters',
      continues: true,
      begin: ({ manifest, settings: given, durationS, repetitions, continues, signal }) => {
        const settings = durationS === null ? given : kind.schema.parse({ ...given, durationS });
        const cells = kind.cellsOf(settings);
        const seed = manifest.seed ?? 0;
        const again = cellsManifest(kind.kind, kind.schema, settings, seed, this.#app);
        const experimentId = continues ?? experimentWith(this.#store, kind.nameOf(settings), again);
        // What is over is not measured again because nobody could store it.
        this.#ends.settle(experimentId);
        const turns = this.#queue(experimentId, cells, {
          repeat: settings.repeat,
          repetitions: settings.repeat * repetitions,
          continues: continues !== null,
          seed,
        });
        const job: Job = {
          total: turns.length,
          over: 0,
          leftS: turns.reduce((sum, { cell }) => sum + cell.seconds, 0),
          running: null,
        };
        this.#jobs.set(experimentId, job);
        const before = this.#last;
        const over = this.#measureAll(job, turns, before, signal)
          .catch((thrown: unknown) =>
            this.#log.error(
              { experiment: experimentId, reason: toLabError(thrown).message },
              'cells cannot be measured',
            ),
          )
          .finally(() => {
            if (this.#jobs.get(experimentId) === job) this.#jobs.delete(experimentId);
          });
        // One that is cancelled while it waits ends before those it waited for.
        this.#last = Promise.all([before, over]).then(() => {});
        return { experimentId, over };
      },
    });
  }

  /** How far it is. Throws RL_NOT_FOUND. */
  progress(experimentId: number): MatrixUpdate {
    const { runs } = this.#store.experiments.get(experimentId);
    const total = Object.values(runs).reduce((sum, n) => sum + n, 0);
    const job = this.#jobs.get(experimentId);
    if (job === undefined)
      return {
        experimentId,
        over: total - runs.queued - runs.running,
        total,
        leftS: null,
        running: null,
        isOver: true,
      };
    const { running } = job;
    const leftS = job.leftS + (running === null ? 0 : running.seconds * (1 - running.part));
    return {
      experimentId,
      over: job.over,
      total: job.total,
      leftS,
      running: running && { key: running.key, repetition: running.repetition, part: running.part },
      isOver: false,
    };
  }

  /** The lab closes: what is under way stays as it is in the store, which calls it interrupted when it is opened again. */
  abandon(): void {
    this.#isAbandoned = true;
  }

  /** A run for each cell and repetition, in the order in which they are measured. */
  #queue(
    experimentId: number,
    cells: readonly MeasuredCell[],
    asked: { repeat: number; repetitions: number; continues: boolean; seed: number },
  ): Turn[] {
    const { runs } = this.#store;
    const known = runs.ofExperiment(experimentId);
    const beyond = known.reduce((most, { repetition }) => Math.max(most, repetition + 1), 0);
    const isDone = new Set(
      known.flatMap(({ key, repetition, state }) => (state === 'done' ? [`${repetition} ${key}`] : [])),
    );
    const first = asked.continues ? 0 : beyond;
    const end = asked.continues ? Math.max(beyond, asked.repeat) : beyond + asked.repetitions;
    const planned = Array.from({ length: end - first }, (_, i) => first + i).flatMap((repetition) =>
      cells.flatMap((cell) => {
        if (isDone.has(`${repetition} ${cell.key}`)) return [];
        // Measured again in another lab, the first repetitions meet what they met in this one.
        const seed = emulationSeed(`${asked.seed} ${cell.key} ${repetition % asked.repeat}`);
        const parameters = { ...cell.parameters, seed };
        return [{ key: cell.key, repetition, parameters, cell, seed }];
      }),
    );
    const queued = runs.queue(experimentId, planned);
    return planned.map(({ cell, seed }, i) => ({ run: queued[i]!, cell, seed }));
  }

  async #measureAll(
    job: Job,
    turns: readonly Turn[],
    before: Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const cancelled = Promise.withResolvers<void>();
    signal.addEventListener('abort', () => cancelled.resolve(), { once: true });
    if (signal.aborted) cancelled.resolve();
    await Promise.race([before, cancelled.promise]);
    for (const turn of turns) {
      if (this.#isAbandoned) return;
      job.leftS -= turn.cell.seconds;
      if (signal.aborted) this.#ends.keepRun(turn.run, 'cancelled');
      else await this.#measure(job, turn, signal);
      job.over++;
    }
  }

  async #measure(job: Job, { run, cell, seed }: Turn, signal: AbortSignal): Promise<void> {
    const startedAtMs = Date.now();
    const running = { key: run.key, repetition: run.repetition, part: 0, seconds: cell.seconds };
    job.running = running;
    try {
      this.#store.runs.begin(run.id);
    } catch (thrown) {
      // Its end says when it began.
      this.#log.warn(
        { run: run.id, reason: toLabError(thrown).message },
        'the beginning of a cell cannot be stored',
      );
    }
    const outcome = await cell
      .measure({
        runId: run.id,
        seed,
        signal,
        onPart: (part) => {
          running.part = part;
        },
      })
      .catch((thrown: unknown) => ({ metrics: null, error: toLabError(thrown) }));
    job.running = null;
    if (this.#isAbandoned) return;
    const { metrics: result, error } = outcome;
    // What was cut short is no result: it would be compared with whole ones.
    if (signal.aborted) this.#ends.keepRun(run, 'cancelled', { startedAtMs });
    else if (error === null) this.#ends.keepRun(run, 'done', { startedAtMs, result });
    else this.#ends.keepRun(run, 'failed', { startedAtMs, result, error: error.toBody() });
  }
}
