import { Button } from '@mantine/core';
import type { Alert, AlertState } from '../../../shared/alerts.ts';
import { useAlerts } from '../../lab/alerts.ts';
import { Badges } from '../../parts/Badges.tsx';
import { Failed } from '../../parts/Page.tsx';
import { Quantity } from '../../parts/Quantity.tsx';
import words from '../../parts/Words.module.css';
import { WordTable } from '../../parts/WordTable.tsx';
import { clockTime, whenOf } from '../../theme/clock.ts';
import { setAcknowledged } from './actions.ts';
import classes from './Firing.module.css';
import { useAlertHistory } from './queries.ts';
import { endText, valueText } from './words.ts';

function Subject({ alert }: { alert: Alert }) {
  return (
    <>
      {alert.routeName ?? 'System'} <Badges emulated={alert.emulated} />
    </>
  );
}

const Value = ({ alert, value, testId }: { alert: Alert; value: number | null; testId?: string }) => (
  <Quantity
    value={value}
    text={value === null ? '–' : valueText(alert.rule.condition.metric, value)}
    absent="The metric has no value now."
    {...(testId !== undefined && { testId })}
  />
);

/** The alerts that fire, newest first. */
export function Firing() {
  const board = useAlerts((s) => s.board);
  const firing = board?.firing ?? [];
  const stateOf = (alert: Alert): AlertState | undefined =>
    board?.states.find(({ alertId }) => alertId === alert.id);
  return (
    <section className={classes.firing} aria-labelledby="firing-title">
      <h2 id="firing-title">Firing</h2>
      {firing.length === 0 ? (
        <p className={classes.none}>
          {board?.checkedAtMs
            ? `No alert fires (checked ${clockTime(board.checkedAtMs)}).`
            : 'Not checked yet.'}
        </p>
      ) : (
        <ul>
          {firing.map((alert) => {
            const state = stateOf(alert);
            const isAcknowledged = alert.acknowledgedAtMs !== null;
            return (
              <li key={alert.id} data-testid={`alert-${alert.id}`} data-acknowledged={isAcknowledged}>
                <span className={classes.severity}>{alert.rule.severity}</span>
                <strong>{alert.rule.name}</strong>
                <Subject alert={alert} />
                <span>
                  <span className={words.dim}>since {whenOf(alert.raisedAtMs)} at</span>{' '}
                  <Value alert={alert} value={alert.value} testId={`alert-${alert.id}-raised`} />
                  <span className={words.dim}>, now</span>{' '}
                  <Value alert={alert} value={state?.value ?? null} testId={`alert-${alert.id}-now`} />
                  {state?.noDataSinceMs != null && (
                    <span className={words.dim}> (no data since {whenOf(state.noDataSinceMs)})</span>
                  )}
                </span>
                <Button onClick={() => setAcknowledged(alert, !isAcknowledged)}>
                  {isAcknowledged ? 'Undo acknowledgement' : 'Acknowledge'}
                </Button>
              </li>
            );
          })}
        </ul>
      )}
    </section>
  );
}

/** All alerts there were, newest first. */
export function History() {
  const { data, error, refetch, hasNextPage, fetchNextPage, isFetchingNextPage } = useAlertHistory();
  return (
    <>
      {error && (
        <Failed title="The alerts could not be listed" error={error} onRetry={() => void refetch()} />
      )}
      {data?.length === 0 && <p className={words.nothing}>No alert was raised yet.</p>}
      {data && data.length > 0 && (
        <WordTable headers={['Raised', 'Rule', 'Of', 'Value', 'Ended', 'Why', 'Acknowledged']}>
          {data.map((alert) => (
            <tr key={alert.id} data-testid={`past-${alert.id}`}>
              <td>{whenOf(alert.raisedAtMs)}</td>
              <th scope="row">{alert.rule.name}</th>
              <td>
                <Subject alert={alert} />
              </td>
              <td data-numeric>
                <Value alert={alert} value={alert.value} />
              </td>
              <td>{alert.endedAtMs === null ? '' : whenOf(alert.endedAtMs)}</td>
              <td>{endText(alert)}</td>
              <td>{alert.acknowledgedAtMs === null ? '' : whenOf(alert.acknowledgedAtMs)}</td>
            </tr>
          ))}
        </WordTable>
      )}
      {hasNextPage && (
        <Button m="sm" loading={isFetchingNextPage} onClick={() => void fetchNextPage()}>
          Show older alerts
        </Button>
      )}
    </>
  );
}
