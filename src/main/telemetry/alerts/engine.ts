/** How all rules stand: one `Standing` for each rule and each route it watches, or for the system. */
import type { Alert, AlertRule } from '../../../shared/alerts.ts';
import { judge, type Standing } from './judge.ts';

/** One rule and one thing it watches, with the value it has now; null where there is none. */
export interface Subject {
  rule: AlertRule;
  routeId: string | null;
  value: number | null;
}

export const keyOf = (ruleId: number, routeId: string | null): string => `${ruleId}/${routeId ?? ''}`;

export class AlertEngine {
  #standings = new Map<string, Standing>();

  /** An alert of an earlier session fires on. */
  adopt({ rule, routeId, raisedAtMs, value }: Alert, nowMs: number): void {
    this.#standings.set(keyOf(rule.id, routeId), {
      state: 'firing',
      sinceMs: raisedAtMs,
      value: null,
      noDataSinceMs: nowMs,
      clearSinceMs: null,
      raisedBy: value,
      atMs: nowMs,
    });
  }

  /** Judges every subject; what is no subject any more stands for nothing. */
  check(subjects: readonly Subject[], nowMs: number, mostGapMs: number): void {
    const before = this.#standings;
    this.#standings = new Map(
      subjects.map(({ rule, routeId, value }) => {
        const key = keyOf(rule.id, routeId);
        return [key, judge(before.get(key) ?? null, rule.condition, value, nowMs, mostGapMs)];
      }),
    );
  }

  /** The rule looks for something else now. */
  forget(ruleId: number): void {
    for (const key of this.#standings.keys())
      if (key.startsWith(keyOf(ruleId, null))) this.#standings.delete(key);
  }

  of(ruleId: number, routeId: string | null): Standing | null {
    return this.#standings.get(keyOf(ruleId, routeId)) ?? null;
  }
}
