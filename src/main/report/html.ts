/** A report as one HTML file: no scripts, nothing fetched, light or dark as the reader has it. */
import { columnTitle, formatCell, type Report, type ReportTable } from '../../shared/report.ts';
import { escapeHtml as e } from './escape.ts';
import { COLOURS, svgChart } from './svg.ts';
import { allTables } from './text.ts';

/** Told apart also by those who see no red or green (Okabe and Ito, 2008), darker on light. */
const PALETTE = {
  light: ['#0072b2', '#b85400', '#007a58', '#9c4f85', '#8a6d00', '#35738f'],
  dark: ['#56b4e9', '#f0a05a', '#4fc9a4', '#dfa1c8', '#f0e442', '#9fc5d8'],
} as const;

const colours = (palette: readonly string[]): string =>
  palette
    .slice(0, COLOURS)
    .map((colour, i) => `--c${i}:${colour};`)
    .join('');

const STYLE = `
:root{color-scheme:light dark;--ink:#1b1f24;--dim:#59636e;--line:#d1d9e0;--paper:#fff;--bad:#b3261e;--good:#1a6b35;${colours(PALETTE.light)}}
@media (prefers-color-scheme:dark){:root{--ink:#e6edf3;--dim:#9198a1;--line:#3d444d;--paper:#15181c;--bad:#ff8a80;--good:#6fd08c;${colours(PALETTE.dark)}}}
body{font:15px/1.5 system-ui,sans-serif;color:var(--ink);background:var(--paper);max-width:1000px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1.2rem}dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere;white-space:pre-wrap}
.wide{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.25rem .8rem .25rem 0;border-bottom:1px solid var(--line);white-space:nowrap}th{color:var(--dim);font-weight:600}
.n{text-align:right}.missed{color:var(--bad)}.met{color:var(--good)}
figure{margin:1.2rem 0}figcaption{font-weight:600}svg{width:100%;height:auto;font-size:11px}svg text{fill:var(--dim)}
.mid{text-anchor:middle}.end{text-anchor:end}.grid{stroke:var(--line)}svg path{fill:none;stroke:currentColor;stroke-width:1.6}svg circle{fill:currentColor}
.legend{color:var(--dim);margin:.2rem 0}pre{overflow-x:auto;background:color-mix(in srgb,var(--line) 35%,transparent);padding:.8rem}
${Array.from({ length: COLOURS }, (_, i) => `.c${i}{color:var(--c${i})}`).join('')}
@media print{body{max-width:none;margin:0}}`;

function tableHtml(table: ReportTable): string {
  const right = table.columns.map((_, i) => table.rows.some((row) => typeof row[i] === 'number'));
  const cell = (tag: 'th' | 'td', text: string, i: number): string =>
    `<${tag}${tag === 'th' ? ' scope="col"' : ''}${right[i] ? ' class="n"' : ''}>${e(text)}</${tag}>`;
  const head = table.columns.map((column, i) => cell('th', columnTitle(column), i)).join('');
  const rows = table.rows.map(
    (row) =>
      `<tr>${row.map((each, i) => cell('td', formatCell(each, table.columns[i]!, '–'), i)).join('')}</tr>`,
  );
  return `<h2>${e(table.title)}</h2><div class="wide"><table id="${e(table.id)}"><thead><tr>${head}</tr></thead><tbody>${rows.join('\n')}</tbody></table></div>`;
}

export function reportHtml(report: Report): string {
  const facts = [['Made', new Date(report.createdAtMs).toISOString()], ...report.facts];
  const missed = report.gates.filter(({ passed }) => !passed).length;
  const verdict =
    report.gates.length === 0
      ? ''
      : missed === 0
        ? `<p class="met">All ${report.gates.length} gates met.</p>`
        : `<p class="missed">${missed} of ${report.gates.length} gates missed.</p>`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${e(report.title)}</title><style>${STYLE}</style></head><body>
<h1>${e(report.title)}</h1>
<dl>${facts.map(([name, value]) => `<dt>${e(name!)}</dt><dd>${e(value!)}</dd>`).join('')}</dl>
${verdict}
${report.charts.map(svgChart).join('\n')}
${allTables(report).map(tableHtml).join('\n')}
${report.manifest === null ? '' : `<h2>Manifest</h2><pre>${e(JSON.stringify(report.manifest, null, 2))}</pre>`}
</body></html>
`;
}
