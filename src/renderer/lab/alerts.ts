/** How the alert rules stand, as the lab streams it, and the notifications of this browser. */
import { create } from 'zustand';
import { type Alert, type AlertBoard, METRICS } from '../../shared/alerts.ts';
import { client } from './connection.ts';
import { orpc, queryClient } from './queries.ts';
import { useFollow } from './use-follow.ts';

export const useAlerts = create<{ board: AlertBoard | null }>(() => ({ board: null }));

const NOTIFY_KEY = 'routelab-notify';

/** Whether this browser shows notifications: people asked for them here, and the browser permits them. */
export const useNotify = create<{ on: boolean }>(() => ({
  on:
    localStorage.getItem(NOTIFY_KEY) === 'on' &&
    'Notification' in window &&
    Notification.permission === 'granted',
}));

/** Asks the browser's permission when it is to be on. */
export async function setNotify(on: boolean): Promise<void> {
  const isOn = on && 'Notification' in window && (await Notification.requestPermission()) === 'granted';
  localStorage.setItem(NOTIFY_KEY, isOn ? 'on' : 'off');
  useNotify.setState({ on: isOn });
}

function notify({ id, rule, routeName }: Alert): void {
  const isMuted = rule.mutedUntilMs !== null && rule.mutedUntilMs > Date.now();
  if (!useNotify.getState().on || !rule.desktop || isMuted) return;
  const body = `${METRICS[rule.condition.metric].title}${routeName === null ? '' : ` of ${routeName}`}`;
  new Notification(rule.name, { body, tag: `alert-${id}` });
}

function receive(board: AlertBoard): void {
  const { board: before } = useAlerts.getState();
  useAlerts.setState({ board });
  if (before === null) return;
  // What fired before this page was opened, or while the lab was away, is shown by the badge alone.
  const known = Math.max(0, ...before.firing.map(({ id }) => id));
  for (const alert of board.firing)
    if (alert.id > known && alert.raisedAtMs >= (before.checkedAtMs ?? 0)) notify(alert);
  if (board.version !== before.version) {
    for (const key of [orpc.alertRules.key(), orpc.webhooks.key(), orpc.alerts.key()])
      queryClient.invalidateQueries({ queryKey: key });
  }
}

/** Runs the stream while the calling component is mounted. */
export const useAlertFeed = (): void =>
  useFollow((signal) => client.alerts.watch(undefined, { signal }), receive);
