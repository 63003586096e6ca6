/** What the Monitoring page shows, kept in the address. */
import { useNavigate, useSearch } from '@tanstack/react-router';

export const SPANS = {
  '15m': { ms: 900_000, stepMs: 300_000, label: '15 min' },
  '1h': { ms: 3_600_000, stepMs: 900_000, label: '1 h' },
  '24h': { ms: 86_400_000, stepMs: 21_600_000, label: '24 h' },
} as const;
export type SpanId = keyof typeof SPANS;
export const SPAN_IDS = Object.keys(SPANS) as SpanId[];

export const TABS = { rules: 'Rules', history: 'History', webhooks: 'Webhooks' } as const;
export type TabId = keyof typeof TABS;

interface MonitoringSearch {
  span?: SpanId;
  tab?: TabId;
  rule?: number;
  table?: true;
}

/** Reads an address; what makes no sense in it is dropped. */
export function readMonitoring({ span, tab, rule, table }: Record<string, unknown>): MonitoringSearch {
  return {
    ...(typeof span === 'string' && Object.hasOwn(SPANS, span) && { span: span as SpanId }),
    ...(typeof tab === 'string' && Object.hasOwn(TABS, tab) && { tab: tab as TabId }),
    ...(typeof rule === 'number' && { rule }),
    ...(table === true && { table }),
  };
}

/** The current view and the way to change it. */
export function useMonitoringView() {
  const { span = '15m', tab = 'rules', rule = null, table = false } = useSearch({ from: '/monitoring' });
  const navigate = useNavigate({ from: '/monitoring' });
  const change = (patch: { span?: SpanId; tab?: TabId; rule?: number; table?: boolean }) =>
    navigate({ replace: true, search: (old) => readMonitoring({ ...old, ...patch }) });
  return {
    span,
    tab,
    /** Id of the selected rule. */
    rule,
    table,
    setSpan: (id: SpanId) => change({ span: id }),
    setTab: (id: TabId) => change({ tab: id }),
    select: (id: number) => change({ rule: id }),
    setTable: (on: boolean) => change({ table: on }),
  };
}

export type MonitoringView = ReturnType<typeof useMonitoringView>;
