import { Button, Switch } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import type { Delivery, Webhook } from '../../../shared/alerts.ts';
import { CommandButton } from '../../commands/CommandButton.tsx';
import { orpc } from '../../lab/queries.ts';
import { Failed } from '../../parts/Page.tsx';
import words from '../../parts/Words.module.css';
import { WordTable } from '../../parts/WordTable.tsx';
import { whenOf } from '../../theme/clock.ts';
import { removeWebhook, setWebhookEnabled, testWebhook } from './actions.ts';
import { useDeliveries } from './queries.ts';

const deliveryText = ({ state, attempts, status, error }: Delivery): string => {
  const times = attempts === 1 ? '1 attempt' : `${attempts} attempts`;
  return `${state}, ${times}${status === null ? '' : `, HTTP ${status}`}${error === null ? '' : `: ${error}`}`;
};

/** The webhooks, and what was sent to them. */
export function Webhooks({ onEdit }: { onEdit: (webhook: Webhook) => void }) {
  const { data: webhooks, error, refetch } = useQuery(orpc.webhooks.list.queryOptions());
  const sent = useDeliveries();
  const deliveries = sent.data;
  const nameOf = (id: number): string => webhooks?.find((each) => each.id === id)?.name ?? 'removed';
  return (
    <>
      {error && (
        <Failed title="The webhooks could not be listed" error={error} onRetry={() => void refetch()} />
      )}
      {webhooks?.length === 0 && (
        <div className={words.nothing}>
          <p>A webhook is told of every alert by a POST with JSON.</p>
          <CommandButton command="alerts.addWebhook" />
        </div>
      )}
      {webhooks && webhooks.length > 0 && (
        <WordTable headers={['Webhook', 'Address', 'Signed', 'From severity', 'On', 'Change']}>
          {webhooks.map((webhook) => (
            <tr key={webhook.id} data-testid={`webhook-${webhook.id}`}>
              <th scope="row">{webhook.name}</th>
              <td data-words>
                {webhook.url}
                {webhook.isPrivate && <span className={words.dim}> (this machine or a private network)</span>}
              </td>
              <td>{webhook.hasSecret ? 'yes' : 'no'}</td>
              <td>{webhook.leastSeverity}</td>
              <td>
                <Switch
                  aria-label={`${webhook.name} is on`}
                  checked={webhook.enabled}
                  onChange={(event) => setWebhookEnabled(webhook, event.currentTarget.checked)}
                />
              </td>
              <td>
                <Button.Group>
                  <Button aria-label={`Edit ${webhook.name}`} onClick={() => onEdit(webhook)}>
                    Edit
                  </Button>
                  <Button onClick={() => testWebhook(webhook)}>Test</Button>
                  <Button aria-label={`Remove ${webhook.name}`} onClick={() => removeWebhook(webhook)}>
                    Remove
                  </Button>
                </Button.Group>
              </td>
            </tr>
          ))}
        </WordTable>
      )}
      {sent.error && (
        <Failed
          title="The deliveries could not be listed"
          error={sent.error}
          onRetry={() => void sent.refetch()}
        />
      )}
      {deliveries && deliveries.length > 0 && (
        <WordTable headers={['Sent', 'To', 'What', 'Result']} testId="deliveries">
          {deliveries.map((delivery) => (
            <tr key={delivery.id}>
              <td>{whenOf(delivery.createdAtMs)}</td>
              <th scope="row">{nameOf(delivery.webhookId)}</th>
              <td>
                {delivery.event}
                {delivery.alertId !== null && ` (alert ${delivery.alertId})`}
              </td>
              <td data-words>{deliveryText(delivery)}</td>
            </tr>
          ))}
        </WordTable>
      )}
      {sent.hasNextPage && (
        <Button m="sm" loading={sent.isFetchingNextPage} onClick={() => void sent.fetchNextPage()}>
          Show older deliveries
        </Button>
      )}
    </>
  );
}
