import { expect, test } from 'vitest';
import { openStore } from '../../src/main/store/index.ts';
import { AlertRuleInput } from '../../src/shared/alerts.ts';
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
    { ...about, id, endedAtMs: null, end: null, endValue: null, acknowledgedAtMs: null },
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
  const webhook = store.webhooks.create({
    name: 'Hook',
    url: 'http://127.0.0.1:1/',
    enabled: true,
    leastSeverity: 'info',
    timeoutS: 5,
    secret: 'very secret',
  });
  expect(JSON.stringify(store.webhooks.list())).not.toContain('very secret');
  expect(store.webhooks.update(webhook.id, { name: 'Other' })).toMatchObject({
    name: 'Other',
    hasSecret: true,
  });
  expect(store.webhooks.secret(webhook.id)).toBe('very secret');
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
