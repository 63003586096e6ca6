/** Reports as Markdown, CSV and JSON. */
import { csvField, csvLine } from '../../shared/csv.ts';
import {
  columnTitle,
  formatCell,
  gateTable,
  type Report,
  type ReportCell,
  type ReportTable,
} from '../../shared/report.ts';

const ABSENT = '–';

/** Facts and gates as tables too. */
export const allTables = (report: Report): ReportTable[] => [
  ...report.tables,
  ...(report.gates.length > 0 ? [gateTable(report)] : []),
];

const isNumeric = (table: ReportTable, column: number): boolean =>
  table.rows.some((row) => typeof row[column] === 'number');

/** Text within Markdown: nothing in it is markup. */
const plain = (text: string): string =>
  text.replace(/[\\`*_[\]<>|~#]/g, '\\$&').replace(/\s*[\r\n]+\s*/g, ' ');

function markdownTable(table: ReportTable): string {
  const cells = table.rows.map((row) =>
    row.map((cell, i) => {
      const text = formatCell(cell, table.columns[i]!, ABSENT);
      return typeof cell === 'number' ? text : plain(text);
    }),
  );
  const head = table.columns.map((column) => plain(columnTitle(column)));
  const widths = head.map((title, i) => Math.max(3, title.length, ...cells.map((row) => row[i]!.length)));
  const right = head.map((_, i) => isNumeric(table, i));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (right[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join(' | ')} |`;
  const rule = widths.map((width, i) => (right[i] ? `${'-'.repeat(width - 1)}:` : '-'.repeat(width)));
  return [line(head), line(rule), ...cells.map(line)].join('\n');
}

export function reportMarkdown(report: Report): string {
  const facts = [['Made', new Date(report.createdAtMs).toISOString()], ...report.facts];
  const parts = [
    `# ${plain(report.title)}`,
    facts.map(([name, value]) => `- ${plain(name!)}: ${plain(value!)}`).join('\n'),
    ...allTables(report).map((table) => `## ${plain(table.title)}\n\n${markdownTable(table)}`),
    ...(report.manifest === null
      ? []
      : [
          `## Manifest\n\n\`\`\`json\n${JSON.stringify(report.manifest, null, 2).replaceAll('```', '\\u0060\\u0060\\u0060')}\n\`\`\``,
        ]),
  ];
  return `${parts.join('\n\n')}\n`;
}

/** Table after table, an empty line between them; the first field of each line is the table's id. */
export function reportCsv(report: Report): string {
  const facts: ReportTable = {
    id: 'facts',
    title: 'Facts',
    columns: ['fact', 'value'].map((key) => ({ key, title: key, unit: null, digits: null })),
    rows: [['title', report.title], ['made', new Date(report.createdAtMs).toISOString()], ...report.facts],
  };
  return [facts, ...allTables(report)]
    .map((table) => {
      // A number is no formula, whatever its sign: it is written as it is.
      const field = (cell: ReportCell, i: number): string =>
        typeof cell === 'number' ? formatCell(cell, table.columns[i]!, '') : csvField(cell);
      const lines = table.rows.map((row) => `${[csvField(table.id), ...row.map(field)].join(',')}\n`);
      return csvLine(['table', ...table.columns.map(columnTitle)]) + lines.join('');
    })
    .join('\n');
}

export const reportJson = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`;
