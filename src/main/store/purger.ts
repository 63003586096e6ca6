/**
 * Deletes for good, in slices, what nobody can have back: probe runs and experiments that were removed long ago or half imported by
 * a lab that died, system samples, and values of data sources.
 */
import { REMOVED_KEPT_DAYS } from '../../shared/probes.ts';
import type { WriteHandle } from './handles.ts';
import { MINUTE_US } from './rollups/due.ts';

/** How long what has no table of its own in the retention is kept. */
export interface Kept {
  /** Values of data sources, days. */
  rawDays: number;
  /** Samples of the system, seconds. */
  systemS: number;
}

const DAY_MS = 86_400_000;
/** Tables of samples that roll-ups are made of (docs/store.md). */
const ROLLED_UP = ['ping', 'ping_skip', 'transfer', 'handshake'];
const AT_ONCE = 1000;

/** `step` deletes a slice of what is too old at `nowMs` (null: only what was given up); false when there is nothing. */
export function purger(
  db: WriteHandle,
  { rawDays, systemS }: Kept,
): { step(nowMs: number | null, isOver: () => boolean): boolean } {
  const tables = db
    .query<[], { name: string; dated: number }>(
      `SELECT name, EXISTS (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'at_us') AS dated
       FROM sqlite_schema AS t WHERE type = 'table' AND EXISTS (
         SELECT 1 FROM pragma_foreign_key_list(t.name) WHERE "table" = 'run')`,
    )
    .all();
  // Of a run, the samples of one table. The minutes that they were rolled up in are due again.
  const parts = tables.map(({ name, dated }) => {
    const first = `(SELECT at_us FROM ${name} WHERE run_id = @run ORDER BY at_us LIMIT ${AT_ONCE})`;
    const through = dated === 1 ? `AND at_us <= (SELECT max(at_us) FROM ${first})` : '';
    return {
      drop: db.command<[{ run: number }]>(`DELETE FROM ${name} WHERE run_id = @run ${through}`),
      mark: ROLLED_UP.includes(name)
        ? db.command<[{ run: number }]>(
            `INSERT INTO rollup_due SELECT DISTINCT route_id, 60, at_us - at_us % ${MINUTE_US} FROM ${first}
             JOIN run ON run.id = @run WHERE route_id IS NOT NULL ON CONFLICT DO NOTHING`,
          )
        : null,
    };
  });
  const experiment = db.column<[number], number>('SELECT id FROM experiment WHERE removed_at_ms < ? LIMIT 1');
  // From here on it cannot be restored.
  const giveUp = db.command<[number]>('UPDATE experiment SET importing = 1 WHERE id = ?');
  const runOf = db.column<[number], number>('SELECT id FROM run WHERE experiment_id = ? LIMIT 1');
  const dropRun = db.command<[number]>('DELETE FROM run WHERE id = ?');
  const dropProbe = db.command<[number]>(
    'DELETE FROM probe_run WHERE id = (SELECT id FROM probe_run WHERE experiment_id = ? LIMIT 1)',
  );
  const dropExperiment = db.command<[number]>('DELETE FROM experiment WHERE id = ?');
  const oldProbe = db.column<[number], number>('SELECT id FROM probe_run WHERE removed_at_ms < ? LIMIT 1');
  const dropOldProbe = db.command<[number]>('DELETE FROM probe_run WHERE id = ?');
  const oldSamples = db.command<[number]>(
    `DELETE FROM system_sample WHERE at_ms IN (SELECT at_ms FROM system_sample WHERE at_ms < ? LIMIT ${AT_ONCE})`,
  );
  const oldValues = db.command<[number]>(
    `DELETE FROM collected_value WHERE (series_id, at_ms) IN (
       SELECT series_id, at_ms FROM collected_value INDEXED BY collected_value_at WHERE at_ms < ? LIMIT ${AT_ONCE})`,
  );

  /** A piece of an experiment; false with the last. */
  const dropPiece = (id: number): boolean => {
    const run = runOf.get(id);
    if (run === undefined) {
      if (dropProbe.run(id).changes > 0) return true;
      dropExperiment.run(id);
      return false;
    }
    for (const { drop, mark } of parts) {
      mark?.run({ run });
      if (drop.run({ run }).changes > 0) return true;
    }
    dropRun.run(run);
    return true;
  };

  return {
    step: (nowMs, isOver) => {
      // What was given up bears the first moment there is.
      const removedMs = nowMs === null ? 1 : nowMs - REMOVED_KEPT_DAYS * DAY_MS;
      const gone = experiment.get(removedMs);
      if (gone !== undefined) {
        db.transaction(() => {
          giveUp.run(gone);
          while (dropPiece(gone) && !isOver());
        });
        return true;
      }
      if (nowMs === null) return false;
      const probe = oldProbe.get(removedMs);
      if (probe !== undefined) dropOldProbe.run(probe);
      return (
        probe !== undefined ||
        oldSamples.run(nowMs - systemS * 1000).changes > 0 ||
        oldValues.run(nowMs - rawDays * DAY_MS).changes > 0
      );
    },
  };
}
