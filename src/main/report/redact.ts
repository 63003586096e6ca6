/** Reports to be shown to others: host names, addresses and notes are masked, each name by the same mask throughout. */
import { isIPv6 } from 'node:net';
import type { Report } from '../../shared/report.ts';

const IPV4 = /\b(?:\d{1,3}\.){3}\d{1,3}\b/g;
/** Anything that may be an IPv6 address; `isIPv6` decides. */
const COLONS = /[0-9a-fA-F:.]*:[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/g;

/** Columns whose texts are ours. */
const OUR_COLUMNS = new Set(['metric', 'unit', 'state', 'begun']);

/**
 * `names`: host names and whatever else is to be masked where it occurs as a word. In our own words, such as a metric's title or a
 * field's name, only what can be nothing but a host is: a route may be called `up`.
 */
export function redactReport(report: Report, names: readonly string[]): Report {
  const masks = new Map<string, string>();
  const mask = (kind: 'host' | 'address', text: string): string => {
    const known = masks.get(text.toLowerCase());
    if (known !== undefined) return known;
    const made = `${kind}-${masks.size + 1}`;
    masks.set(text.toLowerCase(), made);
    return made;
  };
  const masker = (wanted: readonly string[]): ((of: string) => string) => {
    const host = anyOf(wanted);
    return (of) =>
      (host === null ? of : of.replace(host, (found) => mask('host', found)))
        .replace(IPV4, (found) => mask('address', found))
        .replace(COLONS, (found) => (isIPv6(found) ? mask('address', found) : found));
  };
  const text = masker(names);
  const ours = masker(names.filter((name) => name.includes('.')));
  const deep = (value: unknown): unknown => {
    if (typeof value === 'string') return text(value);
    if (Array.isArray(value)) return value.map(deep);
    if (value === null || typeof value !== 'object') return value;
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [ours(key), deep(inner)]));
  };
  const fact = (name: string, value: string): string =>
    name === 'Notes' ? '(masked)' : name === 'Tags' ? text(value) : ours(value);
  /** The part that is judged, and what is: `judge` puts the one before the other (shared/sla.ts). */
  const gateTitle = (title: string): string => {
    const end = title.lastIndexOf(': ');
    return text(title.slice(0, Math.max(0, end))) + ours(title.slice(Math.max(0, end)));
  };
  return {
    ...report,
    title: text(report.title),
    facts: report.facts.map(([name, value]) => [name, fact(name, value)]),
    tables: report.tables.map((table) => ({
      ...table,
      title: ours(table.title),
      columns: table.columns.map((column) => ({ ...column, title: ours(column.title) })),
      rows: table.rows.map((row) =>
        row.map((cell, i) => {
          if (typeof cell !== 'string') return cell;
          return OUR_COLUMNS.has(table.columns[i]!.key) ? ours(cell) : text(cell);
        }),
      ),
    })),
    charts: report.charts.map((chart) => ({
      ...chart,
      title: ours(chart.title),
      series: chart.series.map((series) => ({ ...series, name: text(series.name) })),
    })),
    gates: report.gates.map((gate) => ({ ...gate, title: gateTitle(gate.title) })),
    manifest: report.manifest === null ? null : (deep(report.manifest) as Report['manifest']),
  };
}

/** In one pass, the longest first, so that no mask is masked again. Null where there is nothing to find. */
function anyOf(names: readonly string[]): RegExp | null {
  const wanted = [...new Set(names)].filter((name) => name !== '').sort((a, b) => b.length - a.length);
  if (wanted.length === 0) return null;
  // Only letters that are written with blanks between words say where a word ends.
  const parts = wanted.map((name) => {
    const literal = name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
    return `${/^\w/.test(name) ? '(?<!\\w)' : ''}${literal}${/\w$/.test(name) ? '(?!\\w)' : ''}`;
  });
  return new RegExp(parts.join('|'), 'gi');
}
