import fc from 'fast-check';
import { expect, test } from 'vitest';
import { experimentReport } from '../../src/main/report/experiment.ts';
import { reportHtml } from '../../src/main/report/html.ts';
import { reportCsv, reportJson, reportMarkdown } from '../../src/main/report/text.ts';
import { CsvReader } from '../../src/shared/csv.ts';
import type { Experiment, Run } from '../../src/shared/experiments.ts';
import type { LoadResult } from '../../src/shared/load.ts';
import { loadMetrics } from '../../src/shared/metrics.ts';
import type { Report } from '../../src/shared/report.ts';

const experiment: Experiment = {
  id: 1,
  name: 'Matrix',
  kind: 'matrix',
  notes: '',
  tags: [],
  pinned: false,
  imported: false,
  createdAtMs: 0,
  deletedAtMs: null,
  manifest: {},
  runs: { queued: 0, running: 0, done: 0, failed: 0, cancelled: 0, interrupted: 0 },
};

const result = (goodputBps: number | null, rttUs: number, lossRatio: number | null): LoadResult => ({
  durationUs: 1e6,
  connections: 1,
  handshakeUs: null,
  bytes: goodputBps,
  goodputBps,
  pings: 50,
  echoes: 50,
  lossRatio,
  rttUs: { min: rttUs, mean: rttUs, p50: rttUs, p95: rttUs, p99: rttUs, max: rttUs },
  jitterUs: null,
  messages: 100,
  skipped: 0,
  errors: 0,
  packetsSent: 100,
  packetsLost: 0,
  retransmitRatio: 0,
  keyUpdates: 0,
  earlyDataAccepted: 0,
  intervals: [],
});

const run = (key: string, repetition: number, of: LoadResult | null): Run => ({
  source: 'run',
  id: 1,
  experimentId: 1,
  key,
  repetition,
  routeId: null,
  state: of === null ? 'cancelled' : 'done',
  createdAtMs: 0,
  startedAtMs: 0,
  endedAtMs: 1,
  parameters: {},
  result: of && loadMetrics(of),
  error: null,
  samples: null,
});

const limits = { rttP95Us: 50_000, goodputBps: 10e6 };
const reportOf = (runs: Run[]): Report => experimentReport(experiment, runs, [], { createdAtMs: 0, limits });

/** Rows of a table, as each format prints them. */
function parsed(report: Report, id: string): Record<string, string[][]> {
  const table = [...report.tables].find((each) => each.id === id);
  const title = table?.title ?? 'Gates';
  const md = reportMarkdown(report).split(`## ${title}\n\n`)[1]!.split('\n\n')[0]!;
  const html = new RegExp(`<table id="${id}">.*?<tbody>(.*?)</tbody>`, 's').exec(reportHtml(report))![1]!;
  const lines = [...new CsvReader().push(reportCsv(report))].filter(([first]) => first === id);
  return {
    md: md
      .split('\n')
      .slice(2)
      .map((line) => line.split(' | ').map((cell) => cell.replace(/^\||\|$/g, '').trim())),
    html: [...html.matchAll(/<tr>(.*?)<\/tr>/gs)].map(([, row]) =>
      [...row!.matchAll(/<td[^>]*>(.*?)<\/td>/gs)].map(([, cell]) => cell!),
    ),
    csv: lines.map((line) =>
      line.slice(1).map((cell) => (cell === null || cell === '' ? '–' : String(cell))),
    ),
  };
}

test('cells and gates are the same to the last digit in each format', () => {
  const value = fc.double({ min: 0, max: 1e8, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 2, maxLength: 6 }), (cells) => {
      const report = reportOf(cells.map(([goodput, rtt], i) => run(`c${i}`, 0, result(goodput, rtt, 0))));
      for (const id of ['cells', 'gates']) {
        const { md, html, csv } = parsed(report, id);
        expect(html).toEqual(md);
        expect(csv).toEqual(md);
      }
      const json = JSON.parse(reportJson(report)) as Report;
      const shown = parsed(report, 'cells')['md']!.map((row) => Number(row[2]));
      expect(json.tables.find(({ id }) => id === 'cells')!.rows.map((row) => row[2])).toEqual(shown);
      expect(json.gates).toEqual(report.gates);
    }),
    { numRuns: 50 },
  );
});

test('a cell is judged by the median of its repetitions; one that was not measured meets nothing', () => {
  const rtts = [40_000, 45_000, 90_000];
  const { gates } = reportOf([
    ...rtts.map((rtt, i) => run('a', i, result(20e6, rtt, 0))),
    run('b', 0, null),
    run('c', 0, result(null, 1000, null)),
  ]);
  expect(gates.map(({ title, measured, passed }) => [title, measured, passed])).toEqual([
    ['a: RTT p95', 45, true],
    ['a: Goodput', 20, true],
    ['b: RTT p95', null, false],
    ['b: Goodput', null, false],
    ['c: RTT p95', 1, true],
    ['c: Goodput', null, false],
  ]);
});
