/** What the page does to rules, alerts and webhooks. Every failure is shown with its code and hint. */
import { create } from 'zustand';
import type {
  Alert,
  AlertRule,
  AlertRuleInput,
  Webhook,
  WebhookInput,
  WebhookPatch,
} from '../../../shared/alerts.ts';
import { client } from '../../lab/connection.ts';
import { orpc, queryClient } from '../../lab/queries.ts';
import { attempt } from '../../parts/attempt.ts';
import { showRemoved, takeBack } from '../../parts/removed.tsx';

interface Removed {
  subject: string;
  restore: () => Promise<void>;
}

/** Rules and webhooks removed on this page and not restored, the newest last. */
export const useRemoved = create<{ removed: readonly Removed[] }>(() => ({ removed: [] }));

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
const ofWebhook = ({ id }: Webhook): string => `webhook-${id}`;

/** Removes what can be restored, and says so with a way back. */
const remove = (
  subject: string,
  name: string,
  words: string,
  { gone, back }: { gone: () => Promise<unknown>; back: () => Promise<unknown> },
): Promise<void> => {
  const restore = (): Promise<void> =>
    act(subject, `${name} was not restored`, async () => {
      await back();
      useRemoved.setState(({ removed }) => ({ removed: removed.filter((each) => each.subject !== subject) }));
      takeBack(subject);
    });
  return act(subject, `${name} was not removed`, async () => {
    await gone();
    useRemoved.setState(({ removed }) => ({ removed: [...removed, { subject, restore }] }));
    showRemoved(subject, words, restore);
  });
};

/** Saves a form. Throws what the lab says, for the form to show. */
export async function saveRule(input: AlertRuleInput, id?: number): Promise<AlertRule> {
  const rule = await (id === undefined
    ? client.alertRules.create(input)
    : client.alertRules.update({ ...input, id }));
  await refresh();
  return rule;
}

/** As `saveRule`; of one that is there, what is absent stays as it is. */
export async function saveWebhook(
  input: WebhookPatch & Pick<WebhookInput, 'name' | 'url'>,
  id?: number,
): Promise<void> {
  await (id === undefined ? client.webhooks.create(input) : client.webhooks.update({ ...input, id }));
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
  remove(ofRule(rule), rule.name, `${rule.name}; its history is kept.`, {
    gone: () => client.alertRules.remove({ id: rule.id }),
    back: () => client.alertRules.restore({ id: rule.id }),
  });

export const setAcknowledged = ({ id, rule }: Alert, acknowledged: boolean): Promise<void> =>
  act(`alert-${id}`, `${rule.name} was not ${acknowledged ? 'acknowledged' : 'taken back'}`, () =>
    client.alerts[acknowledged ? 'acknowledge' : 'unacknowledge']({ id }),
  );

export const setWebhookEnabled = (webhook: Webhook, enabled: boolean): Promise<void> =>
  act(ofWebhook(webhook), `${webhook.name} was not switched`, () =>
    client.webhooks.update({ id: webhook.id, enabled }),
  );

export const testWebhook = (webhook: Webhook): Promise<void> =>
  act(ofWebhook(webhook), `${webhook.name} was not tested`, () => client.webhooks.test({ id: webhook.id }));

export const removeWebhook = (webhook: Webhook): Promise<void> =>
  remove(ofWebhook(webhook), webhook.name, `${webhook.name}; what waited for it is not sent.`, {
    gone: () => client.webhooks.remove({ id: webhook.id }),
    back: () => client.webhooks.restore({ id: webhook.id }),
  });
