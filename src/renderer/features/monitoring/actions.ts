/** What the page does to rules, alerts and webhooks. Every failure is shown with its code and hint. */
import { create } from 'zustand';
import type { Alert, AlertRule, AlertRuleInput, Webhook, WebhookInput } from '../../../shared/alerts.ts';
import { client } from '../../lab/connection.ts';
import { orpc, queryClient } from '../../lab/queries.ts';
import { attempt } from '../../parts/attempt.ts';
import { showRemoved, takeBack } from '../../parts/removed.tsx';

/** Rules removed on this page and not restored, the newest last. */
export const useRemovedRules = create<{ removed: readonly AlertRule[] }>(() => ({ removed: [] }));

const refresh = async (): Promise<void> => {
  await Promise.all(
    [orpc.alertRules.key(), orpc.webhooks.key(), orpc.alerts.key()].map((queryKey) =>
      queryClient.invalidateQueries({ queryKey }),
    ),
  );
};
const act = (subject: string, what: string, action: () => Promise<unknown>): Promise<void> =>
  attempt(subject, what, async () => {
    await action();
    await refresh();
  });
const ofRule = ({ id }: AlertRule): string => `rule-${id}`;

/** Saves a form. Throws what the lab says, for the form to show. */
export async function saveRule(input: AlertRuleInput, id?: number): Promise<AlertRule> {
  const rule = await (id === undefined
    ? client.alertRules.create(input)
    : client.alertRules.update({ ...input, id }));
  await refresh();
  return rule;
}

/** As `saveRule`. */
export async function addWebhook(input: WebhookInput): Promise<void> {
  await client.webhooks.create(input);
  await refresh();
}

export const setRuleEnabled = (rule: AlertRule, enabled: boolean): Promise<void> =>
  act(ofRule(rule), `${rule.name} was not switched`, () =>
    client.alertRules.update({ id: rule.id, enabled }),
  );

/** How long a rule is muted from here, seconds. */
const MUTE_S = 3600;

export const setMuted = (rule: AlertRule, muted: boolean): Promise<void> =>
  act(ofRule(rule), `${rule.name} was not ${muted ? 'muted' : 'unmuted'}`, () =>
    muted ? client.alertRules.mute({ id: rule.id, forS: MUTE_S }) : client.alertRules.unmute({ id: rule.id }),
  );

export const removeRule = (rule: AlertRule): Promise<void> =>
  act(ofRule(rule), `${rule.name} was not removed`, async () => {
    await client.alertRules.remove({ id: rule.id });
    useRemovedRules.setState(({ removed }) => ({ removed: [...removed, rule] }));
    showRemoved(ofRule(rule), `${rule.name}; its history is kept.`, () => restoreRule(rule));
  });

export const restoreRule = (rule: AlertRule): Promise<void> =>
  act(ofRule(rule), `${rule.name} was not restored`, async () => {
    await client.alertRules.restore({ id: rule.id });
    useRemovedRules.setState(({ removed }) => ({ removed: removed.filter(({ id }) => id !== rule.id) }));
    takeBack(ofRule(rule));
  });

export const setAcknowledged = ({ id, rule }: Alert, acknowledged: boolean): Promise<void> =>
  act(`alert-${id}`, `${rule.name} was not ${acknowledged ? 'acknowledged' : 'taken back'}`, () =>
    client.alerts[acknowledged ? 'acknowledge' : 'unacknowledge']({ id }),
  );

const ofWebhook = ({ id }: Webhook): string => `webhook-${id}`;

export const setWebhookEnabled = (webhook: Webhook, enabled: boolean): Promise<void> =>
  act(ofWebhook(webhook), `${webhook.name} was not switched`, () =>
    client.webhooks.update({ id: webhook.id, enabled }),
  );

export const testWebhook = (webhook: Webhook): Promise<void> =>
  act(ofWebhook(webhook), `${webhook.name} was not tested`, () => client.webhooks.test({ id: webhook.id }));

export const removeWebhook = (webhook: Webhook): Promise<void> =>
  act(ofWebhook(webhook), `${webhook.name} was not removed`, () =>
    client.webhooks.remove({ id: webhook.id }),
  );
