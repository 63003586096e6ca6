/**
 * Alert rules, alerts, and who is told of them. A rule watches one metric of the catalogue below; values are in the
 * metric's own unit: microseconds, bits per second, bytes, ratios from 0 to 1, counts.
 */
import { z } from 'zod';
import { RouteId } from './domain.ts';

type MetricUnit = 'us' | 'bps' | 'bytes' | 'ratio' | 'count' | 'flag';

interface MetricDescriptor {
  readonly title: string;
  readonly scope: 'route' | 'system';
  readonly unit: MetricUnit;
}

const metric = (scope: 'route' | 'system', title: string, unit: MetricUnit): MetricDescriptor => ({
  title,
  scope,
  unit,
});

/** What rules can watch. Pings are those of the last minute; a `flag` is 1 when it is so and 0 when not. */
export const METRICS = {
  'route.rtt_p50': metric('route', 'RTT p50', 'us'),
  'route.rtt_p95': metric('route', 'RTT p95', 'us'),
  'route.rtt_p99': metric('route', 'RTT p99', 'us'),
  'route.jitter': metric('route', 'Jitter', 'us'),
  'route.loss': metric('route', 'Ping loss', 'ratio'),
  'route.goodput_down': metric('route', 'Goodput down', 'bps'),
  'route.goodput_up': metric('route', 'Goodput up', 'bps'),
  'route.handshake': metric('route', 'Handshake', 'us'),
  'route.down': metric('route', 'Route is down', 'flag'),
  'route.silence': metric('route', 'Ping silence', 'us'),
  'route.congestion_window': metric('route', 'Congestion window', 'bytes'),
  'route.pacing_rate': metric('route', 'Pacing rate', 'bps'),
  'system.process_cpu': metric('system', 'CPU of the lab, of one core', 'ratio'),
  'system.machine_cpu': metric('system', 'CPU of the machine', 'ratio'),
  'system.process_memory': metric('system', 'Memory of the lab (RSS)', 'bytes'),
  'system.machine_memory': metric('system', 'Memory of the machine', 'ratio'),
  'system.loop_lag_p99': metric('system', 'Event-loop lag p99', 'us'),
  'system.dropped_samples': metric('system', 'Samples given up, last minute', 'count'),
  'system.disk_free': metric('system', 'Disk free', 'bytes'),
} as const satisfies Record<string, MetricDescriptor>;

export type MetricId = keyof typeof METRICS;
export const METRIC_IDS = Object.keys(METRICS) as [MetricId, ...MetricId[]];
export const isRouteMetric = (id: MetricId): boolean => METRICS[id].scope === 'route';

export const MetricInfo = z.object({
  id: z.enum(METRIC_IDS),
  title: z.string(),
  scope: z.enum(['route', 'system']),
  unit: z.enum(['us', 'bps', 'bytes', 'ratio', 'count', 'flag']),
});

export const COMPARISONS = ['>', '>=', '<', '<='] as const;
const DAY_S = 86_400;

/** When an alert may resolve: at another value, or so many percent of the threshold before it. Null: at the threshold. */
const Hysteresis = z.union([
  z.strictObject({ value: z.number() }),
  z.strictObject({ percent: z.number().min(0).max(100) }),
]);

const ThresholdCondition = z.strictObject({
  kind: z.literal('threshold'),
  metric: z.enum(METRIC_IDS),
  comparison: z.enum(COMPARISONS),
  threshold: z.number(),
  /** How long it must hold before the alert is raised, seconds. */
  forS: z.number().min(0).max(DAY_S),
  hysteresis: Hysteresis.nullable(),
  /** How long it must not hold before the alert resolves, seconds. */
  resolveForS: z.number().min(0).max(DAY_S),
});

/** What a rule looks for; told apart by `kind`. */
export const Condition = z
  .discriminatedUnion('kind', [ThresholdCondition])
  .refine((condition) => isResolvable(condition), {
    path: ['hysteresis'],
    message: 'the resolve value lies on the side of the threshold that raises the alert',
  });
export type Condition = z.infer<typeof Condition>;

/** The value at which an alert of the condition may resolve, in the metric's unit. */
export function resolveValue({
  comparison,
  threshold,
  hysteresis,
}: Pick<z.infer<typeof ThresholdCondition>, 'comparison' | 'threshold' | 'hysteresis'>): number {
  if (hysteresis === null) return threshold;
  if ('value' in hysteresis) return hysteresis.value;
  const distance = (Math.abs(threshold) * hysteresis.percent) / 100;
  return comparison.startsWith('>') ? threshold - distance : threshold + distance;
}

function isResolvable(condition: z.infer<typeof ThresholdCondition>): boolean {
  const at = resolveValue(condition);
  return condition.comparison.startsWith('>') ? at <= condition.threshold : at >= condition.threshold;
}

export const SEVERITIES = ['info', 'warning', 'critical'] as const;
const Severity = z.enum(SEVERITIES);

/** Which routes a rule watches; a rule on a system metric watches none of them and has `all`. */
const RouteSelector = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('all') }),
  z.strictObject({ kind: z.literal('ids'), ids: z.array(RouteId).min(1).max(256) }),
  z.strictObject({
    kind: z.literal('tags'),
    tags: z.array(z.string().trim().min(1).max(32)).min(1).max(16),
  }),
]);

const ruleFields = {
  name: z.string().trim().min(1, 'a name is required').max(64),
  condition: Condition,
  severity: Severity,
  routes: RouteSelector,
  enabled: z.boolean(),
  /** Whether the desktop, or an open page that is permitted to, shows a notification. */
  desktop: z.boolean(),
};

export const AlertRuleInput = z.strictObject({
  ...ruleFields,
  severity: ruleFields.severity.default('warning'),
  routes: ruleFields.routes.default({ kind: 'all' }),
  enabled: ruleFields.enabled.default(true),
  desktop: ruleFields.desktop.default(true),
});
export type AlertRuleInput = z.infer<typeof AlertRuleInput>;
export const AlertRulePatch = z.strictObject(ruleFields).partial();
export type AlertRulePatch = z.infer<typeof AlertRulePatch>;

export const AlertRule = z.object({
  ...ruleFields,
  id: z.number().int(),
  /**
   * Null for rules that people made. `monitoring.alerts` sets thresholds under these names, of rules whose condition nobody
   * changed.
   */
  builtIn: z.string().nullable(),
  /** Nobody is told of its alerts until then, unix milliseconds; null: not muted. */
  mutedUntilMs: z.number().nullable(),
  createdAtMs: z.number(),
});
export type AlertRule = z.infer<typeof AlertRule>;

/** Why an alert ended: `recovered` is the only one that the metric decided. */
const AlertEnd = z.enum(['recovered', 'rule_changed', 'rule_disabled', 'rule_removed', 'route_gone']);
export type AlertEnd = z.infer<typeof AlertEnd>;

/** One alert, from its raise on. */
export const Alert = z.object({
  id: z.number().int(),
  /** As it was when the alert was raised. */
  rule: AlertRule,
  /** Null for a metric of the system. */
  routeId: RouteId.nullable(),
  /** As it was called at the raise. */
  routeName: z.string().nullable(),
  /** Measured on an emulated path. */
  emulated: z.boolean(),
  raisedAtMs: z.number(),
  /** What raised it. */
  value: z.number(),
  endedAtMs: z.number().nullable(),
  end: AlertEnd.nullable(),
  /** The value at its end; null while it fires, and where there was none. */
  endValue: z.number().nullable(),
  acknowledgedAtMs: z.number().nullable(),
  /** When webhooks and desktop were told of the raise; null while its rule is muted. */
  toldAtMs: z.number().nullable(),
});
export type Alert = z.infer<typeof Alert>;

/** How one rule stands for one route, or for the system. Missing data neither raises nor resolves an alert. */
export const AlertState = z.object({
  ruleId: z.number().int(),
  routeId: RouteId.nullable(),
  state: z.enum(['ok', 'pending', 'firing', 'no_data']),
  sinceMs: z.number(),
  value: z.number().nullable(),
  /** Since when the metric has no value; a firing alert stays `firing` meanwhile. */
  noDataSinceMs: z.number().nullable(),
  /** The alert of a firing state. */
  alertId: z.number().int().nullable(),
});
export type AlertState = z.infer<typeof AlertState>;

/** A raise or an end as desktops and permitted pages show it. */
export const AlertNotice = z.object({
  /** Of one event of one alert. */
  id: z.string(),
  alertId: z.number().int(),
  atMs: z.number(),
  title: z.string(),
  body: z.string(),
});
export type AlertNotice = z.infer<typeof AlertNotice>;

/** Everything that may change at a check. */
export const AlertBoard = z.object({
  /** Null before the first check. */
  checkedAtMs: z.number().nullable(),
  states: z.array(AlertState),
  /** The alerts that fire, newest first. */
  firing: z.array(Alert),
  /** Those of the last minute, oldest first. */
  notices: z.array(AlertNotice),
  /** Grows with every change of rules, history, webhooks or deliveries. */
  version: z.number().int(),
});
export type AlertBoard = z.infer<typeof AlertBoard>;

const webhookFields = {
  name: z.string().trim().min(1, 'a name is required').max(64),
  url: z
    .url({ protocol: /^https?$/, error: 'not an http or https address' })
    .max(2048)
    .refine((url) => {
      const { username, password } = new URL(url);
      return username === '' && password === '';
    }, 'a name or password does not belong into the address; use a secret'),
  enabled: z.boolean(),
  /** Alerts below it are not sent. */
  leastSeverity: Severity,
  timeoutS: z.number().min(1).max(30),
};
/** Signs every delivery (HMAC-SHA256). Null takes a secret away; it is never given back. */
const secret = z.string().min(8, 'at least 8 letters').max(256).nullable();

export const WebhookInput = z.strictObject({
  ...webhookFields,
  enabled: webhookFields.enabled.default(true),
  leastSeverity: webhookFields.leastSeverity.default('info'),
  timeoutS: webhookFields.timeoutS.default(5),
  secret: secret.default(null),
});
export type WebhookInput = z.infer<typeof WebhookInput>;
export const WebhookPatch = z.strictObject({ ...webhookFields, secret }).partial();
export type WebhookPatch = z.infer<typeof WebhookPatch>;

export const Webhook = z.object({
  ...webhookFields,
  id: z.number().int(),
  hasSecret: z.boolean(),
  /** The address is of this machine or of a private network, as far as it can be told without asking DNS. */
  isPrivate: z.boolean(),
});
export type Webhook = z.infer<typeof Webhook>;

/** One message to one webhook, however often it was tried. */
export const Delivery = z.object({
  id: z.number().int(),
  webhookId: z.number().int(),
  /** Null for a test. */
  alertId: z.number().int().nullable(),
  event: z.enum(['raised', 'resolved', 'test']),
  state: z.enum(['waiting', 'delivered', 'failed', 'interrupted']),
  attempts: z.number().int(),
  /** HTTP status of the newest answer; null without one. */
  status: z.number().int().nullable(),
  /** Why the newest attempt failed. */
  error: z.string().nullable(),
  createdAtMs: z.number(),
  endedAtMs: z.number().nullable(),
});
export type Delivery = z.infer<typeof Delivery>;
