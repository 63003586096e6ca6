/** The tables of alert rules and of the alerts they raised. A removed rule can be restored until it is tidied away. */
import {
  Alert,
  type AlertEnd,
  AlertRule,
  type AlertRuleInput,
  type AlertRulePatch,
  Condition,
} from '../../shared/alerts.ts';
import { LabError } from '../../shared/errors.ts';
import type { WriteHandle } from './handles.ts';

export interface AlertTable {
  rules(): AlertRule[];
  /** Throws RL_NOT_FOUND, also for a removed rule. */
  rule(id: number): AlertRule;
  create(input: AlertRuleInput): AlertRule;
  /** Adds the rules of these names that there never were. */
  seed(rules: Readonly<Record<string, AlertRuleInput>>): void;
  /** Gives the rule seeded under this name another threshold, unless people changed its condition; null: nothing changed. */
  configure(name: string, threshold: number): AlertRule | null;
  /** Throws RL_NOT_FOUND. */
  update(id: number, patch: AlertRulePatch): AlertRule;
  /** Throws RL_NOT_FOUND. */
  mute(id: number, untilMs: number | null): AlertRule;
  /** Throws RL_NOT_FOUND. */
  remove(id: number): void;
  /** Throws RL_NOT_FOUND when no such rule was removed. */
  restore(id: number): AlertRule;
  raise(alert: Pick<Alert, 'rule' | 'routeId' | 'routeName' | 'emulated' | 'raisedAtMs' | 'value'>): Alert;
  end(id: number, end: AlertEnd, value: number | null): Alert;
  /** Notes that people were told of its raise. */
  told(id: number): Alert;
  /** Throws RL_NOT_FOUND. */
  acknowledge(id: number, acknowledged: boolean): Alert;
  /** Alerts that have not ended, the oldest first. */
  firing(): Alert[];
  /** Newest first, those with a smaller id than `before`. */
  history(limit: number, before: number): Alert[];
}

type RuleRow = {
  id: number;
  built_in: string | null;
  rule: string;
  muted_until_ms: number | null;
  created_at_ms: number;
  removed_at_ms: number | null;
  configured: string | null;
};
type AlertRow = {
  id: number;
  rule: string;
  route_id: string | null;
  route_name: string | null;
  emulated: number;
  raised_at_ms: number;
  value: number;
  ended_at_ms: number | null;
  end_reason: string | null;
  end_value: number | null;
  acknowledged_at_ms: number | null;
  told_at_ms: number | null;
};

/** Throws RL_DB_CORRUPT where a row holds what it cannot. */
function sound<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new LabError('RL_DB_CORRUPT', `${what} is stored with values it cannot have`, { cause });
  }
}

const ruleOf = (row: RuleRow): AlertRule =>
  sound(`Alert rule ${row.id}`, () =>
    AlertRule.parse({
      ...JSON.parse(row.rule),
      id: row.id,
      builtIn: row.built_in,
      mutedUntilMs: row.muted_until_ms,
      createdAtMs: row.created_at_ms,
    }),
  );

const alertOf = (row: AlertRow): Alert =>
  sound(`Alert ${row.id}`, () =>
    Alert.parse({
      id: row.id,
      rule: JSON.parse(row.rule),
      routeId: row.route_id,
      routeName: row.route_name,
      emulated: row.emulated === 1,
      raisedAtMs: row.raised_at_ms,
      value: row.value,
      endedAtMs: row.ended_at_ms,
      end: row.end_reason,
      endValue: row.end_value,
      acknowledgedAtMs: row.acknowledged_at_ms,
      toldAtMs: row.told_at_ms,
    }),
  );

export function alertTable(db: WriteHandle, nowMs: () => number): AlertTable {
  const rules = db.query<[], RuleRow>('SELECT * FROM alert_rule WHERE removed_at_ms IS NULL ORDER BY id');
  const findRule = db.query<[number], RuleRow>('SELECT * FROM alert_rule WHERE id = ?');
  const insertRule = db.command<[string, number]>(
    'INSERT INTO alert_rule (rule, created_at_ms) VALUES (?, ?)',
  );
  // Of a lab of before there was `configured`: what rules began with then.
  const seedRule = db.command<[string, string, number, string]>(
    `INSERT INTO alert_rule (built_in, rule, created_at_ms, configured) VALUES (?, ?, ?, ?)
     ON CONFLICT (built_in) DO UPDATE SET configured = excluded.configured WHERE configured IS NULL`,
  );
  const findBuiltIn = db.query<[string], RuleRow>('SELECT * FROM alert_rule WHERE built_in = ?');
  const setConfigured = db.command<[string, number]>('UPDATE alert_rule SET configured = ? WHERE id = ?');
  const setRule = db.command<[string, number]>('UPDATE alert_rule SET rule = ? WHERE id = ?');
  const setMuted = db.command<[number | null, number]>(
    'UPDATE alert_rule SET muted_until_ms = ? WHERE id = ?',
  );
  const setRemoved = db.command<[number | null, number]>(
    'UPDATE alert_rule SET removed_at_ms = ? WHERE id = ?',
  );
  const findAlert = db.query<[number], AlertRow>('SELECT * FROM alert WHERE id = ?');
  const insertAlert = db.command<[number, string, string | null, string | null, number, number, number]>(
    `INSERT INTO alert (rule_id, rule, route_id, route_name, emulated, raised_at_ms, value)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const endAlert = db.command<[number, string, number | null, number]>(
    'UPDATE alert SET ended_at_ms = ?, end_reason = ?, end_value = ? WHERE id = ?',
  );
  const setAcknowledged = db.command<[number | null, number]>(
    'UPDATE alert SET acknowledged_at_ms = ? WHERE id = ?',
  );
  const setTold = db.command<[number, number]>('UPDATE alert SET told_at_ms = ? WHERE id = ?');
  const firing = db.query<[], AlertRow>('SELECT * FROM alert WHERE ended_at_ms IS NULL ORDER BY id');
  const history = db.query<[number, number], AlertRow>(
    'SELECT * FROM alert WHERE id < ? ORDER BY id DESC LIMIT ?',
  );

  const rule = (id: number, removed = false): AlertRule => {
    const row = findRule.get(id);
    if (row !== undefined && (row.removed_at_ms !== null) === removed) return ruleOf(row);
    const what = removed ? 'removed alert rule' : 'alert rule';
    throw new LabError('RL_NOT_FOUND', `There is no ${what} ${id}`, { field: 'id' });
  };
  const alert = (id: number): Alert => {
    const row = findAlert.get(id);
    if (row !== undefined) return alertOf(row);
    throw new LabError('RL_NOT_FOUND', `There is no alert ${id}`, { field: 'id' });
  };

  return {
    rules: () => rules.all().map(ruleOf),
    rule: (id) => rule(id),
    create: (input) => rule(insertRule.run(JSON.stringify(input), nowMs()).id),
    seed: (given) =>
      db.transaction(() => {
        for (const [name, input] of Object.entries(given))
          seedRule.run(name, JSON.stringify(input), nowMs(), JSON.stringify(input.condition));
      }),
    configure: (name, threshold) =>
      db.transaction(() => {
        const row = findBuiltIn.get(name);
        if (row === undefined) throw new Error(`no rule was seeded as ${name}`);
        const before = sound(`Alert rule ${row.id}`, () => Condition.parse(JSON.parse(row.configured!)));
        if (before.threshold === threshold) return null;
        const condition = { ...before, threshold };
        setConfigured.run(JSON.stringify(condition), row.id);
        if (JSON.stringify(ruleOf(row).condition) !== JSON.stringify(before)) return null;
        setRule.run(JSON.stringify({ ...JSON.parse(row.rule), condition }), row.id);
        return row.removed_at_ms === null ? rule(row.id) : null;
      }),
    update: (id, patch) =>
      db.transaction(() => {
        const { id: _, builtIn, mutedUntilMs, createdAtMs, ...fields } = rule(id);
        const given = Object.entries(patch).filter(([, value]) => value !== undefined);
        setRule.run(JSON.stringify({ ...fields, ...Object.fromEntries(given) }), id);
        return rule(id);
      }),
    mute: (id, untilMs) => {
      rule(id);
      setMuted.run(untilMs, id);
      return rule(id);
    },
    remove: (id) => {
      rule(id);
      setRemoved.run(nowMs(), id);
    },
    restore: (id) => {
      rule(id, true);
      setRemoved.run(null, id);
      return rule(id);
    },
    raise: ({ rule: snapshot, routeId, routeName, emulated, raisedAtMs, value }) =>
      alert(
        insertAlert.run(
          snapshot.id,
          JSON.stringify(snapshot),
          routeId,
          routeName,
          Number(emulated),
          raisedAtMs,
          value,
        ).id,
      ),
    end: (id, end, value) => {
      endAlert.run(nowMs(), end, value, id);
      return alert(id);
    },
    told: (id) => {
      setTold.run(nowMs(), id);
      return alert(id);
    },
    acknowledge: (id, acknowledged) => {
      alert(id);
      setAcknowledged.run(acknowledged ? nowMs() : null, id);
      return alert(id);
    },
    firing: () => firing.all().map(alertOf),
    history: (limit, before) => history.all(before, limit).map(alertOf),
  };
}
