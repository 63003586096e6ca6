/** What was collected, for a screen: a row each, or where the terminal is too narrow for that, series by series. */
import { csvNumber } from '../../shared/csv.ts';
import type { Collected } from '../telemetry/collector.ts';
import { fits, table } from './output.ts';

/** Points that are shown; csv and json have all. */
const SHOWN_POINTS = 40;

export function collectTable(
  { table: read }: Pick<Collected, 'table'>,
  width = process.stdout.columns ?? Number.POSITIVE_INFINITY,
): string {
  const names = read.columns.map(({ name }) => name);
  const rows: string[][] = [];
  for (const [timeMs, ...rest] of read.rows()) {
    if (rows.length === SHOWN_POINTS) break;
    const cells = rest.map((cell) => (typeof cell === 'number' ? csvNumber(cell) : (cell ?? '')));
    rows.push([new Date(timeMs).toISOString(), ...cells]);
  }
  if (rows.length === 0) return 'no series';
  const wide = table(
    [names, ...rows],
    names.map((_, i) => (i === names.length - 1 ? 'right' : 'left')),
  );
  const shown = fits(wide, width) ? wide : bySeries(names.slice(1, -1), rows, width);
  const more = read.points - rows.length;
  return more > 0 ? `${shown}\n… and ${more} more: --format csv has them all` : shown;
}

/** Labels once, those that a series has, in as many lines as they take, and below them its points. */
function bySeries(labels: readonly string[], rows: readonly (readonly string[])[], width: number): string {
  const series = new Map<string, string[][]>();
  for (const row of rows) {
    const own = labels.flatMap((label, i) => (row[i + 1] === '' ? [] : [`${label} ${row[i + 1]}`]));
    const head = own.reduce((text, each) => {
      const newest = text.slice(text.lastIndexOf('\n') + 1);
      return newest.length + 2 + each.length <= width ? `${text}  ${each}` : `${text}\n  ${each}`;
    });
    series.set(head, [...(series.get(head) ?? []), [`    ${row[0]}`, row.at(-1)!]]);
  }
  return [...series].map(([head, points]) => `${head}\n${table(points, ['left', 'right'])}`).join('\n');
}
