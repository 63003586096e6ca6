/** Alerts as the lab keeps them: rules judged each period, what they raise and resolve stored, and people told. */
import {
  type Alert,
  type AlertBoard,
  type AlertEnd,
  type AlertRule,
  type AlertRuleInput,
  type AlertRulePatch,
  type Delivery,
  isRouteMetric,
  METRICS,
  SEVERITIES,
  type Webhook,
  type WebhookInput,
  type WebhookPatch,
} from '../../shared/alerts.ts';
import type { Route } from '../../shared/domain.ts';
import { toLabError } from '../../shared/errors.ts';
import type { SystemSample } from '../../shared/monitoring.ts';
import type { Store } from '../store/index.ts';
import { Courier } from '../telemetry/alerts/courier.ts';
import { DEFAULT_RULES } from '../telemetry/alerts/defaults.ts';
import { AlertEngine, keyOf, type Subject } from '../telemetry/alerts/engine.ts';
import { isPrivateUrl } from '../telemetry/alerts/private-address.ts';
import { routeReading, systemReading, watches } from '../telemetry/alerts/readings.ts';
import { messageOf } from '../telemetry/alerts/webhook.ts';
import { Changes } from './changes.ts';
import type { Log } from './log.ts';
import type { StatusBoard } from './status-board.ts';

/** What the host shows on the desktop. */
export interface DesktopNotice {
  title: string;
  body: string;
}

export interface AlertsOptions {
  store: Store;
  statuses: StatusBoard;
  /** The newest sample of the system, if it is of now. */
  sample: (nowMs: number) => SystemSample | null;
  log: Log;
  checkMs: number;
  onChecked: () => void;
  /** Shows a notification; absent where the host has no desktop. */
  notify?: (notice: DesktopNotice) => void;
}

/** So many checks may be late before what is pending or resolving begins anew. */
const LATE_CHECKS = 4;

export class Alerts {
  readonly changes = new Changes();
  readonly #options: AlertsOptions;
  readonly #engine = new AlertEngine();
  readonly #courier: Courier;
  /** Alerts that fire, by what they are about. */
  readonly #open = new Map<string, Alert>();
  /** Why the newest message to a webhook did not arrive. */
  readonly #undelivered = new Map<number, string>();
  #version = 0;
  #checkedAtMs: number | null = null;
  #failure: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AlertsOptions) {
    this.#options = options;
    const { store, log } = options;
    this.#courier = new Courier({
      onProgress: (deliveryId, progress) =>
        this.#attempt('a delivery could not be recorded', () => {
          const { webhookId } = store.webhooks.progress(deliveryId, progress);
          if (progress.error === null) this.#undelivered.delete(webhookId);
          else this.#undelivered.set(webhookId, progress.error);
          if (progress.error !== null)
            log.warn({ delivery: deliveryId, ...progress }, 'a webhook was not told');
          this.#changed();
        }),
    });
    store.alerts.seed(DEFAULT_RULES);
    for (const alert of store.alerts.firing()) {
      this.#open.set(keyOf(alert.rule.id, alert.routeId), alert);
      this.#engine.adopt(alert, Date.now());
    }
  }

  /** Judges every period from now on. */
  start(): void {
    this.#timer = setInterval(() => this.check(Date.now()), this.#options.checkMs);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#courier.close();
  }

  /** What is wrong with the alerts themselves, by part; null: nothing. */
  get failures(): { alerts: string | null; webhooks: string | null } {
    const [undelivered] = this.#undelivered.values();
    return { alerts: this.#failure, webhooks: undelivered ?? null };
  }

  /** Judges all rules now. Never throws: what fails is logged, told by `failures`, and tried again the next time. */
  check(nowMs: number): void {
    this.#failure = this.#attempt('the alert rules could not be checked', () => this.#check(nowMs));
    this.changes.bump();
    this.#options.onChecked();
  }

  board(): AlertBoard {
    const subjects = this.#subjects(Date.now());
    return {
      checkedAtMs: this.#checkedAtMs,
      states: subjects.flatMap(({ rule, routeId }) => {
        const standing = this.#engine.of(rule.id, routeId);
        if (standing === null) return [];
        const { state, sinceMs, value, noDataSinceMs } = standing;
        const alertId = this.#open.get(keyOf(rule.id, routeId))?.id ?? null;
        return [{ ruleId: rule.id, routeId, state, sinceMs, value, noDataSinceMs, alertId }];
      }),
      firing: [...this.#open.values()].sort((a, b) => b.id - a.id),
      version: this.#version,
    };
  }

  /** The board at once, then after every check and every change. */
  async *watch(signal: AbortSignal): AsyncGenerator<AlertBoard> {
    while (!signal.aborted) {
      const seen = this.changes.version;
      yield this.board();
      await this.changes.past(seen, signal);
    }
  }

  createRule(input: AlertRuleInput): AlertRule {
    return this.#changed(this.#options.store.alerts.create(input));
  }

  /** Throws RL_NOT_FOUND. */
  updateRule(id: number, patch: AlertRulePatch): AlertRule {
    const { alerts } = this.#options.store;
    const before = alerts.rule(id);
    const rule = alerts.update(id, patch);
    const watched = ({ condition, routes }: AlertRule): string => JSON.stringify([condition, routes]);
    if (watched(before) !== watched(rule)) {
      this.#engine.forget(id);
      this.#endAll(id, 'rule_changed');
    } else if (!rule.enabled) {
      this.#engine.forget(id);
      this.#endAll(id, 'rule_disabled');
    }
    return this.#changed(rule);
  }

  /** Throws RL_NOT_FOUND. */
  removeRule(id: number): void {
    this.#options.store.alerts.remove(id);
    this.#engine.forget(id);
    this.#endAll(id, 'rule_removed');
    this.#changed();
  }

  /** Throws RL_NOT_FOUND. */
  restoreRule(id: number): AlertRule {
    return this.#changed(this.#options.store.alerts.restore(id));
  }

  /** Throws RL_NOT_FOUND. */
  mute(id: number, untilMs: number | null): AlertRule {
    return this.#changed(this.#options.store.alerts.mute(id, untilMs));
  }

  /** Throws RL_NOT_FOUND. */
  acknowledge(id: number, acknowledged: boolean): Alert {
    const alert = this.#options.store.alerts.acknowledge(id, acknowledged);
    const key = keyOf(alert.rule.id, alert.routeId);
    if (this.#open.get(key)?.id === id) this.#open.set(key, alert);
    return this.#changed(alert);
  }

  webhooks(): Webhook[] {
    return this.#options.store.webhooks.list().map(withPrivacy);
  }

  createWebhook(input: WebhookInput): Webhook {
    return this.#changed(withPrivacy(this.#options.store.webhooks.create(input)));
  }

  /** Throws RL_NOT_FOUND. */
  updateWebhook(id: number, patch: WebhookPatch): Webhook {
    this.#undelivered.delete(id);
    return this.#changed(withPrivacy(this.#options.store.webhooks.update(id, patch)));
  }

  /** Throws RL_NOT_FOUND. */
  removeWebhook(id: number): void {
    this.#options.store.webhooks.remove(id);
    this.#undelivered.delete(id);
    this.#changed();
  }

  /** Sends a test message, whether the webhook is enabled or not. Throws RL_NOT_FOUND. */
  testWebhook(id: number): Delivery {
    const webhook = this.#options.store.webhooks.get(id);
    return this.#changed(this.#send(webhook, 'test', null));
  }

  #subjects(nowMs: number): Subject[] {
    const { store, statuses, sample } = this.#options;
    const routes = store.routes.list().map((route) => ({ route, status: statuses.of(route) }));
    const system = sample(nowMs);
    return store.alerts.rules().flatMap((rule): Subject[] => {
      const { metric } = rule.condition;
      if (!rule.enabled) return [];
      if (!isRouteMetric(metric))
        return [{ rule, routeId: null, value: system === null ? null : systemReading(metric, system) }];
      return routes
        .filter(({ route }) => watches(rule, route))
        .map(({ route, status }) => ({
          rule,
          routeId: route.id,
          value: routeReading(metric, status, nowMs),
        }));
    });
  }

  #check(nowMs: number): void {
    const subjects = this.#subjects(nowMs);
    this.#engine.check(subjects, nowMs, this.#options.checkMs * LATE_CHECKS);
    this.#checkedAtMs = nowMs;
    // Alerts follow the standings, so what could not be stored at one check is stored at a later.
    for (const { rule, routeId } of subjects) {
      if (this.#engine.of(rule.id, routeId)?.state === 'firing') this.#raise(rule, routeId);
    }
    for (const { rule, routeId } of [...this.#open.values()]) {
      const standing = this.#engine.of(rule.id, routeId);
      if (standing?.state === 'firing') continue;
      this.#end(rule.id, routeId, standing === null ? 'route_gone' : 'recovered', standing?.value ?? null);
    }
  }

  #raise(rule: AlertRule, routeId: string | null): void {
    const key = keyOf(rule.id, routeId);
    if (this.#open.has(key)) return;
    const { store, log } = this.#options;
    const route: Route | null = routeId === null ? null : store.routes.get(routeId);
    const { sinceMs, raisedBy } = this.#engine.of(rule.id, routeId)!;
    const alert = store.alerts.raise({
      rule,
      routeId,
      routeName: route?.name ?? null,
      emulated: route !== null && route.emulation !== null,
      raisedAtMs: sinceMs,
      value: raisedBy!,
    });
    this.#open.set(key, alert);
    log.warn({ alert: alert.id, rule: rule.name, route: routeId, value: raisedBy }, 'an alert was raised');
    this.#tell('raised', alert, rule);
    this.#changed();
  }

  #end(ruleId: number, routeId: string | null, end: AlertEnd, value: number | null): void {
    const { store, log } = this.#options;
    const key = keyOf(ruleId, routeId);
    const alert = store.alerts.end(this.#open.get(key)!.id, end, value);
    this.#open.delete(key);
    log.info({ alert: alert.id, rule: alert.rule.name, route: routeId, end, value }, 'an alert ended');
    // A rule that is gone cannot be muted any more.
    const rule = store.alerts.rules().find(({ id }) => id === ruleId) ?? alert.rule;
    this.#tell('resolved', alert, rule);
    this.#changed();
  }

  #endAll(ruleId: number, end: AlertEnd): void {
    for (const { rule, routeId } of [...this.#open.values()])
      if (rule.id === ruleId) this.#end(ruleId, routeId, end, null);
  }

  #tell(event: 'raised' | 'resolved', alert: Alert, { mutedUntilMs, desktop }: AlertRule): void {
    if (mutedUntilMs !== null && mutedUntilMs > Date.now()) return;
    const { store, notify } = this.#options;
    for (const webhook of store.webhooks.list()) {
      const isHeard = SEVERITIES.indexOf(alert.rule.severity) >= SEVERITIES.indexOf(webhook.leastSeverity);
      if (webhook.enabled && isHeard) this.#send(webhook, event, alert);
    }
    if (desktop && notify)
      this.#attempt('a notification could not be shown', () => notify(noticeOf(event, alert)));
  }

  #send(
    { id, url, timeoutS }: Pick<Webhook, 'id' | 'url' | 'timeoutS'>,
    event: Delivery['event'],
    alert: Alert | null,
  ): Delivery {
    const { webhooks } = this.#options.store;
    const delivery = webhooks.send(id, alert?.id ?? null, event);
    const to = { id, url, timeoutS, secret: webhooks.secret(id) };
    this.#courier.send(to, delivery.id, messageOf(event, alert, Date.now()));
    return delivery;
  }

  #changed(): void;
  #changed<T>(value: T): T;
  #changed<T>(value?: T): T | undefined {
    this.#version++;
    this.changes.bump();
    return value;
  }

  /** Returns what went wrong, or null. */
  #attempt(what: string, work: () => void): string | null {
    try {
      work();
      return null;
    } catch (thrown) {
      const { code, message } = toLabError(thrown);
      this.#options.log.error({ code, reason: message, err: thrown }, what);
      return message;
    }
  }
}

const withPrivacy = (webhook: Omit<Webhook, 'isPrivate'>): Webhook => ({
  ...webhook,
  isPrivate: isPrivateUrl(webhook.url),
});

const noticeOf = (event: 'raised' | 'resolved', { rule, routeName }: Alert): DesktopNotice => ({
  title: `${rule.name}${event === 'resolved' ? ': over' : ''}`,
  body: `${METRICS[rule.condition.metric].title}${routeName === null ? '' : ` of ${routeName}`}`,
});
