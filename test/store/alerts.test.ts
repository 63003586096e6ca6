import { join } from 'node:path';
import Database from 'better-sqlite3';
import { expect, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { migrate } from '../../src/main/store/migrate.ts';
import { MIGRATIONS } from '../../src/main/store/migrations/index.ts';
import { openUpkeep } from '../../src/main/store/rollups/upkeep.ts';
import { AlertRuleInput, WebhookInput } from '../../src/shared/alerts.ts';
import { SYSTEM_COLUMNS, type SystemSample } from '../../src/shared/monitoring.ts';
import { tempDir } from './temp.ts';

const input = AlertRuleInput.parse({
  name: 'Slow',
  condition: {
    kind: 'threshold',
    metric: 'route.rtt_p95',
    comparison: '>',
    threshold: 1000,
    forS: 0,
    hysteresis: null,
    resolveForS: 0,
  },
});

const hook = WebhookInput.parse({ name: 'Hook', url: 'http://127.0.0.1:1/', secret: 'very secret' });

test('rules are kept, changed, removed and brought back; a removed built-in one is not seeded again', () => {
  const dataDir = tempDir();
  let store = openStore({ dataDir });
  const { id } = store.alerts.create(input);
  expect(store.alerts.update(id, { name: 'Slower' })).toMatchObject({
    ...input,
    name: 'Slower',
    builtIn: null,
  });
  store.alerts.seed({ cpu: input });
  const builtIn = store.alerts.rules().find((rule) => rule.builtIn === 'cpu')!;
  store.alerts.remove(builtIn.id);
  store.close();
  store = openStore({ dataDir, nowMs: () => Date.now() + 30 * 86_400_000 });
  store.alerts.seed({ cpu: input });
  expect(store.alerts.rules().map(({ name }) => name)).toEqual(['Slower']);
  expect(store.alerts.restore(builtIn.id).builtIn).toBe('cpu');
  expect(() => store.alerts.rule(999)).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
  store.close();
});

test('the configuration sets the thresholds of built-in rules whose condition nobody changed', () => {
  const store = openStore({ dataDir: tempDir() });
  store.alerts.seed({ cpu: input, memory: input, response_time: input });
  const [cpu, memory, time] = store.alerts.rules().map(({ id }) => id) as [number, number, number];
  store.alerts.update(cpu, { name: 'Mine', enabled: false });
  store.alerts.update(memory, { condition: { ...input.condition, forS: 5 } });
  store.alerts.remove(time);
  expect(store.alerts.configure('cpu', 2000)).toMatchObject({
    name: 'Mine',
    enabled: false,
    condition: { ...input.condition, threshold: 2000 },
  });
  expect(store.alerts.configure('cpu', 2000)).toBeNull();
  expect(store.alerts.configure('memory', 2000)).toBeNull();
  expect(store.alerts.configure('response_time', 2000)).toBeNull();
  // Seeding again, as at the next start, does not take back what was configured.
  store.alerts.seed({ cpu: input });
  expect(store.alerts.rule(cpu).condition.threshold).toBe(2000);
  expect(store.alerts.rule(memory).condition.threshold).toBe(1000);
  expect(store.alerts.restore(time).condition.threshold).toBe(2000);
  store.close();
});

test('rules of a lab of before their thresholds could be configured follow it unless they were changed', () => {
  const dataDir = tempDir();
  const old = new Database(join(dataDir, 'lab.db'));
  old.pragma('journal_mode = WAL');
  migrate(
    old,
    MIGRATIONS.slice(
      0,
      MIGRATIONS.findIndex((sql) => sql.includes('told_at_ms')),
    ),
  );
  const put = old.prepare('INSERT INTO alert_rule (built_in, rule, created_at_ms) VALUES (?, ?, 0)');
  put.run('cpu', JSON.stringify(input));
  put.run('memory', JSON.stringify({ ...input, condition: { ...input.condition, threshold: 5 } }));
  old.exec(`INSERT INTO alert (rule_id, rule, emulated, raised_at_ms, value)
    SELECT id, json_set(rule, '$.id', id, '$.builtIn', built_in, '$.mutedUntilMs', null, '$.createdAtMs', 0), 0, 7, 1 FROM alert_rule`);
  old.close();
  const store = openStore({ dataDir });
  store.alerts.seed({ cpu: input, memory: input });
  expect(store.alerts.configure('cpu', 2000)?.condition.threshold).toBe(2000);
  expect(store.alerts.configure('memory', 2000)).toBeNull();
  // People were told of what fired then.
  expect(store.alerts.firing().map(({ toldAtMs }) => toldAtMs)).toEqual([7, 7]);
  store.close();
});

test('what alerts leave behind is taken away by upkeep, but not what fires still needs', () => {
  const store = openStore({ dataDir: tempDir() });
  const webhook = store.webhooks.create(hook);
  const removed = store.webhooks.create(hook);
  store.webhooks.remove(removed.id);
  const rule = store.alerts.create(input);
  const gone = store.alerts.create(input);
  store.alerts.remove(gone.id);
  const about = { rule, routeId: null, routeName: null, emulated: false, raisedAtMs: 5, value: 2000 };
  const fires = store.alerts.raise(about);
  const { id: told } = store.webhooks.send(webhook.id, fires.id, 'raised');
  store.webhooks.progress(told, { state: 'delivered', attempts: 1, status: 200, error: null });
  const db = new Database(join(store.dataDir, 'lab.db'));
  db.exec(`
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 11000)
    INSERT INTO alert (rule_id, rule, emulated, raised_at_ms, value, ended_at_ms, end_reason)
      SELECT rule_id, rule, 0, i, 1, i, 'recovered' FROM n, (SELECT * FROM alert WHERE id = ${fires.id});
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
    INSERT INTO delivery (webhook_id, event, state, attempts, created_at_ms)
      SELECT ${webhook.id}, 'test', 'delivered', 1, i FROM n`);
  const count = (table: string) => db.prepare(`SELECT count(*) FROM ${table}`).pluck().get();
  const upkeep = openUpkeep({ dataDir: store.dataDir });
  let slices = 1;
  while (upkeep.step(Date.now())) slices++;
  expect(slices).toBeGreaterThan(1);
  expect([count('alert'), count('delivery')]).toEqual([10_001, 5001]);
  expect(store.alerts.firing()).toMatchObject([{ id: fires.id }]);
  expect(store.webhooks.toldOf(fires.id)).toEqual(new Set([webhook.id]));
  expect(store.webhooks.restore(removed.id)).toMatchObject({ hasSecret: true });
  store.webhooks.remove(removed.id);
  while (upkeep.step(Date.now() + 8 * 86_400_000));
  expect(() => store.webhooks.restore(removed.id)).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
  expect(() => store.alerts.restore(gone.id)).toThrow(expect.objectContaining({ code: 'RL_NOT_FOUND' }));
  upkeep.close();
  db.close();
  store.close();
});

test('an alert keeps the rule that raised it, and its life survives a restart', () => {
  const dataDir = tempDir();
  let store = openStore({ dataDir });
  const rule = store.alerts.create(input);
  const about = { rule, routeId: 'r', routeName: 'R', emulated: true, raisedAtMs: 5, value: 2000 };
  const { id } = store.alerts.raise(about);
  store.alerts.update(rule.id, { name: 'Other' });
  store.close();
  store = openStore({ dataDir });
  expect(store.alerts.firing()).toEqual([
    { ...about, id, endedAtMs: null, end: null, endValue: null, acknowledgedAtMs: null, toldAtMs: null },
  ]);
  expect(store.alerts.acknowledge(id, true).acknowledgedAtMs).not.toBeNull();
  expect(store.alerts.acknowledge(id, false).acknowledgedAtMs).toBeNull();
  expect(store.alerts.end(id, 'recovered', 900)).toMatchObject({ end: 'recovered', endValue: 900 });
  expect(store.alerts.firing()).toEqual([]);
  const second = store.alerts.raise(about).id;
  expect(store.alerts.history(10, Number.MAX_SAFE_INTEGER).map((alert) => alert.id)).toEqual([second, id]);
  expect(store.alerts.history(10, second).map((alert) => alert.id)).toEqual([id]);
  store.close();
});

test('a webhook’s secret is kept and never listed; what was under way when the lab died is interrupted', () => {
  const dataDir = tempDir();
  let store = openStore({ dataDir });
  const webhook = store.webhooks.create(hook);
  expect(JSON.stringify(store.webhooks.list())).not.toContain('very secret');
  expect(store.webhooks.update(webhook.id, { name: 'Other' })).toMatchObject({
    name: 'Other',
    hasSecret: true,
  });
  expect(store.webhooks.addressee(webhook.id)?.secret).toBe('very secret');
  expect(store.webhooks.update(webhook.id, { secret: null }).hasSecret).toBe(false);
  store.webhooks.send(webhook.id, null, 'test');
  store.close();
  store = openStore({ dataDir });
  expect(store.webhooks.deliveries(10, Number.MAX_SAFE_INTEGER)).toMatchObject([{ state: 'interrupted' }]);
  store.close();
});

test('system samples are read as least and greatest per bucket', () => {
  const store = openStore({ dataDir: tempDir() });
  const sample = (atMs: number, value: number): SystemSample =>
    ({
      ...Object.fromEntries(SYSTEM_COLUMNS.map((name) => [name, value])),
      load1: null,
      atMs,
      threads: [],
      interfaces: [],
    }) as unknown as SystemSample;
  for (const [atMs, value] of [
    [1000, 1],
    [1500, 5],
    [2000, 7],
  ] as const)
    store.system.add(sample(atMs, value));
  const { tMs, columns } = store.system.series(0, 3000, 1000);
  expect(tMs).toEqual([1000, 2000]);
  expect(columns.rssBytes).toEqual({ min: [1, 7], max: [5, 7] });
  expect(columns.load1).toEqual({ min: [null, null], max: [null, null] });
  store.close();
});
