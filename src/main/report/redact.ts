/** Reports to be shown to others: host names, addresses and notes are masked, each name by the same mask throughout. */
import { isIPv6 } from 'node:net';
import type { Report } from '../../shared/report.ts';

const IPV4 = /\b(?:\d{1,3}\.){3}\d{1,3}\b/g;
/** Anything that may be an IPv6 address; `isIPv6` decides. */
const COLONS = /[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/g;

/** `names`: host names and whatever else is to be masked where it occurs. */
export function redactReport(report: Report, names: readonly string[]): Report {
  const masks = new Map<string, string>();
  const mask = (kind: 'host' | 'address', text: string): string => {
    const known = masks.get(text.toLowerCase());
    if (known !== undefined) return known;
    const made = `${kind}-${masks.size + 1}`;
    masks.set(text.toLowerCase(), made);
    return made;
  };
  const wanted = [...new Set(names)].filter((name) => name !== '').sort((a, b) => b.length - a.length);
  const hosts = wanted.map((name) => new RegExp(name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'gi'));
  const text = (of: string): string => {
    let masked = of;
    for (const host of hosts) masked = masked.replace(host, (found) => mask('host', found));
    return masked
      .replace(IPV4, (found) => mask('address', found))
      .replace(COLONS, (found) => (isIPv6(found) ? mask('address', found) : found));
  };
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [text(key), deep(inner)]));
  };
  return {
    ...report,
    title: text(report.title),
    facts: report.facts.map(([name, value]) => [name, name === 'Notes' ? '(masked)' : text(value)]),
    tables: report.tables.map((table) => ({
      ...table,
      title: text(table.title),
      columns: table.columns.map((column) => ({ ...column, title: text(column.title) })),
      rows: table.rows.map((row) => row.map((cell) => (typeof cell === 'string' ? text(cell) : cell))),
    })),
    charts: report.charts.map((chart) => ({
      ...chart,
      title: text(chart.title),
      series: chart.series.map((series) => ({ ...series, name: text(series.name) })),
    })),
    gates: report.gates.map((gate) => ({ ...gate, title: text(gate.title) })),
    manifest: report.manifest === null ? null : (deep(report.manifest) as Report['manifest']),
  };
}
