/** Alerts of a real lab: a real emulated route, a real store, and a webhook on a real HTTP server. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Lab } from '../../src/main/lab/index.ts';
import type { AlertBoard, AlertRuleInput } from '../../src/shared/alerts.ts';
import { openLab, temporaryDir } from './open-lab.ts';

const monitoring = { collectS: 0.2, checkS: 0.1 };

/** The demo's LTE path has more than 40 ms of RTT. */
const slow = (threshold = 10_000): AlertRuleInput => ({
  name: 'LTE answers slowly',
  condition: {
    kind: 'threshold',
    metric: 'route.rtt_p50',
    comparison: '>',
    threshold,
    forS: 0.3,
    hysteresis: { percent: 10 },
    resolveForS: 0.3,
  },
  severity: 'critical',
  routes: { kind: 'ids', ids: ['demo-lte'] },
  enabled: true,
  desktop: true,
});

type Message = {
  event: string;
  alert: { id: number; value: number; end: string | null; route: { id: string }; emulated: boolean } | null;
};

async function receiver() {
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    messages.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    response.end();
    for (const wake of waiting) wake();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    messages,
    received: async (count: number) => {
      while (messages.length < count) {
        const { promise, resolve } = Promise.withResolvers<void>();
        waiting.add(resolve);
        await promise;
        waiting.delete(resolve);
      }
      return messages;
    },
  };
}

async function until(lab: Lab, isReached: (board: AlertBoard) => boolean): Promise<AlertBoard> {
  const enough = new AbortController();
  try {
    for await (const board of await lab.client.alerts.watch(undefined, { signal: enough.signal }))
      if (isReached(board)) return board;
    throw new Error('the lab closed before it was reached');
  } finally {
    enough.abort();
  }
}

const ofRule = (id: number) => (board: AlertBoard) => board.firing.some(({ rule }) => rule.id === id);

test('a slow route raises an alert, which a restart keeps without telling again, and which resolves', async () => {
  const dataDir = temporaryDir();
  const hook = await receiver();
  const notices: { title: string; body: string }[] = [];
  let lab = await openLab({ dataDir, monitoring, notify: (notice) => notices.push(notice) });
  await lab.client.demo.start();
  const secret = 'never given back';
  const webhook = await lab.client.webhooks.create({ name: 'Here', url: hook.url, secret });
  expect(webhook).toMatchObject({ hasSecret: true, isPrivate: true });
  const { id } = await lab.client.alertRules.create(slow());
  const { firing } = await until(lab, ofRule(id));
  const alert = firing.find(({ rule }) => rule.id === id)!;
  expect(alert).toMatchObject({ routeId: 'demo-lte', routeName: 'LTE', emulated: true, endedAtMs: null });
  expect(alert.value).toBeGreaterThan(10_000);
  const [raised] = await hook.received(1);
  expect(raised).toMatchObject({
    event: 'raised',
    alert: { id: alert.id, value: alert.value, emulated: true },
  });
  expect(notices).toEqual([{ title: 'LTE answers slowly', body: 'RTT p50 of LTE' }]);
  expect((await lab.client.alerts.acknowledge({ id: alert.id })).acknowledgedAtMs).not.toBeNull();
  await lab.close();

  lab = await openLab({ dataDir, monitoring });
  const again = await until(lab, (board) => board.checkedAtMs !== null);
  expect(again.firing.filter(({ rule }) => rule.id === id).map((kept) => kept.id)).toEqual([alert.id]);
  // Of the route that is measured again, the alert goes on as the same one.
  await until(lab, ({ states }) =>
    states.some((state) => state.ruleId === id && state.value !== null && state.alertId === alert.id),
  );
  expect(hook.messages).toHaveLength(1);
  await lab.client.alertRules.update({ id, condition: slow(10e6).condition });
  const messages = await hook.received(2);
  expect(messages[1]).toMatchObject({ event: 'resolved', alert: { id: alert.id, end: 'rule_changed' } });
  const history = await lab.client.alerts.history({});
  expect(history.find((past) => past.id === alert.id)).toMatchObject({
    end: 'rule_changed',
    rule: { condition: { threshold: 10_000 } },
  });
  expect(JSON.stringify(await lab.client.webhooks.list())).not.toContain(secret);
  await until(lab, ({ states }) => states.some(({ ruleId, state }) => ruleId === id && state === 'ok'));
});

test('a muted rule raises its alerts and tells nobody; a removed one can be brought back', async () => {
  const hook = await receiver();
  const lab = await openLab({ monitoring });
  await lab.client.demo.start();
  await lab.client.webhooks.create({ name: 'Here', url: hook.url });
  const { id } = await lab.client.alertRules.create({ ...slow(), enabled: false });
  await lab.client.alertRules.mute({ id, forS: 3600 });
  await lab.client.alertRules.update({ id, enabled: true });
  await until(lab, ofRule(id));
  await lab.client.alertRules.remove({ id });
  expect((await lab.client.alerts.history({}))[0]).toMatchObject({ end: 'rule_removed' });
  await lab.client.alertRules.restore({ id });
  await lab.client.alertRules.unmute({ id });
  await until(lab, ofRule(id));
  // What the muted alert would have sent came before this.
  const messages = await hook.received(1);
  expect(messages.filter(({ event }) => event === 'raised')).toHaveLength(1);
});

test('a route that is stopped has no data, and its alert goes on', async () => {
  const lab = await openLab({ monitoring });
  await lab.client.demo.start();
  const { id } = await lab.client.alertRules.create(slow());
  await until(lab, ofRule(id));
  await lab.client.routes.stop({ id: 'demo-lte' });
  const { states } = await until(lab, (board) =>
    board.states.some((state) => state.ruleId === id && state.noDataSinceMs !== null),
  );
  expect(states.find(({ ruleId }) => ruleId === id)).toMatchObject({ state: 'firing', value: null });
  await lab.client.routes.remove({ id: 'demo-lte' });
  await until(lab, (board) => !ofRule(id)(board));
  expect((await lab.client.alerts.history({}))[0]).toMatchObject({ end: 'route_gone' });
});

test('a webhook that is down degrades itself only, and its failure is recorded', async () => {
  const lab = await openLab({ monitoring });
  const gone = createServer().listen(0, '127.0.0.1');
  await once(gone, 'listening');
  const { port } = gone.address() as AddressInfo;
  gone.close();
  const webhook = await lab.client.webhooks.create({ name: 'Gone', url: `http://127.0.0.1:${port}/` });
  const { id } = await lab.client.webhooks.test({ id: webhook.id });
  await until(lab, () => lab.health().services['webhooks']!.status === 'degraded');
  expect(lab.health()).toMatchObject({ status: 'degraded', services: { alerts: { status: 'healthy' } } });
  const [delivery] = await lab.client.alerts.deliveries({});
  expect(delivery).toMatchObject({ id, event: 'test', error: expect.stringContaining('ECONNREFUSED') });
});

test('the system is sampled, kept and read back', async () => {
  const lab = await openLab({ monitoring });
  await lab.client.demo.start();
  const enough = new AbortController();
  onTestFinished(() => enough.abort());
  const samples = [];
  for await (const { sample } of await lab.client.monitoring.watch(undefined, { signal: enough.signal })) {
    if (sample === null) continue;
    samples.push(sample);
    const rates = [sample.probeSentBps, sample.probeReceivedBps];
    if (rates.every((rate) => rate !== null && rate > 0) && sample.threads.some(({ cpu }) => cpu !== null))
      break;
  }
  const newest = samples.at(-1)!;
  expect(newest.threads.map(({ name }) => name)).toContain('probe');
  const { tMs, columns } = await lab.client.monitoring.series({ fromMs: newest.atMs, toMs: newest.atMs + 1 });
  expect(tMs).toEqual([newest.atMs]);
  expect(columns.rssBytes).toEqual({ min: [newest.rssBytes], max: [newest.rssBytes] });
});

test('input that makes no sense is refused, naming the field', async () => {
  const lab = await openLab({ monitoring });
  const { alertRules: rules, webhooks } = lab.client;
  const refused = (field: string) =>
    expect.objectContaining({ data: expect.objectContaining({ code: 'RL_INPUT_INVALID', field }) });
  const { condition } = slow();
  await expect(
    rules.create({ ...slow(), condition: { ...condition, hysteresis: { value: 20_000 } } }),
  ).rejects.toEqual(refused('condition.hysteresis'));
  await expect(rules.create({ ...slow(), condition: { ...condition, forS: -1 } })).rejects.toEqual(
    refused('condition.forS'),
  );
  await expect(webhooks.create({ name: 'x', url: 'file:///etc/passwd' })).rejects.toEqual(refused('url'));
  await expect(webhooks.create({ name: 'x', url: 'http://me:secret@host/' })).rejects.toEqual(refused('url'));
});
