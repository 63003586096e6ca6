/**
 * An experiment into the database, part by part. Nobody sees anything of it until its last row is there: until then it is
 * marked as being imported, and whatever is so when a store is opened is given up (purge.ts).
 */
import type { WriteHandle } from '../handles.ts';
import type { ProbeRunTable } from '../probe-runs.ts';
import { IMPORTING } from '../purge.ts';
import { checkedRow, invalid } from './rows.ts';
import { SeriesImport } from './series-import.ts';
import {
  type ArchiveTable,
  CONGESTION,
  CONGESTION_PHASE,
  EXPERIMENT,
  PROBE_RUN,
  type Row,
  RUN,
  SAMPLES,
  type Value,
} from './tables.ts';

const LIMITS = {
  /** Of one archive. */
  runs: 100_000,
  /** Characters of all of them: a report holds them at once. */
  runText: 128_000_000,
  /** Of all its tables. */
  rows: 100_000_000,
} as const;
/** Removed so late that it is never purged. */
const HIDDEN_AT_MS = 8.64e15;

export interface ArchiveImport {
  /** Rows in the order of the table's columns. Throws RL_INPUT_INVALID, field `file`. */
  put(table: ArchiveTable, rows: readonly Row[]): void;
  /** All of it is there: returns the experiment's id. Throws RL_INPUT_INVALID when it holds none. */
  commit(): number;
  /** Nobody sees what was not committed; upkeep deletes it. */
  discard(): void;
}

export function archiveImport(db: WriteHandle, probes: Pick<ProbeRunTable, 'append'>): () => ArchiveImport {
  const insertInto = (table: string, columns: readonly string[]) =>
    db.command<Value[]>(
      `INSERT INTO ${table} (${columns.join(', ')}) VALUES (${columns.map(() => '?').join(', ')})`,
    );
  const without = (table: ArchiveTable): string[] => table.columns.slice(1).map(({ name }) => name);
  const insertExperiment = insertInto('experiment', [
    ...EXPERIMENT.columns.map(({ name }) => name),
    'importing',
    'imported',
  ]);
  const insertRun = insertInto('run', ['experiment_id', ...without(RUN)]);
  // Hidden as if removed, until the whole experiment is there.
  const insertProbe = insertInto('probe_run', ['experiment_id', ...without(PROBE_RUN), 'removed_at_ms']);
  const insertSample = new Map(
    SAMPLES.map((table) => [table.name, insertInto(table.name, ['run_id', ...without(table)])]),
  );
  const show = db.command<[number]>('UPDATE experiment SET importing = 0 WHERE id = ?');
  const showProbes = db.command<[number]>(
    'UPDATE probe_run SET removed_at_ms = NULL WHERE experiment_id = ?',
  );
  const giveUp = db.command<[number]>(`UPDATE experiment SET importing = ${IMPORTING.gone} WHERE id = ?`);

  return () => {
    let experimentId: number | null = null;
    const runIds = new Map<number, number>();
    const probeIds = new Map<number, number>();
    let rowsSoFar = 0;
    let runText = 0;
    const series = new SeriesImport((id, part) => probes.append(id, [part]));

    const experimentHere = (): number => {
      if (experimentId === null) throw invalid('holds rows before its experiment');
      return experimentId;
    };
    const idOf = (ids: ReadonlyMap<number, number>, table: ArchiveTable, run: Value | undefined): number => {
      const id = ids.get(run as number);
      if (id === undefined) throw invalid(`${table.name}: there is no run ${run}`);
      return id;
    };
    const requireRoom = (ids: ReadonlyMap<number, number>, table: ArchiveTable, row: Row): void => {
      if (ids.has(row[0] as number)) throw invalid(`${table.name}: two have the id ${row[0]}`);
      if (ids.size >= LIMITS.runs) throw invalid(`holds over ${LIMITS.runs} runs`);
      for (const value of row) if (typeof value === 'string') runText += value.length;
      if (runText > LIMITS.runText) throw invalid(`its runs have over ${LIMITS.runText} characters`);
    };

    function putRow(table: ArchiveTable, row: Row): void {
      const [number, ...rest] = row;
      switch (table) {
        case EXPERIMENT:
          if (experimentId !== null) throw invalid('holds several experiments');
          experimentId = insertExperiment.run(...row, IMPORTING.underWay, 1).id;
          return;
        case RUN:
          requireRoom(runIds, table, row);
          runIds.set(number as number, insertRun.run(experimentHere(), ...ended(table, rest)).id);
          return;
        case PROBE_RUN:
          requireRoom(probeIds, table, row);
          probeIds.set(
            number as number,
            insertProbe.run(experimentHere(), ...ended(table, rest), HIDDEN_AT_MS).id,
          );
          return;
        case CONGESTION:
        case CONGESTION_PHASE:
          series.put(table, idOf(probeIds, table, number), row);
          return;
        default:
          insertSample.get(table.name)!.run(idOf(runIds, table, number), ...rest);
      }
    }

    return {
      put: (table, rows) => {
        rowsSoFar += rows.length;
        if (rowsSoFar > LIMITS.rows) throw invalid(`holds over ${LIMITS.rows} rows`);
        const checked = rows.map((row) => checkedRow(table, row));
        const before = experimentId;
        try {
          db.transaction(() => {
            for (const row of checked) putRow(table, row);
          });
        } catch (thrown) {
          // What was inserted is not there any more, and its id may soon be another's.
          experimentId = before;
          // Keys that are there twice, or values that STRICT tables refuse.
          const { code } = thrown as { code?: string };
          if (!code?.startsWith('SQLITE_CONSTRAINT')) throw thrown;
          throw invalid(`${table.name}: ${(thrown as Error).message}`, thrown);
        }
      },
      commit: () => {
        const id = experimentId;
        if (id === null) throw invalid('holds no experiment');
        db.transaction(() => {
          series.flush();
          showProbes.run(id);
          show.run(id);
        });
        return id;
      },
      discard: () => {
        if (experimentId !== null) giveUp.run(experimentId);
      },
    };
  };
}

/** What was under way when it was exported is not under way here. */
function ended(table: ArchiveTable, rest: readonly Value[]): Value[] {
  const at = table.columns.findIndex(({ name }) => name === 'state') - 1;
  return rest.map((value, i) =>
    i === at && (value === 'queued' || value === 'running') ? 'interrupted' : value,
  );
}
