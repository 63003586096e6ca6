/** The table of experiments. One that was removed can be restored until it is purged; one being imported is not there yet. */
import { RunState } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import {
  Experiment,
  type ExperimentKind,
  ExperimentOrder,
  type ExperimentPatch,
  type RunCounts,
} from '../../shared/experiments.ts';
import type { WriteHandle } from './handles.ts';

interface ExperimentFilter {
  kind?: ExperimentKind | undefined;
  tag?: string | undefined;
  /** Part of name or notes. */
  text?: string | undefined;
  /** Those removed instead of those present. */
  removed?: boolean | undefined;
  /** With a run in this state. */
  state?: RunState | undefined;
  /** Default `newest`. */
  order?: ExperimentOrder | undefined;
  limit?: number | undefined;
  offset?: number | undefined;
}

type NewExperiment = Pick<Experiment, 'name' | 'kind' | 'manifest'> &
  Partial<Pick<Experiment, 'notes' | 'tags' | 'createdAtMs'>>;

export interface ExperimentTable {
  /** A page, and how many there are in all. */
  list(filter?: ExperimentFilter): { experiments: Experiment[]; total: number };
  /** Throws RL_NOT_FOUND, also for a removed one. */
  get(id: number): Experiment;
  /** The newest of this kind with this very manifest that was measured here. */
  find(kind: ExperimentKind, manifest: Experiment['manifest']): Experiment | null;
  create(experiment: NewExperiment): Experiment;
  /** Throws RL_NOT_FOUND. */
  update(id: number, patch: ExperimentPatch): Experiment;
  /** Pinned, it takes the place of the baseline of its kind, a removed one's too. Throws RL_NOT_FOUND. */
  pin(id: number, pinned: boolean): Experiment;
  /** The baseline of the kind. */
  pinnedOf(kind: ExperimentKind): Experiment | null;
  /** With its runs. Throws RL_NOT_FOUND. */
  remove(id: number): void;
  /** With the runs that were removed with it. Throws RL_NOT_FOUND when no such experiment was removed. */
  restore(id: number): Experiment;
}

type Row = {
  id: number;
  name: string;
  kind: string;
  created_at_ms: number;
  manifest: string;
  notes: string;
  tags: string;
  pinned: number;
  imported: number;
  removed_at_ms: number | null;
};

const noRuns = (): RunCounts => Object.fromEntries(RunState.options.map((state) => [state, 0])) as RunCounts;

function fromRow(row: Row, runs: RunCounts): Experiment {
  try {
    return Experiment.parse({
      id: row.id,
      name: row.name,
      kind: row.kind,
      notes: row.notes,
      tags: JSON.parse(row.tags),
      pinned: row.pinned === 1,
      imported: row.imported === 1,
      createdAtMs: row.created_at_ms,
      deletedAtMs: row.removed_at_ms,
      manifest: JSON.parse(row.manifest),
      runs,
    });
  } catch (cause) {
    throw new LabError('RL_DB_CORRUPT', `Experiment ${row.id} is stored with values it cannot have`, {
      cause,
    });
  }
}

type Filter = {
  kind: string | null;
  tag: string | null;
  text: string | null;
  state: string | null;
  removed: number;
};
const MATCHING = `FROM experiment WHERE importing = 0 AND (removed_at_ms IS NOT NULL) = @removed
  AND (@kind IS NULL OR kind = @kind)
  AND (@tag IS NULL OR EXISTS (SELECT 1 FROM json_each(tags) WHERE value = @tag))
  AND (@text IS NULL OR name LIKE @text ESCAPE '\\' OR notes LIKE @text ESCAPE '\\')
  AND (@state IS NULL OR EXISTS (SELECT 1 FROM experiment_run WHERE experiment_id = experiment.id AND state = @state))`;

const ORDERS: Readonly<Record<ExperimentOrder, string>> = {
  newest: 'created_at_ms DESC, id DESC',
  oldest: 'created_at_ms, id',
  name: 'name COLLATE NOCASE, id DESC',
  kind: 'kind, created_at_ms DESC, id DESC',
  runs: '(SELECT count(*) FROM experiment_run WHERE experiment_id = experiment.id) DESC, id DESC',
};

export function experimentTable(db: WriteHandle, nowMs: () => number): ExperimentTable {
  const page = (order: ExperimentOrder) =>
    db.query<[Filter & { limit: number; offset: number }], Row>(
      `SELECT * ${MATCHING} ORDER BY ${ORDERS[order]} LIMIT @limit OFFSET @offset`,
    );
  const pages = Object.fromEntries(ExperimentOrder.options.map((order) => [order, page(order)])) as Record<
    ExperimentOrder,
    ReturnType<typeof page>
  >;
  const count = db.column<[Filter], number>(`SELECT count(*) ${MATCHING}`);
  const find = db.query<[number], Row>('SELECT * FROM experiment WHERE id = ? AND importing = 0');
  const same = db.query<[string, string], Row>(
    `SELECT * FROM experiment WHERE kind = ? AND manifest = ? AND removed_at_ms IS NULL AND importing = 0 AND imported = 0
     ORDER BY id DESC LIMIT 1`,
  );
  const states = db.query<[string], { experiment_id: number; state: RunState; n: number }>(
    `SELECT experiment_id, state, count(*) AS n FROM experiment_run
     WHERE experiment_id IN (SELECT value FROM json_each(?)) GROUP BY experiment_id, state`,
  );
  const insert = db.command<[string, string, number, string, string, string, number]>(
    `INSERT INTO experiment (name, kind, created_at_ms, manifest, notes, tags, imported)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const overwrite = db.command<[string, string, string, number]>(
    'UPDATE experiment SET name = ?, notes = ?, tags = ? WHERE id = ?',
  );
  const unpin = db.command<[string]>('UPDATE experiment SET pinned = 0 WHERE kind = ?');
  const setPinned = db.command<[number, number]>('UPDATE experiment SET pinned = ? WHERE id = ?');
  const pinnedOf = db.query<[string], Row>(
    'SELECT * FROM experiment WHERE kind = ? AND pinned = 1 AND removed_at_ms IS NULL AND importing = 0',
  );
  const mark = db.command<[number | null, number]>('UPDATE experiment SET removed_at_ms = ? WHERE id = ?');
  const markProbes = db.command<[number | null, number, number | null]>(
    'UPDATE probe_run SET removed_at_ms = ? WHERE experiment_id = ? AND removed_at_ms IS ?',
  );

  const withRuns = (rows: readonly Row[]): Experiment[] => {
    const counted = Map.groupBy(
      states.all(JSON.stringify(rows.map(({ id }) => id))),
      ({ experiment_id }) => experiment_id,
    );
    return rows.map((row) => {
      const runs = noRuns();
      for (const { state, n } of counted.get(row.id) ?? []) runs[state] = n;
      return fromRow(row, runs);
    });
  };
  const present = (id: number, removed: boolean): Row => {
    const row = find.get(id);
    if (row !== undefined && (row.removed_at_ms !== null) === removed) return row;
    const what = removed ? 'removed experiment' : 'experiment';
    throw new LabError('RL_NOT_FOUND', `There is no ${what} ${id}`, { field: 'id' });
  };
  const get = (id: number): Experiment => withRuns([present(id, false)])[0]!;

  return {
    list: ({ kind, tag, text, state, order = 'newest', removed = false, limit = -1, offset = 0 } = {}) => {
      const filter = {
        kind: kind ?? null,
        tag: tag ?? null,
        text: text === undefined ? null : `%${text.replace(/[\\%_]/g, '\\$&')}%`,
        state: state ?? null,
        removed: Number(removed),
      };
      return {
        experiments: withRuns(pages[order].all({ ...filter, limit, offset })),
        total: count.get(filter)!,
      };
    },
    get,
    find: (kind, manifest) => {
      const row = same.get(kind, JSON.stringify(manifest));
      return row === undefined ? null : withRuns([row])[0]!;
    },
    create: ({ name, kind, manifest, notes = '', tags = [], createdAtMs = nowMs() }) =>
      get(
        insert.run(
          name,
          kind,
          createdAtMs,
          JSON.stringify(manifest),
          notes,
          JSON.stringify(tags),
          Number(kind === 'import'),
        ).id,
      ),
    update: (id, patch) =>
      db.transaction(() => {
        const { name, notes, tags } = { ...get(id), ...patch };
        overwrite.run(name, notes, JSON.stringify(tags), id);
        return get(id);
      }),
    pin: (id, pinned) =>
      db.transaction(() => {
        const { kind } = get(id);
        if (pinned) unpin.run(kind);
        setPinned.run(Number(pinned), id);
        return get(id);
      }),
    pinnedOf: (kind) => {
      const row = pinnedOf.get(kind);
      return row === undefined ? null : withRuns([row])[0]!;
    },
    remove: (id) =>
      db.transaction(() => {
        present(id, false);
        const atMs = nowMs();
        mark.run(atMs, id);
        markProbes.run(atMs, id, null);
      }),
    restore: (id) =>
      db.transaction(() => {
        markProbes.run(null, id, present(id, true).removed_at_ms);
        mark.run(null, id);
        return get(id);
      }),
  };
}
