/**
 * An experiment into the database, part by part. Nobody sees anything of it until its last row is there: until then it is
 * marked as being imported, and whatever is so when a store is opened is given up (purge.ts).
 */
import { CONGESTION_COLUMNS, type CongestionSeries, emptySeries } from '../../../shared/congestion-series.ts';
import { RunState } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { Experiment, Manifest, Metrics } from '../../../shared/experiments.ts';
import { ProbeRun, Vantage } from '../../../shared/probes.ts';
import type { WriteHandle } from '../handles.ts';
import type { ProbeRunTable } from '../probe-runs.ts';
import { IMPORTING } from '../purge.ts';
import {
  type ArchiveTable,
  CONGESTION,
  CONGESTION_PHASE,
  type Column,
  EXPERIMENT,
  PROBE_RUN,
  type Row,
  RUN,
  SAMPLES,
  TABLES,
  type Value,
} from './tables.ts';

/** Runs of one archive, and rows of all its tables. */
const LIMITS = { runs: 100_000, rows: 100_000_000 } as const;

const invalid = (message: string, cause?: unknown): LabError =>
  new LabError('RL_INPUT_INVALID', `file: ${message}`, { field: 'file', cause });

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
    /** Congestion comes before its phases: both are stored at the end. */
    const series = new Map<string, { run: number; vantage: Vantage; series: CongestionSeries }>();

    const experimentHere = (): number => {
      if (experimentId === null) throw invalid('holds rows before its experiment');
      return experimentId;
    };
    const idOf = (ids: ReadonlyMap<number, number>, table: ArchiveTable, run: Value | undefined): number => {
      const id = ids.get(run as number);
      if (id === undefined) throw invalid(`${table.name}: there is no run ${run}`);
      return id;
    };
    const seriesOf = (table: ArchiveTable, [run, vantage]: Row): CongestionSeries => {
      idOf(probeIds, table, run);
      const key = `${run} ${vantage}`;
      const known = series.get(key) ?? {
        run: run as number,
        vantage: checked(table, () => Vantage.parse(vantage)),
        series: emptySeries(),
      };
      series.set(key, known);
      return known.series;
    };

    function putRow(table: ArchiveTable, row: Row): void {
      const [number, ...rest] = row;
      switch (table) {
        case EXPERIMENT:
          if (experimentId !== null) throw invalid('holds several experiments');
          checked(table, () => checkExperiment(row));
          experimentId = insertExperiment.run(...row, IMPORTING.underWay, 1).id;
          return;
        case RUN:
          if (runIds.size >= LIMITS.runs) throw invalid(`holds over ${LIMITS.runs} runs`);
          checked(table, () => checkRun(row));
          runIds.set(number as number, insertRun.run(experimentHere(), ...ended(table, rest)).id);
          return;
        case PROBE_RUN:
          if (probeIds.size >= LIMITS.runs) throw invalid(`holds over ${LIMITS.runs} runs`);
          checked(table, () => checkProbeRun(row));
          probeIds.set(number as number, insertProbe.run(experimentHere(), ...ended(table, rest), 0).id);
          return;
        case CONGESTION: {
          const into = seriesOf(table, row);
          const [, tUs, ...values] = rest as [Value, number, ...(number | null)[]];
          if (tUs < (into.tUs.at(-1) ?? 0)) throw invalid('congestion: times fall');
          into.tUs.push(tUs);
          for (const [i, name] of CONGESTION_COLUMNS.entries()) into[name].push(values[i]!);
          return;
        }
        case CONGESTION_PHASE: {
          const [, fromUs, state] = rest as [Value, number, string];
          seriesOf(table, row).phases.push({ fromUs, state });
          return;
        }
        default:
          insertSample.get(table.name)!.run(idOf(runIds, table, number), ...rest);
      }
    }

    return {
      put: (table, rows) => {
        rowsSoFar += rows.length;
        if (rowsSoFar > LIMITS.rows) throw invalid(`holds over ${LIMITS.rows} rows`);
        for (const row of rows) checkTypes(table, row);
        db.transaction(() => {
          for (const row of rows) {
            try {
              putRow(table, row);
            } catch (thrown) {
              // Keys that are there twice, or values that STRICT tables refuse.
              const { code } = thrown as { code?: string };
              if (!code?.startsWith('SQLITE_CONSTRAINT')) throw thrown;
              throw invalid(`${table.name}: ${(thrown as Error).message}`, thrown);
            }
          }
        });
      },
      commit: () => {
        const id = experimentId;
        if (id === null) throw invalid('holds no experiment');
        db.transaction(() => {
          for (const { run, vantage, series: whole } of series.values())
            probes.append(probeIds.get(run)!, [{ vantage, series: whole }]);
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

/** The table of this name, with the given columns put into its order. Throws RL_INPUT_INVALID for other columns. */
export function tableOf(name: string, columns: readonly string[]): { table: ArchiveTable; order: number[] } {
  const table = TABLES.find((each) => each.name === name);
  if (table === undefined) throw invalid(`there is no table "${shortly(name)}"`);
  const order = table.columns.map((column) => columns.indexOf(column.name));
  const missing = table.columns.find((_, i) => order[i]! < 0);
  if (missing !== undefined) throw invalid(`${name}: has no column ${missing.name}`);
  const unknown = columns.find((column) => table.columns.every((each) => each.name !== column));
  if (unknown !== undefined) throw invalid(`${name}: no such column "${shortly(unknown)}"`);
  return { table, order };
}

const shortly = (text: string): string => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function checkTypes(table: ArchiveTable, row: Row): void {
  for (const [i, column] of table.columns.entries()) {
    const wrong = wrongWith(column, row[i]);
    if (wrong !== null)
      throw invalid(`${table.name}.${column.name}: ${shortly(JSON.stringify(row[i]) ?? 'missing')} ${wrong}`);
  }
}

function wrongWith({ type, nullable }: Column, value: Value | undefined): string | null {
  if (value === null) return nullable ? null : 'is missing';
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value) && (value as number) >= 0 ? null : 'is no whole number from 0 on';
    case 'real':
      return Number.isFinite(value) && (value as number) >= 0 ? null : 'is no number from 0 on';
    case 'text':
    case 'json':
      return typeof value === 'string' ? null : 'is no text';
  }
}

function checked<T>(table: ArchiveTable, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const issue = (thrown as { issues?: { path: PropertyKey[]; message: string }[] }).issues?.[0];
    const what =
      issue === undefined ? (thrown as Error).message : `${issue.path.join('.')}: ${issue.message}`;
    throw invalid(`${table.name}: ${shortly(what)}`, thrown);
  }
}

const json = (text: Value | undefined): unknown => (text === null ? null : JSON.parse(text as string));

function checkExperiment([name, kind, notes, tags, , manifest]: Row): void {
  const { name: _, ...fields } = Experiment.shape;
  fields.kind.parse(kind);
  Experiment.shape.name.parse(name);
  fields.notes.parse(notes);
  fields.tags.parse(json(tags));
  const told = fields.manifest.parse(json(manifest));
  // Those of older labs are kept as they are.
  if (told['manifest'] === Manifest.shape.manifest.value) Manifest.parse(told);
}

function checkRun([, , , state, , , , parameters, result, error]: Row): void {
  RunState.parse(state);
  Experiment.shape.manifest.parse(json(parameters));
  Metrics.nullable().parse(json(result));
  ProbeRun.shape.error.parse(json(error));
}

function checkProbeRun(row: Row): void {
  const [, name, , state, input, target, controller, , , , emulated, insecure, error, result] = row;
  const { shape } = ProbeRun;
  shape.name.parse(name);
  shape.state.parse(state);
  shape.input.parse(json(input));
  shape.target.parse(target);
  shape.controller.parse(controller);
  shape.error.parse(json(error));
  shape.result.parse(json(result));
  if (![0, 1].includes(emulated as number) || ![0, 1].includes(insecure as number))
    throw new Error('emulated and insecure are 0 or 1');
}

/** What was under way when it was exported is not under way here. */
function ended(table: ArchiveTable, rest: readonly Value[]): Value[] {
  const at = table.columns.findIndex(({ name }) => name === 'state') - 1;
  return rest.map((value, i) =>
    i === at && (value === 'queued' || value === 'running') ? 'interrupted' : value,
  );
}
