/** The tables of experiments and their runs. */
import { Experiment, Run, type RunState } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import type { WriteHandle } from './handles.ts';

export interface ExperimentTable {
  /** The newest first. */
  list(): Experiment[];
  /** Throws RL_NOT_FOUND. */
  get(id: number): Experiment;
  /** The newest of this kind with this very manifest. */
  find(kind: Experiment['kind'], manifest: Experiment['manifest']): Experiment | null;
  create(experiment: Pick<Experiment, 'name' | 'kind' | 'manifest'>): Experiment;
}

export interface RunTable {
  /** In order of creation. */
  ofExperiment(experimentId: number): Run[];
  /** Throws RL_NOT_FOUND. */
  get(id: number): Run;
  /** A run in state `running`. */
  start(experimentId: number, routeId: string | null): Run;
  /** Throws RL_NOT_FOUND. */
  end(id: number, state: Extract<RunState, 'done' | 'failed' | 'cancelled'>): Run;
}

type ExperimentRow = { id: number; name: string; kind: string; created_at_ms: number; manifest: string };
type RunRow = {
  id: number;
  experiment_id: number;
  route_id: string | null;
  state: string;
  started_at_ms: number;
  ended_at_ms: number | null;
  samples: number;
};

const toExperiment = (row: ExperimentRow): Experiment =>
  Experiment.parse({
    id: row.id,
    name: row.name,
    kind: row.kind,
    createdAtMs: row.created_at_ms,
    manifest: JSON.parse(row.manifest),
  });

const toRun = (row: RunRow): Run =>
  Run.parse({
    id: row.id,
    experimentId: row.experiment_id,
    routeId: row.route_id,
    state: row.state,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    samples: row.samples,
  });

export function experimentTable(db: WriteHandle, nowMs: () => number): ExperimentTable {
  const list = db.query<[], ExperimentRow>('SELECT * FROM experiment ORDER BY id DESC');
  const find = db.query<[number], ExperimentRow>('SELECT * FROM experiment WHERE id = ?');
  const same = db.query<[string, string], ExperimentRow>(
    'SELECT * FROM experiment WHERE kind = ? AND manifest = ? ORDER BY id DESC LIMIT 1',
  );
  const insert = db.command<[string, string, number, string]>(
    'INSERT INTO experiment (name, kind, created_at_ms, manifest) VALUES (?, ?, ?, ?)',
  );
  const get = (id: number): Experiment => {
    const row = find.get(id);
    if (row === undefined)
      throw new LabError('RL_NOT_FOUND', `There is no experiment ${id}`, { field: 'id' });
    return toExperiment(row);
  };
  return {
    list: () => list.all().map(toExperiment),
    get,
    find: (kind, manifest) => {
      const row = same.get(kind, JSON.stringify(manifest));
      return row === undefined ? null : toExperiment(row);
    },
    create: ({ name, kind, manifest }) => get(insert.run(name, kind, nowMs(), JSON.stringify(manifest)).id),
  };
}

/** `flush` is called before counts are read, so that they include what is still buffered. */
export function runTable(db: WriteHandle, nowMs: () => number, flush: () => void): RunTable {
  const ofExperiment = db.query<[number], RunRow>('SELECT * FROM run WHERE experiment_id = ? ORDER BY id');
  const find = db.query<[number], RunRow>('SELECT * FROM run WHERE id = ?');
  const insert = db.command<[number, string | null, number]>(
    "INSERT INTO run (experiment_id, route_id, state, started_at_ms) VALUES (?, ?, 'running', ?)",
  );
  const end = db.command<[string, number, number]>('UPDATE run SET state = ?, ended_at_ms = ? WHERE id = ?');
  const get = (id: number): Run => {
    flush();
    const row = find.get(id);
    if (row === undefined) throw new LabError('RL_NOT_FOUND', `There is no run ${id}`, { field: 'id' });
    return toRun(row);
  };
  return {
    ofExperiment: (experimentId) => {
      flush();
      return ofExperiment.all(experimentId).map(toRun);
    },
    get,
    start: (experimentId, routeId) => get(insert.run(experimentId, routeId, nowMs()).id),
    end: (id, state) => {
      end.run(state, nowMs(), id);
      return get(id);
    },
  };
}

/** A run that is still `running` when a store is opened died with its lab: it ended with its newest ping. */
export function markInterrupted(db: WriteHandle): void {
  db.command<[]>(
    `UPDATE run SET state = 'interrupted', ended_at_ms =
       max(started_at_ms, coalesce((SELECT max(at_us) / 1000.0 FROM ping WHERE run_id = run.id), 0))
     WHERE state = 'running'`,
  ).run();
}
