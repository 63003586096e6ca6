/** One message to a webhook: what it says, how it is signed, and how it is sent (docs/alerts.md). */
import { createHmac } from 'node:crypto';
import { type Alert, type Delivery, METRICS } from '../../../shared/alerts.ts';

/** The body, documented in docs/alerts.md. Times are RFC 3339, values in the metric's `unit`. */
export function messageOf(event: Delivery['event'], alert: Alert | null, nowMs: number): string {
  const time = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  return JSON.stringify({
    version: 1,
    event,
    sent_at: time(nowMs),
    alert:
      alert === null
        ? null
        : {
            id: alert.id,
            rule: { id: alert.rule.id, name: alert.rule.name, severity: alert.rule.severity },
            condition: alert.rule.condition,
            metric: alert.rule.condition.metric,
            unit: METRICS[alert.rule.condition.metric].unit,
            route: alert.routeId === null ? null : { id: alert.routeId, name: alert.routeName },
            emulated: alert.emulated,
            raised_at: time(alert.raisedAtMs),
            value: alert.value,
            ended_at: time(alert.endedAtMs),
            end: alert.end,
            end_value: alert.endValue,
          },
  });
}

interface Outgoing {
  url: string;
  secret: string | null;
  timeoutMs: number;
  deliveryId: number;
  body: string;
}

/** What came of one attempt. `error` null: delivered. */
export interface Attempted {
  status: number | null;
  error: string | null;
  /** Whether another attempt could end otherwise. */
  again: boolean;
}

/** Over `<unix seconds>.<body>`, so that a message that was overheard cannot be sent again much later. */
const signature = (secret: string, atS: number, body: string): string =>
  `t=${atS},v1=${createHmac('sha256', secret).update(`${atS}.${body}`).digest('hex')}`;

/** Sends once. Never rejects; redirects are not followed, and what is answered is not read. */
export async function post(
  { url, secret, timeoutMs, deliveryId, body }: Outgoing,
  nowMs: number,
  ending: AbortSignal,
): Promise<Attempted> {
  const timeout = AbortSignal.timeout(timeoutMs);
  try {
    const answer = await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: AbortSignal.any([timeout, ending]),
      headers: {
        'content-type': 'application/json',
        'user-agent': 'RouteLab',
        'x-routelab-delivery': String(deliveryId),
        ...(secret !== null && {
          'x-routelab-signature': signature(secret, Math.floor(nowMs / 1000), body),
        }),
      },
      body,
    });
    const { status } = answer;
    void answer.body?.cancel().catch(() => {});
    if (answer.ok) return { status, error: null, again: false };
    if (status >= 300 && status < 400)
      return { status, error: `it answered ${status}; redirects are not followed`, again: false };
    // RFC 9110 §15.5.9, RFC 6585 §4, RFC 9110 §15.6: later may be better.
    const again = status === 408 || status === 429 || status >= 500;
    return { status, error: `it answered ${status}`, again };
  } catch (thrown) {
    const reason = timeout.aborted ? `no answer within ${timeoutMs / 1000} s` : reasonOf(thrown);
    return { status: null, error: reason, again: true };
  }
}

function reasonOf(thrown: unknown): string {
  const { message, cause } = thrown as Error;
  // `fetch` says only that it failed; why is in its cause.
  return cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
}
