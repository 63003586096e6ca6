/** Alert rules, the alerts they raise, and the webhooks that are told. */
import { eventIterator, oc } from '@orpc/contract';
import { z } from 'zod';
import {
  Alert,
  AlertBoard,
  AlertRule,
  AlertRuleInput,
  AlertRulePatch,
  Delivery,
  MetricInfo,
  Webhook,
  WebhookInput,
  WebhookPatch,
} from '../alerts.ts';
import { queryNumber } from './query.ts';

const ref = z.strictObject({ id: queryNumber });
const tags = ['alerts'];
const removed = z.object({ removed: z.literal(true) });
const page = {
  /** At most so many, 100 when absent. */
  limit: queryNumber.optional(),
  /** Only what is older than this id. */
  before: queryNumber.optional(),
};

export const alertRules = {
  list: oc
    .route({ method: 'GET', path: '/alerts/rules', summary: 'All alert rules', tags })
    .output(z.array(AlertRule)),
  create: oc
    .route({ method: 'POST', path: '/alerts/rules', summary: 'Add an alert rule', tags, successStatus: 201 })
    .input(AlertRuleInput)
    .output(AlertRule),
  /** A change of what is watched ends the rule's alerts (`rule_changed`), and it is judged anew. */
  update: oc
    .route({ method: 'PATCH', path: '/alerts/rules/{id}', summary: 'Change an alert rule', tags })
    .input(AlertRulePatch.extend({ id: queryNumber }))
    .output(AlertRule),
  remove: oc
    .route({ method: 'DELETE', path: '/alerts/rules/{id}', summary: 'Remove an alert rule', tags })
    .input(ref)
    .output(removed),
  restore: oc
    .route({ method: 'POST', path: '/alerts/rules/{id}/restore', summary: 'Undo a removal', tags })
    .input(ref)
    .output(AlertRule),
  /** Its alerts are raised and kept as ever; of those that outlive the muting people are told when it is over. */
  mute: oc
    .route({ method: 'POST', path: '/alerts/rules/{id}/mute', summary: 'Mute a rule for some time', tags })
    .input(z.strictObject({ id: queryNumber, forS: z.number().min(1).max(2_592_000) }))
    .output(AlertRule),
  unmute: oc
    .route({ method: 'POST', path: '/alerts/rules/{id}/unmute', summary: 'Let a rule be heard again', tags })
    .input(ref)
    .output(AlertRule),
};

export const webhooks = {
  list: oc
    .route({ method: 'GET', path: '/alerts/webhooks', summary: 'All webhooks, without their secrets', tags })
    .output(z.array(Webhook)),
  create: oc
    .route({ method: 'POST', path: '/alerts/webhooks', summary: 'Add a webhook', tags, successStatus: 201 })
    .input(WebhookInput)
    .output(Webhook),
  update: oc
    .route({ method: 'PATCH', path: '/alerts/webhooks/{id}', summary: 'Change a webhook', tags })
    .input(WebhookPatch.extend({ id: queryNumber }))
    .output(Webhook),
  remove: oc
    .route({ method: 'DELETE', path: '/alerts/webhooks/{id}', summary: 'Remove a webhook', tags })
    .input(ref)
    .output(removed),
  restore: oc
    .route({ method: 'POST', path: '/alerts/webhooks/{id}/restore', summary: 'Undo a removal', tags })
    .input(ref)
    .output(Webhook),
  test: oc
    .route({ method: 'POST', path: '/alerts/webhooks/{id}/test', summary: 'Send a test message', tags })
    .input(ref)
    .output(Delivery),
};

export const alerts = {
  metrics: oc
    .route({ method: 'GET', path: '/alerts/metrics', summary: 'What rules can watch', tags })
    .output(z.array(MetricInfo)),
  /** How every rule stands, and the alerts that fire. */
  board: oc
    .route({ method: 'GET', path: '/alerts', summary: 'How every rule stands', tags })
    .output(AlertBoard),
  /** Yields at once, then after every check and every change. */
  watch: oc
    .route({ method: 'GET', path: '/alerts/watch', summary: 'How every rule stands, live (SSE)', tags })
    .output(eventIterator(AlertBoard)),
  history: oc
    .route({ method: 'GET', path: '/alerts/history', summary: 'All alerts, newest first', tags })
    .input(z.strictObject(page))
    .output(z.array(Alert)),
  acknowledge: oc
    .route({ method: 'POST', path: '/alerts/{id}/acknowledge', summary: 'Somebody looks after it', tags })
    .input(ref)
    .output(Alert),
  unacknowledge: oc
    .route({ method: 'POST', path: '/alerts/{id}/unacknowledge', summary: 'Undo an acknowledgement', tags })
    .input(ref)
    .output(Alert),
  deliveries: oc
    .route({ method: 'GET', path: '/alerts/deliveries', summary: 'Messages sent to webhooks', tags })
    .input(z.strictObject(page))
    .output(z.array(Delivery)),
};
