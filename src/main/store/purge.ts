/**
 * What is gone for good: experiments and probe runs removed long ago, imports that were given up or whose lab died, old samples of
 * the system and values of data sources. Deleted in slices: samples go with their runs, whatever table they are in, and the
 * minutes of their routes are due again.
 */
import { REMOVED_KEPT_DAYS } from '../../shared/probes.ts';
import { SAMPLES, type SampleTable } from './archive/tables.ts';
import type { WriteHandle } from './handles.ts';
import { floorTo, MINUTE_US } from './rollups/due.ts';

/** What `experiment.importing` says of one. */
export const IMPORTING = { whole: 0, underWay: 1, gone: 2 } as const;

/** No import survives its lab. */
export function giveUpImports(db: WriteHandle): void {
  db.command<[]>(
    `UPDATE experiment SET importing = ${IMPORTING.gone} WHERE importing = ${IMPORTING.underWay}`,
  ).run();
}

export interface Purger {
  /** A slice; false when nothing is gone. `nowMs` null: what was removed stays for now. */
  step(nowMs: number | null, isOver: () => boolean): boolean;
}

/** How long what has no table of its own in the retention is kept. */
export interface Kept {
  /** Values of data sources, days. */
  rawDays: number;
  /** Samples of the system, seconds. */
  systemS: number;
}

/** Rows of samples that one statement deletes. */
const AT_ONCE = 1000;
const DAY_MS = 86_400_000;

type Gone = { id: number; route_id: string | null };

export function purger(db: WriteHandle, { rawDays, systemS }: Kept): Purger {
  // Once a part of it is deleted it must not be restored.
  const giveUp = db.command<[number]>(
    `UPDATE experiment SET importing = ${IMPORTING.gone} WHERE importing = ${IMPORTING.whole} AND removed_at_ms < ?`,
  );
  const gone = db.column<[], number>(`SELECT id FROM experiment WHERE importing = ${IMPORTING.gone} LIMIT 1`);
  const old = db.column<[number], number>(
    `SELECT 1 FROM experiment WHERE importing = ${IMPORTING.whole} AND removed_at_ms < ? LIMIT 1`,
  );
  const oldProbe = db.column<[number], number>('SELECT id FROM probe_run WHERE removed_at_ms < ? LIMIT 1');
  const runOf = db.query<[number], Gone>('SELECT id, route_id FROM run WHERE experiment_id = ? LIMIT 1');
  const probeOf = db.column<[number], number>('SELECT id FROM probe_run WHERE experiment_id = ? LIMIT 1');
  const samples = SAMPLES.map((table) => sampleDeleter(db, table));
  const others = db
    .column<[], string>(
      `SELECT name FROM sqlite_schema AS t WHERE type = 'table' AND EXISTS (
         SELECT 1 FROM pragma_foreign_key_list(t.name) WHERE "table" = 'run')`,
    )
    .all()
    .filter((name) => SAMPLES.every((table) => table.name !== name))
    .map((name) => db.command<[number]>(`DELETE FROM ${name} WHERE run_id = ?`));
  const dropRun = db.command<[number]>('DELETE FROM run WHERE id = ?');
  const dropProbe = db.command<[number]>('DELETE FROM probe_run WHERE id = ?');
  const drop = db.command<[number]>('DELETE FROM experiment WHERE id = ?');
  const oldSystem = db.command<[number]>(
    `DELETE FROM system_sample WHERE at_ms IN (SELECT at_ms FROM system_sample WHERE at_ms < ? LIMIT ${AT_ONCE})`,
  );
  const oldValues = db.command<[number]>(
    `DELETE FROM collected_value WHERE (series_id, at_ms) IN (
       SELECT series_id, at_ms FROM collected_value INDEXED BY collected_value_at WHERE at_ms < ? LIMIT ${AT_ONCE})`,
  );

  /** One piece of it; the last is the experiment itself. */
  const piece = (experiment: number): void => {
    const run = runOf.get(experiment);
    if (run !== undefined) {
      if (samples.some((some) => some(run))) return;
      for (const each of others) each.run(run.id);
      dropRun.run(run.id);
      return;
    }
    const probe = probeOf.get(experiment);
    if (probe !== undefined) dropProbe.run(probe);
    else drop.run(experiment);
  };

  return {
    step: (nowMs, isOver) => {
      const before = nowMs === null ? Number.MIN_SAFE_INTEGER : nowMs - REMOVED_KEPT_DAYS * DAY_MS;
      if (old.get(before) !== undefined) giveUp.run(before);
      if ((gone.get() ?? oldProbe.get(before)) === undefined) {
        if (nowMs === null) return false;
        return (
          oldSystem.run(nowMs - systemS * 1000).changes > 0 ||
          oldValues.run(nowMs - rawDays * DAY_MS).changes > 0
        );
      }
      db.transaction(() => {
        do {
          const experiment = gone.get();
          const probe = experiment === undefined ? oldProbe.get(before) : undefined;
          if (experiment !== undefined) piece(experiment);
          else if (probe !== undefined) dropProbe.run(probe);
          else return;
        } while (!isOver());
      });
      return true;
    },
  };
}

/** Deletes the first rows of a run; false when it has none. */
function sampleDeleter(db: WriteHandle, { name, key }: SampleTable): (run: Gone) => boolean {
  const columns = key.join(', ');
  const first = db.query<[number], Record<string, string | number>>(
    `SELECT ${columns} FROM ${name} WHERE run_id = ? ORDER BY ${columns} LIMIT ${AT_ONCE}`,
  );
  const remove = db.command<[Record<string, string | number>]>(
    `DELETE FROM ${name} WHERE run_id = @run AND (${columns}) <= (${key.map((part) => `@${part}`).join(', ')})`,
  );
  const due = db.command<[string, number]>('INSERT INTO rollup_due VALUES (?, 60, ?) ON CONFLICT DO NOTHING');
  const isRolledUp = name !== 'transport';
  return ({ id, route_id }) => {
    const rows = first.all(id);
    if (rows.length === 0) return false;
    remove.run({ run: id, ...rows.at(-1)! });
    if (isRolledUp && route_id !== null) {
      const minutes = new Set(rows.map((row) => floorTo(row['at_us'] as number, MINUTE_US)));
      for (const minute of minutes) due.run(route_id, minute);
    }
    return true;
  };
}
