/** Handlers of the alert rules, the alerts and the webhooks. */
import { METRIC_IDS, METRICS } from '../../../shared/alerts.ts';
import { type Implementation, type RouterParts, requireRange } from './parts.ts';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 1000;

/** Of all three groups of the contract. */
export function alertHandlers({ os, stream }: Implementation, { store, alerts }: RouterParts) {
  const page = ({ limit = DEFAULT_LIMIT, before = Number.MAX_SAFE_INTEGER }) => {
    requireRange('limit', limit, 1, MAX_LIMIT);
    return [Math.floor(limit), before] as const;
  };
  const { alertRules: rules, webhooks } = os;
  return {
    alertRules: {
      list: rules.list.handler(() => store.alerts.rules()),
      create: rules.create.handler(({ input }) => alerts.createRule(input)),
      update: rules.update.handler(({ input: { id, ...patch } }) => alerts.updateRule(id, patch)),
      remove: rules.remove.handler(({ input }) => {
        alerts.removeRule(input.id);
        return { removed: true as const };
      }),
      restore: rules.restore.handler(({ input }) => alerts.restoreRule(input.id)),
      mute: rules.mute.handler(({ input: { id, forS } }) => alerts.mute(id, Date.now() + forS * 1000)),
      unmute: rules.unmute.handler(({ input }) => alerts.mute(input.id, null)),
    },
    alerts: {
      metrics: os.alerts.metrics.handler(() => METRIC_IDS.map((id) => ({ id, ...METRICS[id] }))),
      board: os.alerts.board.handler(() => alerts.board()),
      watch: os.alerts.watch.handler(({ signal, path }) =>
        stream(path, signal, (ending) => alerts.watch(ending)),
      ),
      history: os.alerts.history.handler(({ input }) => store.alerts.history(...page(input))),
      acknowledge: os.alerts.acknowledge.handler(({ input }) => alerts.acknowledge(input.id, true)),
      unacknowledge: os.alerts.unacknowledge.handler(({ input }) => alerts.acknowledge(input.id, false)),
      deliveries: os.alerts.deliveries.handler(({ input }) => store.webhooks.deliveries(...page(input))),
    },
    webhooks: {
      list: webhooks.list.handler(() => alerts.webhooks.list()),
      create: webhooks.create.handler(({ input }) => alerts.webhooks.create(input)),
      update: webhooks.update.handler(({ input: { id, ...patch } }) => alerts.webhooks.update(id, patch)),
      remove: webhooks.remove.handler(({ input }) => {
        alerts.webhooks.remove(input.id);
        return { removed: true as const };
      }),
      restore: webhooks.restore.handler(({ input }) => alerts.webhooks.restore(input.id)),
      test: webhooks.test.handler(({ input }) => alerts.webhooks.test(input.id)),
    },
  };
}
