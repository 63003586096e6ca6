/** Alerts as the lab keeps them: rules judged each period, what they raise and resolve stored, and people told. */
import {
  type Alert,
  type AlertBoard,
  type AlertEnd,
  type AlertNotice,
  type AlertRule,
  type AlertRuleInput,
  type AlertRulePatch,
  isRouteMetric,
} from '../../shared/alerts.ts';
import type { Route } from '../../shared/domain.ts';
import { toLabError } from '../../shared/errors.ts';
import type { SystemSample } from '../../shared/monitoring.ts';
import type { Store } from '../store/index.ts';
import { DEFAULT_RULES, type Thresholds } from '../telemetry/alerts/defaults.ts';
import { AlertEngine, keyOf, type Subject } from '../telemetry/alerts/engine.ts';
import { routeReading, systemReading, watches } from '../telemetry/alerts/readings.ts';
import { AlertNotices } from './alert-notices.ts';
import { Changes } from './changes.ts';
import type { Log } from './log.ts';
import type { StatusBoard } from './status-board.ts';
import { Webhooks } from './webhooks.ts';

export interface AlertsOptions {
  store: Store;
  statuses: StatusBoard;
  /** The newest sample of the system, if it is of now. */
  sample: (nowMs: number) => SystemSample | null;
  log: Log;
  checkMs: number;
  onChecked: () => void;
  /** Shows a notification; absent where the host has no desktop. */
  notify?: (notice: AlertNotice) => void;
}

/** So many checks may be late before what is pending or resolving begins anew. */
const LATE_CHECKS = 4;

export class Alerts {
  readonly changes = new Changes();
  readonly webhooks: Webhooks;
  readonly #options: AlertsOptions;
  readonly #engine = new AlertEngine();
  readonly #notices = new AlertNotices();
  /** Alerts that fire, by what they are about. */
  readonly #open = new Map<string, Alert>();
  #version = 0;
  #checkedAtMs: number | null = null;
  #failure: string | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(options: AlertsOptions) {
    this.#options = options;
    const { store, log } = options;
    this.webhooks = new Webhooks({ store, log, onChange: () => this.#changed() });
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
    this.webhooks.close();
  }

  /** What is wrong with the alerts themselves, by part; null: nothing. */
  get failures(): { alerts: string | null; webhooks: string | null } {
    return { alerts: this.#failure, webhooks: this.webhooks.failure };
  }

  /** Judges all rules now. Never throws: what fails is logged, told by `failures`, and tried again the next time. */
  check(nowMs: number): void {
    this.#failure = this.#attempt('the alert rules could not be checked', () => this.#check(nowMs));
    this.changes.bump();
    this.#options.onChecked();
  }

  /** Takes thresholds on for built-in rules whose condition people left as it was. Never throws: what fails is logged. */
  configure(thresholds: Thresholds): void {
    this.#attempt('the thresholds of the configuration could not be set', () => {
      for (const [name, threshold] of Object.entries(thresholds)) {
        const rule = this.#options.store.alerts.configure(name, threshold);
        if (rule !== null) this.#judgeAnew(rule.id, 'rule_changed');
      }
    });
  }

  board(): AlertBoard {
    const nowMs = Date.now();
    const subjects = this.#subjects(nowMs);
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
      notices: this.#notices.standing,
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
    if (watched(before) !== watched(rule)) this.#judgeAnew(id, 'rule_changed');
    else if (!rule.enabled) this.#judgeAnew(id, 'rule_disabled');
    return this.#changed(rule);
  }

  /** Throws RL_NOT_FOUND. */
  removeRule(id: number): void {
    this.#options.store.alerts.remove(id);
    this.#judgeAnew(id, 'rule_removed');
  }

  /** Throws RL_NOT_FOUND. */
  restoreRule(id: number): AlertRule {
    return this.#changed(this.#options.store.alerts.restore(id));
  }

  /** What still fires when it is over is told then. Throws RL_NOT_FOUND. */
  mute(id: number, untilMs: number | null): AlertRule {
    const rule = this.#options.store.alerts.mute(id, untilMs);
    this.#tellUntold();
    return this.#changed(rule);
  }

  /** Throws RL_NOT_FOUND. */
  acknowledge(id: number, acknowledged: boolean): Alert {
    const alert = this.#options.store.alerts.acknowledge(id, acknowledged);
    const key = keyOf(alert.rule.id, alert.routeId);
    if (this.#open.get(key)?.id === id) this.#open.set(key, alert);
    return this.#changed(alert);
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
    this.#tellUntold();
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
    this.#changed();
  }

  /** Tells of alerts that were raised just now, or while their rules were muted. */
  #tellUntold(): void {
    const { store } = this.#options;
    const nowMs = Date.now();
    const rules = new Map(store.alerts.rules().map((rule) => [rule.id, rule]));
    for (const [key, alert] of this.#open) {
      const rule = rules.get(alert.rule.id);
      if (alert.toldAtMs !== null || rule === undefined || isMuted(rule, nowMs)) continue;
      this.webhooks.tell('raised', alert);
      this.#show('raised', alert, rule);
      this.#open.set(key, store.alerts.told(alert.id));
      this.#changed();
    }
  }

  #end(ruleId: number, routeId: string | null, end: AlertEnd, value: number | null): void {
    const { store, log } = this.#options;
    const key = keyOf(ruleId, routeId);
    const alert = store.alerts.end(this.#open.get(key)!.id, end, value);
    this.#open.delete(key);
    log.info({ alert: alert.id, rule: alert.rule.name, route: routeId, end, value }, 'an alert ended');
    if (alert.toldAtMs !== null) {
      this.webhooks.tell('resolved', alert);
      const rule = store.alerts.rules().find(({ id }) => id === ruleId);
      // A rule that is gone cannot be muted any more.
      this.#show('resolved', alert, rule ?? { ...alert.rule, mutedUntilMs: null });
    }
    this.#changed();
  }

  /** The rule looks for something else, or for nothing, from now on. */
  #judgeAnew(ruleId: number, end: AlertEnd): void {
    this.#engine.forget(ruleId);
    for (const { rule, routeId } of [...this.#open.values()])
      if (rule.id === ruleId) this.#end(ruleId, routeId, end, null);
    this.#changed();
  }

  #show(event: 'raised' | 'resolved', alert: Alert, rule: AlertRule): void {
    const nowMs = Date.now();
    if (!rule.desktop || isMuted(rule, nowMs)) return;
    const notice = this.#notices.add(event, alert, nowMs);
    this.#attempt('a notification could not be shown', () => this.#options.notify?.(notice));
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

const isMuted = ({ mutedUntilMs }: AlertRule, nowMs: number): boolean =>
  mutedUntilMs !== null && mutedUntilMs > nowMs;
