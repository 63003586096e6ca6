/** The rules a lab begins with, by the names under which `monitoring.alerts` of the configuration sets thresholds. */
import { type AlertRuleInput, AlertRuleInput as Input } from '../../../shared/alerts.ts';
import type { Settings } from '../../../shared/config/settings.ts';

const rule = (
  name: string,
  metric: AlertRuleInput['condition']['metric'],
  threshold: number,
  forS: number,
  severity: AlertRuleInput['severity'],
): AlertRuleInput =>
  Input.parse({
    name,
    condition: {
      kind: 'threshold',
      metric,
      comparison: '>',
      threshold,
      forS,
      hysteresis: { percent: 10 },
      resolveForS: 30,
    },
    severity,
  });

export const DEFAULT_RULES = {
  cpu: rule('The machine’s CPU is busy', 'system.machine_cpu', 0.8, 60, 'warning'),
  memory: rule('The machine’s memory is nearly full', 'system.machine_memory', 0.85, 60, 'warning'),
  error_rate: rule('A route loses pings', 'route.loss', 0.05, 30, 'warning'),
  response_time: rule('A route answers slowly', 'route.rtt_p95', 10e6, 30, 'warning'),
  dropped_samples: rule('Samples could not be stored', 'system.dropped_samples', 0, 0, 'critical'),
  down: rule('A route is down', 'route.down', 0, 30, 'critical'),
} as const satisfies Record<string, AlertRuleInput>;

/** By name of a built-in rule, in the unit of its metric. */
export type Thresholds = Partial<Record<keyof typeof DEFAULT_RULES, number>>;

export const thresholdsOf = ({ monitoring: { alerts } }: Pick<Settings, 'monitoring'>): Thresholds => ({
  cpu: alerts.cpu,
  memory: alerts.memory,
  error_rate: alerts.error_rate,
  response_time: alerts.response_time * 1000,
});
