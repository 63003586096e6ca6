/** The webhooks of a lab: kept, told of alerts, and what came of it. */
import {
  type Alert,
  type Delivery,
  SEVERITIES,
  type Webhook,
  type WebhookInput,
  type WebhookPatch,
} from '../../shared/alerts.ts';
import { toLabError } from '../../shared/errors.ts';
import type { Store } from '../store/index.ts';
import { Courier, type Progress } from '../telemetry/alerts/courier.ts';
import { isPrivateUrl } from '../telemetry/alerts/private-address.ts';
import { messageOf } from '../telemetry/alerts/webhook.ts';
import type { Log } from './log.ts';

interface WebhooksOptions {
  store: Pick<Store, 'webhooks'>;
  log: Log;
  /** Webhooks or deliveries are others now. */
  onChange: () => void;
}

export class Webhooks {
  readonly #options: WebhooksOptions;
  readonly #courier: Courier;
  /** Why the newest message to a webhook that is on did not arrive. */
  readonly #undelivered = new Map<number, string>();

  constructor(options: WebhooksOptions) {
    this.#options = options;
    this.#courier = new Courier({
      addressee: (id) => options.store.webhooks.addressee(id),
      onProgress: (deliveryId, progress) => this.#record(deliveryId, progress),
    });
  }

  /** Why a webhook was not reached; null when all were. */
  get failure(): string | null {
    const [undelivered] = this.#undelivered.values();
    return undelivered ?? null;
  }

  list(): Webhook[] {
    return this.#options.store.webhooks.list().map(withPrivacy);
  }

  create(input: WebhookInput): Webhook {
    return this.#changed(this.#options.store.webhooks.create(input));
  }

  /** What waits goes to where the webhook is then; for one that is switched off it is interrupted. Throws RL_NOT_FOUND. */
  update(id: number, patch: WebhookPatch): Webhook {
    const webhook = this.#options.store.webhooks.update(id, patch);
    this.#undelivered.delete(id);
    if (!webhook.enabled) this.#courier.drop(id);
    return this.#changed(webhook);
  }

  /** Interrupts what waits. Throws RL_NOT_FOUND. */
  remove(id: number): void {
    this.#options.store.webhooks.remove(id);
    this.#undelivered.delete(id);
    this.#courier.drop(id);
    this.#options.onChange();
  }

  /** Throws RL_NOT_FOUND. */
  restore(id: number): Webhook {
    return this.#changed(this.#options.store.webhooks.restore(id));
  }

  /** Sends a test message, whether the webhook is enabled or not. Throws RL_NOT_FOUND. */
  test(id: number): Delivery {
    return this.#send(this.#options.store.webhooks.get(id).id, 'test', null);
  }

  /** A raise goes to those that listen to its severity, an end to those that its raise went to; to none that is off. */
  tell(event: 'raised' | 'resolved', alert: Alert): void {
    const { webhooks } = this.#options.store;
    const told = event === 'resolved' ? webhooks.toldOf(alert.id) : null;
    const rank = SEVERITIES.indexOf(alert.rule.severity);
    for (const { id, enabled, leastSeverity } of webhooks.list()) {
      const isHeard = told === null ? rank >= SEVERITIES.indexOf(leastSeverity) : told.has(id);
      if (enabled && isHeard) this.#send(id, event, alert);
    }
  }

  close(): void {
    this.#courier.close();
  }

  #send(id: number, event: Delivery['event'], alert: Alert | null): Delivery {
    const delivery = this.#options.store.webhooks.send(id, alert?.id ?? null, event);
    this.#courier.send(id, delivery.id, messageOf(event, alert, Date.now()));
    this.#options.onChange();
    return delivery;
  }

  #record(deliveryId: number, progress: Progress): void {
    const { store, log, onChange } = this.#options;
    const { error, state } = progress;
    if (error !== null) log.warn({ delivery: deliveryId, ...progress }, 'a webhook was not told');
    try {
      const { webhookId } = store.webhooks.progress(deliveryId, progress);
      const isOn = store.webhooks.list().some(({ id, enabled }) => id === webhookId && enabled);
      if (error === null || !isOn) this.#undelivered.delete(webhookId);
      else if (state !== 'interrupted') this.#undelivered.set(webhookId, error);
    } catch (thrown) {
      const { code, message } = toLabError(thrown);
      log.error({ code, reason: message, err: thrown }, 'a delivery could not be recorded');
    }
    onChange();
  }

  #changed(webhook: Omit<Webhook, 'isPrivate'>): Webhook {
    this.#options.onChange();
    return withPrivacy(webhook);
  }
}

const withPrivacy = (webhook: Omit<Webhook, 'isPrivate'>): Webhook => ({
  ...webhook,
  isPrivate: isPrivateUrl(webhook.url),
});
