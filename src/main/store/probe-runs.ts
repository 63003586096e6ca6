/** The table of probe runs and their congestion series. A removed run can be restored until it is purged. */
import { appendSeries, type CongestionSeries, emptySeries } from '../../shared/congestion-series.ts';
import { LabError } from '../../shared/errors.ts';
import { ProbeRun, type ProbeSeries, senderFirst, type Vantage } from '../../shared/probes.ts';
import { decodeSeries, encodeSeries } from '../../shared/series-codec.ts';
import type { WriteHandle } from './handles.ts';

/** Runs whose id is less than `before`, so many of them. */
export interface RunPage {
  limit: number;
  before: number;
}

export interface ProbeRunTable {
  /** Newest first. */
  list(page: RunPage): ProbeRun[];
  /** Throws RL_NOT_FOUND, also for a removed run. */
  get(id: number): ProbeRun;
  /** A run of an experiment; `repetition` counts them. */
  create(run: Omit<ProbeRun, 'id' | 'createdAtMs' | 'series' | 'imported'>, experimentId: number): ProbeRun;
  /** Throws RL_NOT_FOUND. */
  experimentOf(id: number): number;
  /** Throws RL_NOT_FOUND. */
  update(id: number, changes: Partial<Omit<ProbeRun, 'id' | 'series' | 'imported'>>): ProbeRun;
  /** Adds what came after what is stored of the run’s series. */
  append(id: number, parts: readonly ProbeSeries[]): void;
  /** Null when there is none. Throws RL_DB_CORRUPT. */
  series(id: number, vantage: Vantage): CongestionSeries | null;
  /** The last of an experiment takes it with it. Throws RL_NOT_FOUND. */
  remove(id: number): void;
  /** Throws RL_NOT_FOUND when no such run was removed. */
  restore(id: number): ProbeRun;
}

type Row = {
  id: number;
  name: string;
  state: string;
  input: string | null;
  target: string;
  controller: string | null;
  created_at_ms: number;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  emulated: number;
  insecure: number;
  error: string | null;
  result: string | null;
  removed_at_ms: number | null;
  experiment_id: number;
};
type SpanRow = { run_id: number; vantage: Vantage; points: number; to_us: number };

const COLUMNS = [
  'name',
  'state',
  'input',
  'target',
  'controller',
  'created_at_ms',
  'started_at_ms',
  'ended_at_ms',
  'emulated',
  'insecure',
  'error',
  'result',
] as const satisfies readonly (keyof Row)[];

const json = (value: unknown): string | null => (value === null ? null : JSON.stringify(value));

const toRow = (run: ProbeRun): Omit<Row, 'removed_at_ms' | 'experiment_id'> => ({
  id: run.id,
  name: run.name,
  state: run.state,
  input: json(run.input),
  target: run.target,
  controller: run.controller,
  created_at_ms: run.createdAtMs,
  started_at_ms: run.startedAtMs,
  ended_at_ms: run.endedAtMs,
  emulated: Number(run.emulated),
  insecure: Number(run.insecure),
  error: json(run.error),
  result: json(run.result),
});

function fromRow(row: Row, spans: readonly SpanRow[]): ProbeRun {
  const parsed = (text: string | null): unknown => (text === null ? null : JSON.parse(text));
  try {
    const input = parsed(row.input) as ProbeRun['input'];
    return ProbeRun.parse({
      id: row.id,
      name: row.name,
      state: row.state,
      input,
      target: row.target,
      controller: row.controller,
      createdAtMs: row.created_at_ms,
      startedAtMs: row.started_at_ms,
      endedAtMs: row.ended_at_ms,
      emulated: row.emulated === 1,
      insecure: row.insecure === 1,
      imported: row.input === null,
      error: parsed(row.error),
      result: parsed(row.result),
      series: senderFirst(
        input?.mode,
        spans.map(({ vantage, points, to_us }) => ({ vantage, points, spanUs: to_us })),
      ),
    });
  } catch (thrown) {
    throw corrupt(row.id, thrown);
  }
}

const corrupt = (id: number, cause: unknown): LabError =>
  new LabError('RL_DB_CORRUPT', `Probe run ${id} is stored with values it cannot have`, { cause });

export function probeRunTable(db: WriteHandle, nowMs: () => number): ProbeRunTable {
  const list = db.query<[number, number], Row>(
    'SELECT * FROM probe_run WHERE removed_at_ms IS NULL AND id < ? ORDER BY id DESC LIMIT ?',
  );
  const find = db.query<[number], Row>('SELECT * FROM probe_run WHERE id = ?');
  const spans = db.query<[number, number], SpanRow>(
    `SELECT run_id, vantage, sum(points) AS points, max(to_us) AS to_us FROM probe_series
     WHERE run_id BETWEEN ? AND ? GROUP BY run_id, vantage`,
  );
  const spansOf = db.query<[number], SpanRow>(
    `SELECT run_id, vantage, sum(points) AS points, max(to_us) AS to_us FROM probe_series
     WHERE run_id = ? GROUP BY vantage`,
  );
  const insert = db.command<[Record<string, string | number | null>]>(
    `INSERT INTO probe_run (experiment_id, repetition, ${COLUMNS.join(', ')}) VALUES (@experiment,
       (SELECT coalesce(max(repetition) + 1, 0) FROM probe_run WHERE experiment_id = @experiment),
       ${COLUMNS.map((name) => `@${name}`).join(', ')})`,
  );
  const overwrite = db.command<[Record<string, string | number | null>]>(
    `UPDATE probe_run SET ${COLUMNS.map((name) => `${name} = @${name}`).join(', ')} WHERE id = @id`,
  );
  const mark = db.command<[number | null, number]>('UPDATE probe_run SET removed_at_ms = ? WHERE id = ?');
  const markEmpty = db.command<[{ experiment: number; at: number }]>(
    `UPDATE experiment SET removed_at_ms = @at WHERE id = @experiment AND NOT EXISTS
       (SELECT 1 FROM probe_run WHERE experiment_id = @experiment AND removed_at_ms IS NULL)`,
  );
  const markPresent = db.command<[number]>('UPDATE experiment SET removed_at_ms = NULL WHERE id = ?');
  const nextPart = db.column<[number, string], number>(
    'SELECT coalesce(max(part) + 1, 0) FROM probe_series WHERE run_id = ? AND vantage = ?',
  );
  const addPart = db.command<[number, string, number, number, number, Uint8Array]>(
    'INSERT INTO probe_series (run_id, vantage, part, points, to_us, data) VALUES (?, ?, ?, ?, ?, ?)',
  );
  const parts = db.column<[number, string], Uint8Array>(
    'SELECT data FROM probe_series WHERE run_id = ? AND vantage = ? ORDER BY part',
  );

  const present = (id: number, removed: boolean): Row => {
    const row = find.get(id);
    if (row !== undefined && (row.removed_at_ms !== null) === removed) return row;
    const what = removed ? 'removed probe run' : 'probe run';
    throw new LabError('RL_NOT_FOUND', `There is no ${what} ${id}`, { field: 'id' });
  };
  const get = (id: number): ProbeRun => fromRow(present(id, false), spansOf.all(id));

  return {
    list: ({ limit, before }) => {
      const rows = list.all(before, limit);
      if (rows.length === 0) return [];
      const byRun = Map.groupBy(spans.all(rows.at(-1)!.id, rows[0]!.id), ({ run_id }) => run_id);
      return rows.map((row) => fromRow(row, byRun.get(row.id) ?? []));
    },
    get,
    create: (run, experiment) => {
      const whole = { ...run, id: 0, createdAtMs: nowMs(), series: [], imported: run.input === null };
      const { id, ...row } = toRow(whole);
      return get(insert.run({ ...row, experiment }).id);
    },
    update: (id, changes) =>
      db.transaction(() => {
        overwrite.run(toRow({ ...get(id), ...changes }));
        return get(id);
      }),
    append: (id, added) =>
      db.transaction(() => {
        for (const { vantage, series } of added) {
          const { tUs, phases } = series;
          if (tUs.length + phases.length === 0) continue;
          const part = nextPart.get(id, vantage)!;
          addPart.run(id, vantage, part, tUs.length, Math.round(tUs.at(-1) ?? 0), encodeSeries(series));
        }
      }),
    series: (id, vantage) => {
      const stored = parts.all(id, vantage);
      if (stored.length === 0) return null;
      const series = emptySeries();
      try {
        for (const part of stored) appendSeries(series, decodeSeries(part));
      } catch (thrown) {
        throw corrupt(id, thrown);
      }
      return series;
    },
    experimentOf: (id) => present(id, false).experiment_id,
    remove: (id) =>
      db.transaction(() => {
        const { experiment_id: experiment } = present(id, false);
        const at = nowMs();
        mark.run(at, id);
        markEmpty.run({ experiment, at });
      }),
    restore: (id) =>
      db.transaction(() => {
        markPresent.run(present(id, true).experiment_id);
        mark.run(null, id);
        return get(id);
      }),
  };
}

/** When a store is opened, no run is under way: what was died with its lab. */
export function interruptProbeRuns(db: WriteHandle): void {
  db.command<[]>(
    `UPDATE probe_run SET state = 'interrupted', ended_at_ms = coalesce(started_at_ms, created_at_ms) +
       coalesce((SELECT max(to_us) / 1000.0 FROM probe_series WHERE run_id = probe_run.id), 0)
     WHERE state IN ('queued', 'running')`,
  ).run();
}
