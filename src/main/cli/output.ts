/**
 * What the command line prints. Results go to standard output, everything else to standard error; colour only on
 * a terminal and never with NO_COLOR; with `--json` standard output carries one JSON object and nothing else.
 */
import { stripVTControlCharacters, styleText } from 'node:util';
import { SingleBar } from 'cli-progress';
import { CATALOGUE, type LabError } from '../../shared/errors.ts';

type Style = Parameters<typeof styleText>[0];

/** Text in a style where `stream` shows one: `styleText` heeds isTTY, NO_COLOR and FORCE_COLOR. */
export const paint = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  styleText(style, text, { stream, validateStream: true });

/** One line on standard error. */
export function note(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Lines on standard output. */
export function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** The one JSON object of `--json`. */
export function printJson(value: object): void {
  print(JSON.stringify(value, null, 2));
}

/** `error RL_…: message`, then `hint: …`, where there is one. */
export function printError(error: LabError): void {
  note(`${paint('red', 'error', process.stderr)} ${error.code}: ${error.message}`);
  // The general hint adds nothing where the message names the field.
  if (error.hint === CATALOGUE.RL_INPUT_INVALID.hint && error.message.includes(error.field ?? ' ')) return;
  note(`${paint('dim', 'hint:', process.stderr)} ${error.hint}`);
}

/** How this command line is called from where it was started: what is printed can be typed. */
export const commandName = (): string =>
  process.env['npm_lifecycle_event'] === 'lab' ? 'npm run -s lab --' : 'routelab';

/** A column: `right` for numbers. `unit` columns stand lighter, next to their number. */
export type Column = 'left' | 'right' | 'unit';

/** Rows with aligned columns, two spaces apart (one before a unit). */
export function table(rows: readonly (readonly string[])[], columns: readonly Column[]): string {
  const widths = columns.map((_, i) => Math.max(0, ...rows.map((row) => row[i]?.length ?? 0)));
  return rows
    .map((row) =>
      columns
        .map((column, i) => {
          const cell = row[i] ?? '';
          const gap = i === 0 ? '' : column === 'unit' ? ' ' : '  ';
          if (column === 'right') return gap + cell.padStart(widths[i]!);
          return gap + (column === 'unit' ? paint('dim', cell.padEnd(widths[i]!)) : cell.padEnd(widths[i]!));
        })
        .join('')
        .trimEnd(),
    )
    .join('\n');
}

/** Whether no line is wrapped by the terminal that it is printed on; what is piped is not. */
export const fits = (text: string, width = process.stdout.columns ?? Number.POSITIVE_INFINITY): boolean =>
  text.split('\n').every((line) => stripVTControlCharacters(line).length <= width);

export interface Progress {
  /** `done` of the total, and what the measurement shows so far. */
  update(done: number, now: string): void;
  stop(): void;
}

/** A bar on standard error where that is a terminal; elsewhere nothing. */
export function progress(label: string, total: number): Progress {
  if (!process.stderr.isTTY) return { update() {}, stop() {} };
  const bar = new SingleBar({
    format: `${label} {bar} {percentage} %  {now}`,
    stream: process.stderr,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    clearOnComplete: true,
    fps: 10,
  });
  bar.start(total, 0, { now: '' });
  return {
    update: (done, now) => bar.update(Math.min(done, total), { now }),
    stop: () => bar.stop(),
  };
}
