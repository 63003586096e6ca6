/** What a benchmark reports: rows, each with its reach where it has one. */
import { quantile } from '../../../shared/samples.ts';
import { paint, table } from '../output.ts';

export type Reach = { min: number } | { max: number } | { min: number; max: number };

/** One measured row. `reach` bounds `ratio`, or `value` where there is no peer. */
export interface Row {
  name: string;
  /** Null when it was not measured; `note` then says why. */
  value: number | null;
  unit: string;
  /** What it is measured against. */
  peer: string | null;
  ratio: number | null;
  reach: Reach | null;
  /** Whether the reach is met: true where there is none, null when nothing was measured or it is not to be judged. */
  ok: boolean | null;
  note?: string;
}

const meets = (value: number, reach: Reach | null): boolean =>
  reach === null || ((!('min' in reach) || value >= reach.min) && (!('max' in reach) || value <= reach.max));

const bounds = (reach: Reach): string => {
  if (!('min' in reach)) return `≤ ${reach.max}`;
  return 'max' in reach ? `${reach.min} – ${reach.max}` : `≥ ${reach.min}`;
};

/** A figure by itself. */
export const figure = (name: string, value: number, unit: string, reach: Reach | null = null): Row => ({
  name,
  value,
  unit,
  peer: null,
  ratio: null,
  reach,
  ok: meets(value, reach),
});

/** A figure against a peer's. */
export const against = (
  name: string,
  value: number,
  unit: string,
  peer: string,
  ratio: number,
  reach: Reach | null = null,
): Row => ({ name, value, unit, peer, ratio, reach, ok: meets(ratio, reach) });

/** A row that could not be measured. */
export const missing = (name: string, unit: string, note: string, reach: Reach | null = null): Row => ({
  name,
  value: null,
  unit,
  peer: null,
  ratio: null,
  reach,
  ok: reach === null ? true : null,
  note,
});

export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** Rows of a short run: its figures say nothing of speed, so what has a reach is not judged. */
export const unjudged = (rows: readonly Row[]): Row[] =>
  rows.map((row) => (row.reach === null || row.value === null ? row : { ...row, ok: null }));

/** Median of the ratios of what was measured in the same turn: other load on the machine falls on both. */
export const ratioOf = (values: readonly number[], peers: readonly number[]): number =>
  median(values.map((value, turn) => value / peers[turn]!));

const VERDICTS = {
  true: () => paint('green', 'ok'),
  false: () => paint('red', 'missed'),
  null: () => paint('dim', 'not judged'),
};

/** Smaller figures are shown to the third digit. */
const DETAILED = 2;

export function rowTable(rows: readonly Row[]): string {
  return table(
    rows.map(({ name, value, unit, peer, ratio, reach, ok, note }) => [
      name,
      value === null ? '–' : value.toFixed(Math.abs(value) < DETAILED ? 3 : 1),
      unit,
      ratio === null ? '' : `${ratio.toFixed(2)} ×`,
      note ?? peer ?? '',
      reach === null ? '' : bounds(reach),
      reach === null || (value === null && ok === null) ? '' : VERDICTS[`${ok}`](),
    ]),
    ['left', 'right', 'unit', 'right', 'left', 'right', 'left'],
  );
}
