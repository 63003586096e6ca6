import fc from 'fast-check';
import { expect, test } from 'vitest';
import { reportHtml } from '../../src/main/report/html.ts';
import { redactReport } from '../../src/main/report/redact.ts';
import { reportCsv, reportJson, reportMarkdown } from '../../src/main/report/text.ts';
import { CsvReader } from '../../src/shared/csv.ts';
import { createReport, type Report, type ReportCell } from '../../src/shared/report.ts';

const base: Report = {
  title: 'A | <b>report</b>',
  createdAtMs: 0,
  facts: [['Notes', 'of 192.0.2.7\nand *stars*']],
  tables: [],
  charts: [],
  gates: [],
  manifest: null,
};
const number = fc.double({ noDefaultInfinity: true, noNaN: true, min: -1e12, max: 1e12 });
const anyReport = fc
  .record({ digits: fc.array(fc.option(fc.nat(6)), { minLength: 1, maxLength: 4 }), rows: fc.nat(5) })
  .chain(({ digits, rows }) =>
    fc
      .array(fc.tuple(...digits.map(() => fc.option(number))), { minLength: rows, maxLength: rows })
      .map((cells) =>
        createReport({
          ...base,
          tables: [
            {
              id: 't',
              title: 'T',
              columns: digits.map((each, i) => ({ key: `k${i}`, title: `K${i}`, unit: 'ms', digits: each })),
              rows: cells,
            },
          ],
        }),
      ),
  );

const numeric = (text: string): ReportCell => (text === '' || text === '–' ? null : Number(text));

function fromMarkdown(text: string): ReportCell[][] {
  const lines = text.split('## T\n\n')[1]!.split('\n').slice(2);
  const rows = lines.filter((line) => line.startsWith('|'));
  expect(new Set(rows.map((line) => line.length)).size).toBeLessThan(2);
  return rows.map((line) =>
    line
      .slice(1, -1)
      .split('|')
      .map((cell) => numeric(cell.trim())),
  );
}
function fromHtml(text: string): ReportCell[][] {
  const body = /<tbody>(.*)<\/tbody>/s.exec(text)![1]!;
  return [...body.matchAll(/<tr>(.*?)<\/tr>/g)].map(([, row]) =>
    [...row!.matchAll(/<td[^>]*>(.*?)<\/td>/g)].map(([, cell]) => numeric(cell!)),
  );
}
function fromCsv(text: string): ReportCell[][] {
  const lines = [...new CsvReader().push(text)];
  return lines.filter(([id]) => id === 't').map((line) => line.slice(1).map((cell) => numeric(cell ?? '')));
}

test('all four formats print the same numbers', () => {
  fc.assert(
    fc.property(anyReport, (report) => {
      const rows = (JSON.parse(reportJson(report)) as Report).tables[0]!.rows;
      // JSON has no negative zero.
      const same = (read: ReportCell[][]) => read.map((row) => row.map((cell) => (cell === 0 ? 0 : cell)));
      expect(same(fromMarkdown(reportMarkdown(report)))).toEqual(same(rows));
      expect(same(fromCsv(reportCsv(report)))).toEqual(same(rows));
      expect(same(fromHtml(reportHtml(report)))).toEqual(same(rows));
    }),
  );
});

const whole: Report = createReport({
  ...base,
  tables: [
    {
      id: 'runs',
      title: 'Runs',
      columns: [
        { key: 'target', title: 'Target', unit: null, digits: null },
        { key: 'rtt', title: 'RTT', unit: 'ms', digits: 2 },
      ],
      rows: [
        ['=cmd|x', 1.005],
        ['lab.example:4433 at 2001:db8::7, again LAB.example', null],
      ],
    },
  ],
  charts: [
    {
      id: 'c',
      title: 'RTT & run',
      x: { title: 'Run', unit: null },
      y: { title: 'RTT', unit: 'ms' },
      series: [
        {
          name: '<a>',
          points: [
            [0, 1],
            [1, null],
            [2, 3],
          ],
        },
        { name: 'b', points: [[0, 2]] },
      ],
    },
  ],
  gates: [
    {
      metric: 'rtt_p95',
      title: 'RTT p95',
      relation: 'at most',
      limit: 100,
      measured: 120.456,
      unit: 'ms',
      digits: 1,
      passed: false,
    },
  ],
  manifest: { parameters: { host: 'lab.example' } },
});

test('HTML stands alone: no script, nothing fetched, markup escaped', () => {
  const html = reportHtml(whole);
  expect(html).not.toMatch(/<script|src=|href=|url\(|@import|<b>|<a>/);
  expect(html).toContain("default-src 'none'");
  expect(html).toContain('1 of 1 gates missed');
  expect(html).toContain('120.5');
  expect(html.match(/<path d="M[^"]*"/g)).toEqual([
    expect.stringMatching(/^<path d="M\S+ \S+M\S+ \S+"$/),
    expect.stringMatching(/^<path d="M/),
  ]);
});

test('CSV neutralises formulae, Markdown escapes markup', () => {
  expect(reportCsv(whole)).toContain("runs,'=cmd|x,1.00\n");
  expect(reportMarkdown(whole)).toContain('=cmd\\|x');
  expect(reportMarkdown(whole)).toContain('# A \\| \\<b\\>report\\</b\\>');
});

test('redacted, no host, address or note is left, and the same host is masked alike', () => {
  const redacted = redactReport(whole, ['lab.example']);
  for (const render of [reportHtml, reportMarkdown, reportCsv, reportJson]) {
    expect(render(redacted)).not.toMatch(/lab\.example|192\.0\.2|2001:db8|stars/i);
  }
  expect(redacted.tables[0]!.rows[1]![0]).toBe('host-1:4433 at address-2, again host-1');
});

test('a name that is also a word of ours is masked where it is a name, and nowhere within another word', () => {
  const columns = ['key', 'metric', 'goodput_up'].map((key) => ({
    key,
    title: key,
    unit: null,
    digits: null,
  }));
  columns[2]!.title = 'Goodput up';
  const rows = [['up', 'Goodput up', 'setup of up.', 'UP-2 to host']];
  const redacted = redactReport(
    {
      ...base,
      title: 'To up',
      facts: [
        ['Kind', 'up'],
        ['Tags', 'up, upper'],
      ],
      tables: [{ id: 't', title: 'up', columns: [...columns, { ...columns[0]!, key: 'error' }], rows }],
      gates: [{ ...whole.gates[0]!, title: 'up: Goodput up' }],
      manifest: { up: 'up', 'lab.example': { note: '到上海线路的延迟' } },
    },
    ['up', 'lab.example', 'host', '上海线路'],
  );
  expect(redacted).toMatchObject({
    title: 'To host-1',
    facts: [
      ['Kind', 'up'],
      ['Tags', 'host-1, upper'],
    ],
    tables: [
      {
        columns: [{}, {}, { title: 'Goodput up' }, {}],
        rows: [['host-1', 'Goodput up', 'setup of host-1.', 'host-1-2 to host-2']],
      },
    ],
    gates: [{ title: 'host-1: Goodput up' }],
    manifest: { up: 'host-1', 'host-3': { note: '到host-4的延迟' } },
  });
});
