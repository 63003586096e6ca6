/** The table of runs, and the view that has those of probes beside them. */
import type { RunState } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { Run } from '../../shared/experiments.ts';
import { probeMetrics } from '../../shared/metrics.ts';
import type { WriteHandle } from './handles.ts';
import type { History } from './rollups/history.ts';
import { type AddingUp, resultCommand, runMetrics } from './run-metrics.ts';

type Outcome = Partial<Pick<Run, 'result' | 'error' | 'startedAtMs' | 'endedAtMs'>>;

export interface RunTable {
  /** In order of creation, those of probes among them; all unless a page is asked for. */
  ofExperiment(experimentId: number, page?: { limit: number; offset: number }): Run[];
  /** Throws RL_NOT_FOUND. */
  get(id: number): Run;
  /** A run of a route's monitor, in state `running`. */
  start(experimentId: number, routeId: string, key?: string): Run;
  /**
   * Runs that wait for their turn, all or none; where there is one of this key and repetition that came to nothing, it is that
   * one. Throws RL_CONFLICT where one is done or under way.
   */
  queue(experimentId: number, runs: readonly Pick<Run, 'key' | 'repetition' | 'parameters'>[]): Run[];
  /** From `queued` to `running`. Throws RL_NOT_FOUND. */
  begin(id: number): Run;
  /** What the run of a monitor has come to by now, from its samples; stored, if that can be, of one that is over. */
  addUp(id: number): AddingUp;
  /**
   * Its samples are stored before: nothing must be missing when they are added up. It ended now, and began when it was begun, unless
   * `outcome` says otherwise. Throws RL_NOT_FOUND.
   */
  end(id: number, state: Extract<RunState, 'done' | 'failed' | 'cancelled'>, outcome?: Outcome): Run;
}

type Row = {
  source: 'run' | 'probe';
  id: number;
  experiment_id: number;
  key: string;
  repetition: number;
  route_id: string | null;
  state: string;
  created_at_ms: number;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  parameters: string;
  result: string | null;
  error: string | null;
  samples: number | null;
};

function fromRow(row: Row): Run {
  try {
    const result = row.result === null ? null : JSON.parse(row.result);
    return Run.parse({
      source: row.source,
      id: row.id,
      experimentId: row.experiment_id,
      key: row.key,
      repetition: row.repetition,
      routeId: row.route_id,
      state: row.state,
      createdAtMs: row.created_at_ms,
      startedAtMs: row.started_at_ms,
      endedAtMs: row.ended_at_ms,
      parameters: JSON.parse(row.parameters),
      result: result !== null && row.source === 'probe' ? probeMetrics(result) : result,
      error: row.error === null ? null : JSON.parse(row.error),
      samples: row.samples,
    });
  } catch (cause) {
    throw new LabError('RL_DB_CORRUPT', `Run ${row.id} is stored with values it cannot have`, { cause });
  }
}

const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));

interface Around {
  nowMs: () => number;
  /** Called before counts are read, so that they include what is still buffered. */
  flush: () => void;
  /** The same, but throws why something cannot be stored. */
  drain: () => void;
  past: History;
}

export function runTable(db: WriteHandle, { nowMs, flush, drain, past }: Around): RunTable {
  const ofExperiment = db.query<[number, number, number], Row>(
    'SELECT * FROM experiment_run WHERE experiment_id = ? ORDER BY created_at_ms, id LIMIT ? OFFSET ?',
  );
  const find = db.query<[number], Row>("SELECT * FROM experiment_run WHERE source = 'run' AND id = ?");
  const nextRepetition = db.column<[number, string], number>(
    'SELECT coalesce(max(repetition) + 1, 0) FROM run WHERE experiment_id = ? AND key = ?',
  );
  const insert = db.command<[number, string, number, string | null, string, string, number, number | null]>(
    `INSERT INTO run (experiment_id, key, repetition, route_id, parameters, state, created_at_ms, started_at_ms)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const same = db.column<[number, string, number], number>(
    'SELECT id FROM run WHERE experiment_id = ? AND key = ? AND repetition = ?',
  );
  const requeue = db.command<[string, number]>(
    `UPDATE run SET state = 'queued', parameters = ?, started_at_ms = NULL, ended_at_ms = NULL, result = NULL, error = NULL
     WHERE id = ? AND state IN ('failed', 'cancelled', 'interrupted')`,
  );
  const begin = db.command<[number, number]>(
    "UPDATE run SET state = 'running', started_at_ms = ? WHERE id = ? AND state = 'queued'",
  );
  const end = db.command<[string, number | null, number, string | null, string | null, number]>(
    `UPDATE run SET state = ?, started_at_ms = coalesce(started_at_ms, ?), ended_at_ms = ?, result = coalesce(?, result),
       error = ? WHERE id = ?`,
  );
  const metrics = runMetrics(db, past, nowMs);
  const storeResult = resultCommand(db);
  const get = (id: number): Run => {
    flush();
    const row = find.get(id);
    if (row === undefined) throw new LabError('RL_NOT_FOUND', `There is no run ${id}`, { field: 'id' });
    return fromRow(row);
  };
  return {
    ofExperiment: (experimentId, { limit, offset } = { limit: -1, offset: 0 }) => {
      flush();
      return ofExperiment.all(experimentId, limit, offset).map(fromRow);
    },
    get,
    start: (experimentId, routeId, key = routeId) =>
      db.transaction(() => {
        const atMs = nowMs();
        const repetition = nextRepetition.get(experimentId, key)!;
        return get(insert.run(experimentId, key, repetition, routeId, '{}', 'running', atMs, atMs).id);
      }),
    queue: (experimentId, runs) =>
      db.transaction(() =>
        runs.map(({ key, repetition, parameters }) => {
          const text = JSON.stringify(parameters);
          const before = same.get(experimentId, key, repetition);
          if (before === undefined)
            return get(insert.run(experimentId, key, repetition, null, text, 'queued', nowMs(), null).id);
          if (requeue.run(text, before).changes === 1) return get(before);
          throw new LabError('RL_CONFLICT', `Experiment ${experimentId} has run ${repetition} of "${key}"`, {
            field: 'repetition',
          });
        }),
      ),
    begin: (id) => {
      begin.run(nowMs(), id);
      return get(id);
    },
    *addUp(id) {
      const { state } = get(id);
      const result = yield* metrics(id);
      if (result === null || state === 'queued' || state === 'running') return result;
      try {
        storeResult.run(JSON.stringify(result), id);
      } catch (thrown) {
        // Who asks next adds it up again.
        if (!(thrown instanceof LabError)) throw thrown;
      }
      return result;
    },
    end: (id, state, { result = null, error = null, startedAtMs = null, endedAtMs = null } = {}) => {
      drain();
      end.run(state, startedAtMs, endedAtMs ?? nowMs(), json(result), json(error), id);
      return get(id);
    },
  };
}

/** A run that is still under way when a store is opened died with its lab: it ended with its newest ping. */
export function markInterrupted(db: WriteHandle): void {
  db.command<[]>(
    `UPDATE run SET state = 'interrupted', ended_at_ms =
       max(coalesce(started_at_ms, created_at_ms),
         coalesce((SELECT max(at_us) / 1000.0 FROM ping WHERE run_id = run.id), 0))
     WHERE state IN ('queued', 'running')`,
  ).run();
}
