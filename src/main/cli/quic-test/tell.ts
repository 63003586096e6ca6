/** Where a report of quic-test goes: the file of --report, and standard output, each in its own format. */
import { LabError } from '../../../shared/errors.ts';
import { formatCell, type Report } from '../../../shared/report.ts';
import { reportCsv, reportJson, reportMarkdown } from '../../report/text.ts';
import { AtomicFile } from '../atomic-file.ts';
import { note, paint, print, table } from '../output.ts';
import { gatesLine, tellGates } from '../sla-options.ts';
import type { QuicTestSettings } from './settings.ts';

const RENDERERS = { md: reportMarkdown, csv: reportCsv, json: reportJson } as const;

export class Outlet {
  readonly #settings: Pick<QuicTestSettings, 'report' | 'format'>;
  readonly #asJson: boolean;
  readonly #file: AtomicFile | null;

  /** `asJson`: of --json. Throws RL_FILE_UNWRITABLE; RL_USAGE where standard output is to have two formats. */
  constructor(settings: Pick<QuicTestSettings, 'report' | 'format'>, asJson: boolean) {
    const { report, format } = settings;
    if (asJson && report === null && format !== null && format !== 'json')
      throw new LabError('RL_USAGE', `--json does not go with --report-format ${format} without --report`);
    this.#settings = settings;
    this.#asJson = asJson;
    this.#file = report === null ? null : new AtomicFile(report, '--report');
  }

  /** Writes and prints it; the exit code is 1 where a gate was missed. */
  tell(report: Report): void {
    const { report: path, format } = this.#settings;
    if (this.#file !== null) {
      this.#file.write(RENDERERS[format ?? 'md'](report));
      this.#file.commit();
      note(`The report is in ${path}`);
    }
    const printed = this.#asJson ? 'json' : path === null ? format : null;
    if (printed !== null) process.stdout.write(RENDERERS[printed](report));
    else print([shownTable(report), ...gatesLine(report.gates)].join('\n'));
    tellGates(report.gates);
  }

  /** Leaves nothing of a file that was not written. */
  close(): void {
    this.#file?.discard();
  }
}

/** Title, facts and first table; a column of units stands beside the one before it. */
function shownTable({ title, facts, tables }: Report): string {
  const [result] = tables;
  if (result === undefined) throw new LabError('RL_INTERNAL', 'a report without a result');
  const { columns, rows } = result;
  const kinds = columns.map(({ key }, i) => (key === 'unit' ? 'unit' : i === 0 ? 'left' : 'right'));
  const head = columns.length > 3 ? [columns.map((column, i) => (i === 0 ? '' : column.title))] : [];
  return [
    paint('bold', title),
    ...facts.map(([name, value]) => paint('dim', `${name}: ${value}`)),
    table(
      [
        ...head,
        ...rows.map((row) =>
          row.map((cell, i) =>
            kinds[i] === 'unit' ? String(cell ?? '') : formatCell(cell, columns[i]!, '–'),
          ),
        ),
      ],
      kinds as ('left' | 'right' | 'unit')[],
    ),
  ].join('\n');
}
