import { Button, Switch } from '@mantine/core';
import type { AlertRule, AlertState } from '../../../shared/alerts.ts';
import { useAlerts } from '../../lab/alerts.ts';
import { WordTable } from '../../parts/WordTable.tsx';
import { clockTime } from '../../theme/clock.ts';
import { setMuted, setRuleEnabled } from './actions.ts';
import { conditionText, isMuted, subjectText } from './words.ts';

interface Props {
  rules: readonly AlertRule[];
  selected: AlertRule | null;
  nameOf: (routeId: string) => string;
  onSelect: (rule: AlertRule) => void;
  onEdit: (rule: AlertRule) => void;
}

const WORDS = { firing: 'firing', pending: 'pending', no_data: 'no data', ok: 'ok' } as const;

/** How a rule stands for all it watches: `1 firing, 5 ok`. */
function standingText({ enabled }: AlertRule, states: readonly AlertState[]): string {
  if (!enabled) return 'off';
  if (states.length === 0) return 'watches nothing';
  return Object.entries(WORDS)
    .flatMap(([state, word]) => {
      const count = states.filter((each) => each.state === state).length;
      return count === 0 ? [] : [states.length === 1 ? word : `${count} ${word}`];
    })
    .join(', ');
}

export function RulesTable({ rules, selected, nameOf, onSelect, onEdit }: Props) {
  const board = useAlerts((s) => s.board);
  return (
    <WordTable headers={['Rule', 'State', 'Condition', 'Watches', 'On', 'Change']}>
      {rules.map((rule) => {
        const states = board?.states.filter(({ ruleId }) => ruleId === rule.id) ?? [];
        return (
          <tr
            key={rule.id}
            data-testid={`rule-${rule.id}`}
            aria-current={rule.id === selected?.id ? 'true' : undefined}
            onClick={() => onSelect(rule)}
          >
            <th scope="row">{rule.name}</th>
            <td data-fault={states.some(({ state }) => state === 'firing')}>
              {standingText(rule, states)}
              {isMuted(rule) && `, muted until ${clockTime(rule.mutedUntilMs!, false)}`}
            </td>
            <td data-words>{conditionText(rule)}</td>
            <td>
              {subjectText(rule, nameOf)}, {rule.severity}
            </td>
            <td>
              <Switch
                aria-label={`${rule.name} is on`}
                checked={rule.enabled}
                onChange={(event) => setRuleEnabled(rule, event.currentTarget.checked)}
              />
            </td>
            <td>
              <Button.Group>
                <Button aria-label={`Edit ${rule.name}`} onClick={() => onEdit(rule)}>
                  Edit
                </Button>
                <Button onClick={() => setMuted(rule, !isMuted(rule))}>
                  {isMuted(rule) ? 'Unmute' : 'Mute 1 h'}
                </Button>
              </Button.Group>
            </td>
          </tr>
        );
      })}
    </WordTable>
  );
}
