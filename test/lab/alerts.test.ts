/** Alerts of a real lab: a real emulated route, a real store, and a webhook on a real HTTP server. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Configuration, type Lab } from '../../src/main/lab/index.ts';
import type { AlertBoard, AlertNotice, AlertRuleInput, Delivery } from '../../src/shared/alerts.ts';
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

/** Memory of the lab's process: fires at once and on, unless the threshold is beyond it. */
const big = (threshold = 0): AlertRuleInput => ({
  ...slow(),
  name: 'The lab takes memory',
  condition: { ...slow().condition, metric: 'system.process_memory', threshold, forS: 0 },
  severity: 'warning',
  routes: { kind: 'all' },
});

type Message = {
  event: string;
  alert: {
    id: number;
    value: number;
    end: string | null;
    route: { id: string } | null;
    emulated: boolean;
  } | null;
};

/** A receiver that answers with the status it is given, which the test may change. */
async function receiver(answer = { status: 200 }) {
  const messages: Message[] = [];
  const waiting = new Set<() => void>();
  const server = createServer(async (request, response) => {
    messages.push(JSON.parse(Buffer.concat(await request.toArray()).toString()));
    response.writeHead(answer.status).end();
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

async function until(
  lab: Lab,
  isReached: (board: AlertBoard) => boolean | Promise<boolean>,
): Promise<AlertBoard> {
  const enough = new AbortController();
  try {
    for await (const board of await lab.client.alerts.watch(undefined, { signal: enough.signal }))
      if (await isReached(board)) return board;
    throw new Error('the lab closed before it was reached');
  } finally {
    enough.abort();
  }
}

const ofRule = (id: number) => (board: AlertBoard) => board.firing.some(({ rule }) => rule.id === id);

test('a slow route raises an alert, which a restart keeps without telling again, and which resolves', async () => {
  const dataDir = temporaryDir();
  const hook = await receiver();
  const notices: AlertNotice[] = [];
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
  expect(notices).toMatchObject([{ alertId: alert.id, title: 'LTE answers slowly', body: 'RTT p50 of LTE' }]);
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
  await lab.client.webhooks.create({ name: 'Here', url: hook.url });
  const { id } = await lab.client.alertRules.create({ ...big(), enabled: false });
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

test('what outlives its muting is told when it is over, and an end goes where its raise went', async () => {
  const [hook, other] = [await receiver(), await receiver()];
  const notices: AlertNotice[] = [];
  const lab = await openLab({ monitoring, notify: (notice) => notices.push(notice) });
  const { webhooks, alertRules: rules } = lab.client;
  const { id: hookId } = await webhooks.create({ name: 'Here', url: hook.url });
  const { id } = await rules.create({ ...big(), enabled: false });
  await rules.mute({ id, forS: 3600 });
  await rules.update({ id, enabled: true });
  const { firing } = await until(lab, ofRule(id));
  expect(firing.find(({ rule }) => rule.id === id)).toMatchObject({ toldAtMs: null });
  expect(await lab.client.alerts.deliveries({})).toEqual([]);
  // Until in a second, without anybody's doing.
  await rules.mute({ id, forS: 1 });
  expect(await hook.received(1)).toMatchObject([{ event: 'raised', alert: { route: null } }]);
  const board = await until(lab, ({ notices: told }) => told.length > 0);
  expect(board.notices).toEqual(notices);
  expect(notices).toMatchObject([{ title: 'The lab takes memory' }]);

  // Neither a muting nor what webhooks listen to from now on leaves an end out, or sends it where nothing was raised.
  await rules.mute({ id, forS: 3600 });
  await webhooks.update({ id: hookId, leastSeverity: 'critical' });
  await webhooks.create({ name: 'Later', url: other.url });
  await rules.update({ id, condition: big(1e15).condition });
  const messages = await hook.received(2);
  expect(messages[1]).toMatchObject({ event: 'resolved', alert: { end: 'rule_changed' } });
  expect((await lab.client.alerts.deliveries({})).map(({ event, webhookId }) => [event, webhookId])).toEqual([
    ['resolved', hookId],
    ['raised', hookId],
  ]);
  expect(notices).toHaveLength(1);
  await rules.update({ id, condition: big().condition });
  await until(lab, ofRule(id));
  await rules.unmute({ id });
  await rules.remove({ id });
  expect(notices.map(({ title }) => title)).toEqual([
    'The lab takes memory',
    'The lab takes memory',
    'The lab takes memory: over',
  ]);
});

test('lab.yaml sets the thresholds of built-in rules, but not of those that people changed', async () => {
  const path = join(temporaryDir(), 'lab.yaml');
  const configure = (alerts: string): void => writeFileSync(path, `monitoring: { alerts: { ${alerts} } }`);
  configure('cpu: 0.5, response_time: 250ms');
  const configuration = new Configuration({ file: { path, required: true } });
  const lab = await openLab({ configuration, monitoring });
  const thresholds = async () =>
    Object.fromEntries(
      (await lab.client.alertRules.list()).map(({ builtIn, condition }) => [builtIn, condition.threshold]),
    );
  expect(await thresholds()).toMatchObject({
    cpu: 0.5,
    memory: 0.85,
    error_rate: 0.05,
    response_time: 250_000,
  });
  const memory = (await lab.client.alertRules.list()).find(({ builtIn }) => builtIn === 'memory')!;
  const condition = { ...memory.condition, threshold: 0, forS: 0 };
  await lab.client.alertRules.update({ id: memory.id, condition });
  await until(lab, ofRule(memory.id));
  configure('memory: 0.7, error_rate: 0.2');
  configuration.reload();
  expect(await thresholds()).toMatchObject({ cpu: 0.8, memory: 0, error_rate: 0.2, response_time: 10e6 });
  expect((await lab.client.alerts.board()).firing).toMatchObject([{ rule: { id: memory.id } }]);
  const { settings } = await lab.client.settings.get();
  const uses = settings.filter((each) => each.path.startsWith('monitoring.alerts.')).map(({ use }) => use);
  expect(uses).toEqual(['now', 'now', 'now', 'now', 'later']);
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

test('a webhook that is removed or switched off is sent nothing more, and is no trouble any more', async () => {
  const lab = await openLab({ monitoring });
  const { webhooks, alerts } = lab.client;
  const hook = await receiver({ status: 503 });
  const { id } = await webhooks.create({ name: 'Wrong', url: hook.url });
  const status = () => lab.health().services.webhooks.status;
  const sendThree = async (): Promise<void> => {
    for (let n = 0; n < 3; n++) await webhooks.test({ id });
    await until(lab, () => status() === 'degraded');
  };
  const interrupted = async (): Promise<void> => {
    const isOver = ({ state }: Delivery): boolean => state === 'interrupted';
    await until(lab, async () => (await alerts.deliveries({ limit: 3 })).every(isOver));
    expect(status()).toBe('healthy');
  };
  await sendThree();
  await webhooks.remove({ id });
  await interrupted();
  await expect(webhooks.test({ id })).rejects.toMatchObject({ code: 'RL_NOT_FOUND' });
  await webhooks.restore({ id });
  await sendThree();
  await webhooks.update({ id, enabled: false });
  await interrupted();
  // Of each three the first was tried. A test is sent all the same, and its failure is nobody's trouble.
  expect(hook.messages).toHaveLength(2);
  await webhooks.test({ id });
  await hook.received(3);
  await until(lab, async () => (await alerts.deliveries({ limit: 1 }))[0]!.attempts > 0);
  expect(status()).toBe('healthy');
});

test('what waits for a webhook goes to the address it has by then', async () => {
  const lab = await openLab({ monitoring });
  const [wrong, right] = [await receiver({ status: 503 }), await receiver()];
  const { id } = await lab.client.webhooks.create({ name: 'Here', url: wrong.url });
  const { id: delivery } = await lab.client.webhooks.test({ id });
  await until(lab, () => lab.health().services.webhooks.status === 'degraded');
  await lab.client.webhooks.update({ id, url: right.url });
  expect(await right.received(1)).toMatchObject([{ event: 'test' }]);
  await until(lab, async () => (await lab.client.alerts.deliveries({}))[0]!.state === 'delivered');
  expect((await lab.client.alerts.deliveries({}))[0]).toMatchObject({ id: delivery, attempts: 2 });
  expect(wrong.messages).toHaveLength(1);
  expect(lab.health().services.webhooks.status).toBe('healthy');
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
