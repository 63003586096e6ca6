import type { AlertRule } from '../../../shared/alerts.ts';
import { useBindCommands } from '../../commands/registry.ts';
import { useAlerts } from '../../lab/alerts.ts';
import { useConnection } from '../../lab/connection.ts';
import { removeRule, setAcknowledged, setMuted, setRuleEnabled, useRemoved } from './actions.ts';
import { type MonitoringView, SPAN_IDS } from './view.ts';
import { isMuted } from './words.ts';

interface Props {
  rules: readonly AlertRule[];
  selected: AlertRule | null;
  view: MonitoringView;
  onAdd: () => void;
  onEdit: (rule: AlertRule) => void;
  onAddWebhook: () => void;
}

const NONE: never[] = [];

/** What can be done on this page. */
export function MonitoringCommands({ rules, selected, view, onAdd, onEdit, onAddWebhook }: Props) {
  const online = useConnection((s) => s.phase === 'online');
  const firing = useAlerts((s) => s.board?.firing ?? NONE);
  const last = useRemoved((s) => s.removed.at(-1));
  const unheard = firing.filter(({ acknowledgedAtMs }) => acknowledgedAtMs === null);
  const unreachable = online ? null : 'the lab is unreachable';
  const one = unreachable ?? (selected ? null : 'no rule is selected');
  const neighbour = (step: number): void => {
    const next = rules[selected ? rules.indexOf(selected) + step : 0];
    if (next) view.select(next.id);
  };
  useBindCommands([
    { command: 'alerts.addRule', run: onAdd, blocked: unreachable },
    { command: 'alerts.addWebhook', run: onAddWebhook, blocked: unreachable },
    { command: 'alerts.editRule', run: () => selected && onEdit(selected), blocked: one },
    {
      command: 'alerts.toggleRule',
      run: () => selected && setRuleEnabled(selected, !selected.enabled),
      blocked: one,
    },
    {
      command: 'alerts.mute',
      run: () => selected && setMuted(selected, !isMuted(selected)),
      blocked: one,
    },
    {
      command: 'alerts.acknowledge',
      run: () => Promise.all(unheard.map((alert) => setAcknowledged(alert, true))),
      blocked: unreachable ?? (unheard.length > 0 ? null : 'no alert fires that is not acknowledged'),
    },
    { command: 'selection.remove', run: () => selected && removeRule(selected), blocked: one },
    {
      command: 'selection.undo',
      run: () => last?.restore(),
      blocked: unreachable ?? (last ? null : 'nothing was removed on this page'),
    },
    { command: 'selection.next', run: () => neighbour(1) },
    { command: 'selection.previous', run: () => neighbour(-1) },
    { command: 'chart.table', run: () => view.setTable(!view.table), checked: view.table },
    ...SPAN_IDS.map((id) => ({
      command: `chart.window.${id}` as const,
      run: () => view.setSpan(id),
      checked: view.span === id,
    })),
  ]);
  return null;
}
