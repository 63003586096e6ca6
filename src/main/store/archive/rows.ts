/** What rows of an archive must be: of their columns' types, within bounds, and what the lab can read back. */
import { RunState } from '../../../shared/domain.ts';
import { LabError } from '../../../shared/errors.ts';
import { Experiment, Manifest, Metrics } from '../../../shared/experiments.ts';
import { ProbeRun } from '../../../shared/probes.ts';
import { parseBounded } from './bounded-json.ts';
import {
  type ArchiveTable,
  type Column,
  EXPERIMENT,
  PROBE_RUN,
  type Row,
  RUN,
  TABLES,
  type Value,
} from './tables.ts';

export const invalid = (message: string, cause?: unknown): LabError =>
  new LabError('RL_INPUT_INVALID', `file: ${message}`, { field: 'file', cause });

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

/** The row as it is stored: JSON without blanks or line ends, whoever wrote it. Throws RL_INPUT_INVALID. */
export function checkedRow(table: ArchiveTable, row: Row): Row {
  const { name, columns } = table;
  for (let i = 0; i < columns.length; i++) {
    const wrong = wrongWith(columns[i]!, row[i]);
    if (wrong !== null)
      throw invalid(`${name}.${columns[i]!.name}: ${shortly(JSON.stringify(row[i]) ?? 'missing')} ${wrong}`);
  }
  const check = CHECKS.get(table);
  if (check === undefined) return row;
  const values = row.map((value, i) => (columns[i]!.type === 'json' ? json(table, i, value) : value));
  checked(table, () => check(values));
  return row.map((value, i) => {
    const column = columns[i]!;
    if (column.type !== 'json' || value === null) return value;
    const text = JSON.stringify(values[i]);
    const wrong = wrongWith(column, text);
    if (wrong !== null) throw invalid(`${name}.${column.name}: ${wrong}`);
    return text;
  });
}

function wrongWith({ type, nullable, most }: Column, value: Value | undefined): string | null {
  if (value === null) return nullable ? null : 'is missing';
  switch (type) {
    case 'integer':
      return Number.isSafeInteger(value) && (value as number) >= 0 ? null : 'is no whole number from 0 on';
    case 'real':
      if (!Number.isFinite(value) || (value as number) < 0) return 'is no number from 0 on';
      return (value as number) <= most ? null : `is over ${most}`;
    case 'text':
    case 'json':
      if (typeof value !== 'string') return 'is no text';
      return value.length <= most ? null : `has over ${most} characters`;
  }
}

function json(table: ArchiveTable, column: number, value: Value | undefined): unknown {
  if (value === null) return null;
  try {
    return parseBounded(value as string);
  } catch (cause) {
    throw invalid(`${table.name}.${table.columns[column]!.name}: ${(cause as Error).message}`, cause);
  }
}

/** Throws RL_INPUT_INVALID for what `work` throws. */
export function checked<T>(table: ArchiveTable, work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const issue = (thrown as { issues?: { path: PropertyKey[]; message: string }[] }).issues?.[0];
    const what =
      issue === undefined ? (thrown as Error).message : `${issue.path.join('.')}: ${issue.message}`;
    throw invalid(`${table.name}: ${shortly(what)}`, thrown);
  }
}

/** Of the tables that have JSON, with that read. */
const CHECKS: ReadonlyMap<ArchiveTable, (row: readonly unknown[]) => void> = new Map([
  [EXPERIMENT, checkExperiment],
  [RUN, checkRun],
  [PROBE_RUN, checkProbeRun],
]);

function checkExperiment([name, kind, notes, tags, , manifest]: readonly unknown[]): void {
  const { shape } = Experiment;
  shape.kind.parse(kind);
  shape.name.parse(name);
  shape.notes.parse(notes);
  shape.tags.parse(tags);
  const told = shape.manifest.parse(manifest);
  // Those of older labs are kept as they are.
  if (told['manifest'] === Manifest.shape.manifest.value) Manifest.parse(told);
}

function checkRun([, , , state, , , , parameters, result, error]: readonly unknown[]): void {
  RunState.parse(state);
  Experiment.shape.manifest.parse(parameters);
  Metrics.nullable().parse(result);
  ProbeRun.shape.error.parse(error);
}

function checkProbeRun(row: readonly unknown[]): void {
  const [, name, , state, input, target, controller, , , , emulated, insecure, error, result] = row;
  const { shape } = ProbeRun;
  shape.name.parse(name);
  shape.state.parse(state);
  shape.input.parse(input);
  shape.target.parse(target);
  shape.controller.parse(controller);
  shape.error.parse(error);
  shape.result.parse(result);
  if (![0, 1].includes(emulated as number) || ![0, 1].includes(insecure as number))
    throw new Error('emulated and insecure are 0 or 1');
}
