/** The rule form's own values, and what they come to. */
import { type AlertRule, AlertRuleInput, METRICS } from '../../../shared/alerts.ts';
import { messagesOf } from '../../parts/issues.ts';

type Condition = AlertRule['condition'];
type Selector = AlertRule['routes'];

export interface RuleFields {
  name: string;
  metric: Condition['metric'];
  comparison: Condition['comparison'];
  threshold: number | '' | null;
  forS: number | '' | null;
  /** How the value at which the alert is over is given. */
  over: 'same' | 'percent' | 'value';
  percent: number | '' | null;
  overValue: number | '' | null;
  resolveForS: number | '' | null;
  severity: AlertRule['severity'];
  watches: Selector['kind'];
  ids: string[];
  tags: string[];
  desktop: boolean;
}

export const NEW_RULE: RuleFields = {
  name: '',
  metric: 'route.rtt_p95',
  comparison: '>',
  threshold: 100_000,
  forS: 30,
  over: 'percent',
  percent: 10,
  overValue: 90_000,
  resolveForS: 30,
  severity: 'warning',
  watches: 'all',
  ids: [],
  tags: [],
  desktop: true,
};

export const fieldsOf = ({ name, condition, severity, routes, desktop }: AlertRule): RuleFields => {
  const { metric, comparison, threshold, forS, hysteresis, resolveForS } = condition;
  const given = { name, metric, comparison, threshold, forS, resolveForS, severity, desktop };
  return {
    ...NEW_RULE,
    ...given,
    over: hysteresis === null ? 'same' : 'value' in hysteresis ? 'value' : 'percent',
    ...(hysteresis !== null && 'percent' in hysteresis && { percent: hysteresis.percent }),
    overValue: hysteresis !== null && 'value' in hysteresis ? hysteresis.value : threshold,
    watches: routes.kind,
    ids: routes.kind === 'ids' ? routes.ids : [],
    tags: routes.kind === 'tags' ? routes.tags : [],
  };
};

/** Where the form shows what is said of a field of the contract. */
const PLACES: Readonly<Record<string, string>> = {
  'condition.threshold': 'threshold',
  'condition.forS': 'forS',
  'condition.resolveForS': 'resolveForS',
  'routes.ids': 'ids',
  'routes.tags': 'tags',
};
export const placeOf = (field: string, { over }: RuleFields): string =>
  field.startsWith('condition.hysteresis')
    ? over === 'value'
      ? 'overValue'
      : 'percent'
    : (PLACES[field] ?? field);

export function parseRule(
  fields: RuleFields,
  enabled: boolean,
): { input: AlertRuleInput | null; errors: Record<string, string> } {
  const { metric, comparison, threshold, forS, over, percent, overValue, resolveForS, watches } = fields;
  const { name, severity, ids, tags, desktop } = fields;
  const isOfRoutes = METRICS[metric].scope === 'route';
  const parsed = AlertRuleInput.safeParse({
    name,
    severity,
    desktop,
    enabled,
    condition: {
      kind: 'threshold',
      metric,
      comparison,
      threshold,
      forS,
      hysteresis: over === 'same' ? null : over === 'percent' ? { percent } : { value: overValue },
      resolveForS,
    },
    routes:
      !isOfRoutes || watches === 'all'
        ? { kind: 'all' }
        : watches === 'ids'
          ? { kind: 'ids', ids }
          : { kind: 'tags', tags },
  });
  if (parsed.success) return { input: parsed.data, errors: {} };
  return {
    input: null,
    errors: Object.fromEntries(
      Object.entries(messagesOf(parsed.error.issues)).map(([field, text]) => [placeOf(field, fields), text]),
    ),
  };
}
