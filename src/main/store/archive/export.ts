/** An experiment out of the database, table by table and in parts: nothing holds the database for longer than one part takes. */
import { CONGESTION_COLUMNS } from '../../../shared/congestion-series.ts';
import { LabError } from '../../../shared/errors.ts';
import type { Metrics } from '../../../shared/experiments.ts';
import type { Vantage } from '../../../shared/probes.ts';
import type { ReadHandle } from '../handles.ts';
import type { ProbeRunTable } from '../probe-runs.ts';
import {
  type ArchiveTable,
  CONGESTION,
  CONGESTION_PHASE,
  EXPERIMENT,
  PROBE_RUN,
  type Row,
  RUN,
  SAMPLES,
  type SampleTable,
  type Value,
} from './tables.ts';

/** Rows of one part, and runs, whose JSON may be long. */
const PART = 5000;
const RUNS = 100;

export interface ArchivedTable {
  table: ArchiveTable;
  /** Its rows in parts. */
  parts(): Generator<Row[]>;
}

/** By the run's id. */
export type RunResults = ReadonlyMap<number, Metrics | null>;

type Stored = Record<string, Value>;

const names = (table: ArchiveTable): string[] => table.columns.map(({ name }) => name);

/**
 * The tables of an experiment's archive. Runs are numbered from 1 on, so that the same experiment makes the same archive in every
 * lab. Throws RL_NOT_FOUND.
 */
export function archiveExport(
  db: ReadHandle,
  probes: Pick<ProbeRunTable, 'series'>,
): (experimentId: number, results?: RunResults) => ArchivedTable[] {
  const experiment = db.query<[number], Stored>(
    `SELECT ${names(EXPERIMENT).join(', ')} FROM experiment WHERE id = ? AND importing = 0`,
  );
  const runIds = db.column<[number], number>('SELECT id FROM run WHERE experiment_id = ? ORDER BY id');
  const run = db.query<[number], Stored>(`SELECT ${names(RUN).join(', ')} FROM run WHERE id = ?`);
  const probeIds = db.column<[number], number>(
    'SELECT id FROM probe_run WHERE experiment_id = ? AND removed_at_ms IS NULL ORDER BY id',
  );
  const probeRun = db.query<[number], Stored>(
    `SELECT ${names(PROBE_RUN).join(', ')} FROM probe_run WHERE id = ?`,
  );
  const samples = SAMPLES.map((table) => ({ table, read: sampleReader(db, table) }));

  return (experimentId, results) => {
    const runRow = (id: number): Stored => {
      const row = run.get(id)!;
      const result = results?.get(id) ?? null;
      return row['result'] === null && result !== null ? { ...row, result: JSON.stringify(result) } : row;
    };
    const row = experiment.get(experimentId);
    if (row === undefined)
      throw new LabError('RL_NOT_FOUND', `There is no experiment ${experimentId}`, { field: 'id' });
    const runs = runIds.all(experimentId);
    const probeRuns = probeIds.all(experimentId);
    return [
      {
        table: EXPERIMENT,
        *parts() {
          yield [names(EXPERIMENT).map((name) => row[name]!)];
        },
      },
      numbered(RUN, runs, runRow),
      numbered(PROBE_RUN, probeRuns, (id) => probeRun.get(id)!),
      ...samples.map(({ table, read }) => ({
        table,
        *parts() {
          for (const [i, id] of runs.entries()) yield* read(id, i + 1);
        },
      })),
      ...[CONGESTION, CONGESTION_PHASE].map((table) => ({
        table,
        *parts() {
          for (const [i, id] of probeRuns.entries())
            for (const vantage of ['client', 'server'] as const)
              yield* congestionParts(table, probes, id, vantage, i + 1);
        },
      })),
    ];
  };
}

const numbered = (
  table: ArchiveTable,
  ids: readonly number[],
  read: (id: number) => Stored,
): ArchivedTable => ({
  table,
  *parts() {
    for (let from = 0; from < ids.length; from += RUNS)
      yield ids.slice(from, from + RUNS).map((id, i) => {
        const row: Stored = { ...read(id), id: from + i + 1 };
        return names(table).map((name) => row[name]!);
      });
  },
});

function sampleReader(
  db: ReadHandle,
  table: SampleTable,
): (runId: number, number: number) => Generator<Row[]> {
  const columns = names(table).slice(1);
  const after = table.key.map((_, i) => `@k${i}`).join(', ');
  const query = db.query<[Record<string, string | number>], Stored>(
    `SELECT ${columns.join(', ')} FROM ${table.name}
     WHERE run_id = @run AND (${table.key.join(', ')}) > (${after}) ORDER BY ${table.key.join(', ')} LIMIT ${PART}`,
  );
  return function* (runId, number) {
    // Before every key: no time is before it, no text before ''.
    let key: (string | number)[] = table.key.map((name) =>
      name === 'at_us' ? -Number.MAX_SAFE_INTEGER : '',
    );
    for (;;) {
      const at = Object.fromEntries(key.map((value, i) => [`k${i}`, value]));
      const rows = query.all({ run: runId, ...at });
      if (rows.length === 0) return;
      yield rows.map((row) => [number, ...columns.map((name) => row[name]!)]);
      if (rows.length < PART) return;
      const last = rows.at(-1)!;
      key = table.key.map((name) => last[name] as string | number);
    }
  };
}

function* congestionParts(
  table: ArchiveTable,
  probes: Pick<ProbeRunTable, 'series'>,
  id: number,
  vantage: Vantage,
  number: number,
): Generator<Row[]> {
  const series = probes.series(id, vantage);
  if (series === null) return;
  const rows: Row[] =
    table === CONGESTION_PHASE
      ? series.phases.map(({ fromUs, state }) => [number, vantage, fromUs, state])
      : series.tUs.map((tUs, i) => [
          number,
          vantage,
          tUs,
          ...CONGESTION_COLUMNS.map((name) => series[name][i]!),
        ]);
  for (let from = 0; from < rows.length; from += PART) yield rows.slice(from, from + PART);
}
