/**
 * Traces in columns, separated by commas, semicolons or blanks: time and rate, then delay and loss where there are any. A
 * first line of names puts them in any order and says their units; without one they are seconds, Mbit/s, milliseconds and a
 * ratio. Each line holds until the next; the last one for as long as the one before it, or for a second where it is alone.
 */
import type { LabError } from '../errors.ts';
import type { LinkTrace } from '../link-settings.ts';
import type { Line } from './parse.ts';

type Quantity = 'time' | 'rate' | 'delay' | 'loss';

/** What each name of a column stands for, and what a 1 in it is: seconds, bits per second, milliseconds, a ratio. */
const NAMES: Record<string, { quantity: Quantity; factor: number }> = {
  time: { quantity: 'time', factor: 1 },
  time_s: { quantity: 'time', factor: 1 },
  time_ms: { quantity: 'time', factor: 1e-3 },
  rate: { quantity: 'rate', factor: 1e6 },
  rate_bps: { quantity: 'rate', factor: 1 },
  rate_kbps: { quantity: 'rate', factor: 1e3 },
  rate_mbps: { quantity: 'rate', factor: 1e6 },
  delay: { quantity: 'delay', factor: 1 },
  delay_ms: { quantity: 'delay', factor: 1 },
  loss: { quantity: 'loss', factor: 1 },
  loss_ratio: { quantity: 'loss', factor: 1 },
  loss_percent: { quantity: 'loss', factor: 0.01 },
};
const UNNAMED = ['time', 'rate', 'delay', 'loss'];
/** In the units of a trace. Times may be of any clock: they count from the first. */
const LIMITS: Record<Quantity, { max: number; unit: string }> = {
  time: { max: 1e13, unit: 's' },
  rate: { max: 1e11, unit: 'bit/s' },
  delay: { max: 10_000, unit: 'ms' },
  loss: { max: 1, unit: '' },
};
const MAX_ROWS = 100_000;
const LONGEST_S = 86_400;
const SHORTEST_S = 0.001;
const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

const cellsOf = (text: string): string[] =>
  (/[,;]/.test(text) ? text.split(/[,;]/) : text.split(/\s+/)).map((cell) => cell.trim());

export function parseCsvTrace(lines: readonly Line[], refuse: (message: string) => LabError): LinkTrace {
  const first = cellsOf(lines[0]!.text);
  const isNamed = !NUMBER.test(first[0]!);
  const names = isNamed
    ? first.map((name) => name.toLowerCase())
    : UNNAMED.slice(0, Math.max(2, first.length));
  const columns = names.map((name) => {
    const known = Object.hasOwn(NAMES, name) ? NAMES[name] : undefined;
    if (known !== undefined) return known;
    throw refuse(
      `line ${lines[0]!.number}: there is no column "${name.slice(0, 40)}"; there are ${Object.keys(NAMES).join(', ')}`,
    );
  });
  const at = (quantity: Quantity): number => columns.findIndex((column) => column.quantity === quantity);
  for (const quantity of ['time', 'rate'] as const)
    if (at(quantity) < 0) throw refuse(`no column has the ${quantity}`);
  if (new Set(columns.map(({ quantity }) => quantity)).size < columns.length)
    throw refuse('a column is there twice');

  const rows = isNamed ? lines.slice(1) : lines;
  if (rows.length === 0) throw refuse('the trace has names and no numbers');
  if (rows.length > MAX_ROWS) throw refuse(`${rows.length} lines are more than ${MAX_ROWS}`);
  const read = ({ text, number }: Line): Record<Quantity, number | null> => {
    const cells = cellsOf(text);
    if (cells.length !== columns.length) {
      throw refuse(`line ${number}: ${cells.length} columns where there should be ${columns.length}`);
    }
    const row: Record<Quantity, number | null> = { time: null, rate: null, delay: null, loss: null };
    columns.forEach(({ quantity, factor }, i) => {
      const cell = cells[i]!;
      const value = NUMBER.test(cell) ? Number(cell) * factor : Number.NaN;
      const { max, unit } = LIMITS[quantity];
      if (!(value >= 0 && value <= max)) {
        throw refuse(
          `line ${number}: ${quantity} "${cell.slice(0, 40)}" is not a number from 0 to ${max} ${unit}`.trim(),
        );
      }
      row[quantity] = value;
    });
    return row;
  };
  const series = rows.map(read);
  const startS = series[0]!.time!;
  const steps = series.map(
    ({ time, rate, delay, loss }, i): [number, number, number | null, number | null] => {
      const second = time! - startS;
      if (i > 0 && second <= series[i - 1]!.time! - startS) {
        throw refuse(`line ${rows[i]!.number}: the time does not rise`);
      }
      return [second, rate!, delay, loss];
    },
  );
  const lastS = steps.at(-1)![0];
  const periodS = steps.length === 1 ? 1 : 2 * lastS - steps.at(-2)![0];
  if (periodS > LONGEST_S || periodS < SHORTEST_S) {
    throw refuse(`the trace lasts for ${periodS} s, which is not from ${SHORTEST_S} to ${LONGEST_S} s`);
  }
  if (periodS <= lastS) throw refuse('the times of the last two lines are too close together');
  if (steps.every(([, bps]) => bps < 1)) throw refuse('the rate is 0 throughout: nothing would ever arrive');
  return { kind: 'series', steps, periodS };
}
