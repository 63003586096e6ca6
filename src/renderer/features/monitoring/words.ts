/** Metrics, conditions and alerts in words and numbers. */
import { type Alert, type AlertRule, METRICS, type MetricId, resolveValue } from '../../../shared/alerts.ts';
import type { ServiceName } from '../../../shared/monitoring.ts';
import { formatBytes, formatDuration, formatPercent, formatRate } from '../../../shared/units.ts';

/** The unit in which people give a metric's values, and how many of the metric's own it is. */
export const SHOWN = {
  us: { unit: 'ms', scale: 1e3 },
  bps: { unit: 'Mbit/s', scale: 1e6 },
  bytes: { unit: 'MB', scale: 1e6 },
  ratio: { unit: '%', scale: 0.01 },
  count: { unit: '', scale: 1 },
  flag: { unit: '', scale: 1 },
} as const;

/** What the lab's parts are called by people. */
export const SERVICE_NAMES: Readonly<Record<ServiceName, string>> = {
  store: 'Store',
  upkeep: 'Roll-ups',
  probe: 'Route probes',
  relay: 'Emulated paths',
  endpoint: 'Demo server',
  transfers: 'Run transfers',
  pings: 'Run pings',
  reader: 'File reader',
  loader: 'Cell loads',
  runRelay: 'Run paths',
  runEndpoint: 'Run server',
  cellRelay: 'Cell paths',
  cellEndpoint: 'Cell server',
  data_sources: 'Data sources',
  exporter: 'Metrics',
  monitoring: 'Monitoring',
  alerts: 'Alert rules',
  webhooks: 'Webhooks',
};

/** A value of a metric with its unit. */
export function valueText(metric: MetricId, value: number): string {
  switch (METRICS[metric].unit) {
    case 'us':
      return value < 10e6 ? formatDuration(value) : `${(value / 1e6).toFixed(1)} s`;
    case 'bps':
      return formatRate(value);
    case 'bytes':
      return formatBytes(value);
    case 'ratio':
      return formatPercent(value);
    case 'flag':
      return value >= 1 ? 'yes' : 'no';
    case 'count':
      return String(value);
  }
}

const SIGNS = { '>': '>', '>=': '≥', '<': '<', '<=': '≤' } as const;

/** What holds when the condition does not. */
const OVER = { '>': '≤', '>=': '<', '<': '≥', '<=': '>' } as const;

/** `RTT p95 > 40.0 ms for 30 s; over ≤ 36.0 ms for 30 s`, `Route is down for 30 s; over after 30 s without`. */
export function conditionText({ condition }: AlertRule): string {
  const { metric, comparison, threshold, forS, resolveForS } = condition;
  if (METRICS[metric].unit === 'flag' && comparison.startsWith('>'))
    return `${METRICS[metric].title} for ${forS} s; over after ${resolveForS} s without`;
  return (
    `${METRICS[metric].title} ${SIGNS[comparison]} ${valueText(metric, threshold)} for ${forS} s; ` +
    `over ${OVER[comparison]} ${valueText(metric, resolveValue(condition))} for ${resolveForS} s`
  );
}

export function subjectText({ condition, routes }: AlertRule, nameOf: (id: string) => string): string {
  if (METRICS[condition.metric].scope === 'system') return 'System';
  if (routes.kind === 'all') return 'All routes';
  return routes.kind === 'ids' ? routes.ids.map(nameOf).join(', ') : `Tagged ${routes.tags.join(', ')}`;
}

const ENDS = {
  recovered: 'recovered',
  rule_changed: 'the rule was changed',
  rule_disabled: 'the rule was switched off',
  rule_removed: 'the rule was removed',
  route_gone: 'the route was removed, or the rule watches it no more',
} as const;
export const endText = ({ end }: Alert): string => (end === null ? 'fires' : ENDS[end]);

export const isMuted = ({ mutedUntilMs }: AlertRule): boolean =>
  mutedUntilMs !== null && mutedUntilMs > Date.now();
