/** The form of a matrix or a scenario: its own values, and what they come to. Pure. */
import {
  LIGHT_MATRIX,
  MatrixSettings,
  matrixCells,
  SCENARIOS,
  ScenarioSettings,
  scenarioCell,
} from '../../../../shared/matrix.ts';
import type { ControllerInfo } from '../../../../shared/probes.ts';
import { changedOf, outOfRange, type ParameterValues } from '../../../parts/form/parameters.ts';
import { messagesOf } from '../../../parts/issues.ts';
import type { Field } from '../../../parts/path/fields.ts';

/** Several values as they are typed: numbers with commas between them. */
type List = string;

export interface CellFields {
  kind: 'matrix' | 'scenario';
  rates: List;
  connections: List;
  /** Of the round trip, in percent. */
  losses: List;
  rtts: List;
  streams: Field;
  scenario: string;
  /** Null: as the scenario has it. */
  durationS: Field | null;
  warmUpS: Field;
  coolDownS: Field;
  packetBytes: Field;
  repeat: Field;
  controller: MatrixSettings['controller'];
  parameters: ParameterValues;
  /** Null: one is drawn. */
  seed: Field | null;
}

type Size = 'light' | 'full';

const listed = (values: readonly number[], scale = 1): List =>
  values.map((value) => Number((value * scale).toPrecision(12))).join(', ');

/** What the sizes set; all else of the form stays as it is. */
const sized = (size: Size) => {
  const { rates, connections, lossRatios, rttsMs, durationS, repeat } = MatrixSettings.parse(
    // A first look needs no spread.
    size === 'light' ? { ...LIGHT_MATRIX, repeat: 1 } : {},
  );
  return {
    rates: listed(rates),
    connections: listed(connections),
    losses: listed(lossRatios, 100),
    rtts: listed(rttsMs),
    durationS: durationS as Field | null,
    repeat: repeat as Field,
  };
};
export const SIZES = { light: sized('light'), full: sized('full') } as const;

/** The size that a matrix has; null for one of its own. */
export const sizeOf = (fields: CellFields): Size | null =>
  (['light', 'full'] as const).find((size) =>
    (['rates', 'connections', 'losses', 'rtts', 'durationS'] as const).every(
      (field) => fields[field] === SIZES[size][field],
    ),
  ) ?? null;

const { streams, warmUpS, coolDownS, packetBytes } = MatrixSettings.parse({});
export const NEW_CELLS: CellFields = {
  kind: 'matrix',
  ...SIZES.light,
  streams,
  scenario: SCENARIOS[0]!.name,
  warmUpS,
  coolDownS,
  packetBytes,
  controller: 'cubic',
  parameters: {},
  seed: null,
};

/** What a form of the other kind begins with. */
export const ofKind = (fields: CellFields, kind: CellFields['kind']): CellFields => {
  if (kind === 'matrix') return { ...fields, kind, ...SIZES.light, warmUpS, coolDownS };
  const usual = ScenarioSettings.parse({ scenario: fields.scenario });
  const { repeat, warmUpS: warm, coolDownS: cool } = usual;
  return { ...fields, kind, durationS: null, repeat, warmUpS: warm, coolDownS: cool };
};

/** Not numbers where something else was typed, which the schema says. */
const numbers = (list: List, scale = 1): number[] =>
  list
    .split(',')
    .map((text) => (text.trim() === '' ? Number.NaN : Number((Number(text) * scale).toPrecision(12))));

export type CellInput =
  | { kind: 'matrix'; settings: MatrixSettings; seed?: number }
  | { kind: 'scenario'; settings: ScenarioSettings; seed?: number };

/** The fields in which settings stand that have no field of their own name. */
const PLACES: Readonly<Record<string, string>> = { lossRatios: 'losses', rttsMs: 'rtts' };
const LISTS = ['rates', 'connections', 'losses', 'rtts'];

/** The field of the form that a field of the settings stands in: `settings.rttsMs.1` is `rtts`. */
export function fieldOf(path: string): string {
  const [first = '', ...rest] = path.replace(/^settings\./, '').split('.');
  const place = PLACES[first] ?? first;
  return LISTS.includes(place) ? place : [place, ...rest].join('.');
}

const MOST_SEED = 0xffff_ffff;

export function parseCells(
  fields: CellFields,
  specs: ControllerInfo['parameters'],
): { input: CellInput; errors: null } | { input: null; errors: Record<string, string> } {
  const { kind, seed, controller, repeat } = fields;
  const common = {
    packetBytes: fields.packetBytes,
    warmUpS: fields.warmUpS,
    coolDownS: fields.coolDownS,
    repeat,
    controller,
    parameters: changedOf(fields.parameters, specs),
  };
  const parsed =
    kind === 'matrix'
      ? MatrixSettings.safeParse({
          ...common,
          rates: numbers(fields.rates),
          connections: numbers(fields.connections),
          lossRatios: numbers(fields.losses, 0.01),
          rttsMs: numbers(fields.rtts),
          streams: fields.streams,
          durationS: fields.durationS,
        })
      : ScenarioSettings.safeParse({
          ...common,
          scenario: fields.scenario,
          ...(fields.durationS !== null && { durationS: fields.durationS }),
        });
  const errors: Record<string, string> = {};
  for (const [path, message] of Object.entries(parsed.success ? {} : messagesOf(parsed.error.issues))) {
    const field = fieldOf(path);
    const isNoNumber = LISTS.includes(field) && message === 'a value is required';
    errors[field] ??=
      field === 'losses' && /^at (least|most)/.test(message)
        ? 'from 0 to 90'
        : isNoNumber
          ? 'numbers with commas between them'
          : message;
  }
  for (const [name, message] of Object.entries(outOfRange(fields.parameters, specs)))
    errors[`parameters.${name}`] = message;
  if (seed !== null && !(Number.isInteger(seed) && Number(seed) >= 0 && Number(seed) <= MOST_SEED))
    errors['seed'] = `a whole number from 0 to ${MOST_SEED}`;
  if (!parsed.success || Object.keys(errors).length > 0) return { input: null, errors };
  const given = { kind, settings: parsed.data, ...(seed !== null && { seed: Number(seed) }) };
  return { input: given as CellInput, errors: null };
}

/** Handshakes and the end of each cell, as the lab counts them. */
const BESIDE_S = 2;

/** How many cells and runs it has, and about how long they take. */
export function extentOf({ kind, settings }: CellInput): { cells: number; runs: number; seconds: number } {
  const cells = kind === 'matrix' ? matrixCells(settings) : [scenarioCell(settings)];
  const seconds = cells.reduce(
    (sum, { load }) => sum + load.warmUpS + load.durationS + load.coolDownS + BESIDE_S,
    0,
  );
  return { cells: cells.length, runs: cells.length * settings.repeat, seconds: seconds * settings.repeat };
}
