/** How the alert rules stand, as the lab streams it, and the notifications of this browser. */
import { create } from 'zustand';
import type { AlertBoard, AlertNotice } from '../../shared/alerts.ts';
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

function notify({ alertId, title, body }: AlertNotice): void {
  // An end takes the place of its raise.
  if (useNotify.getState().on) new Notification(title, { body, tag: `alert-${alertId}` });
}

function receive(board: AlertBoard): void {
  const { board: before } = useAlerts.getState();
  useAlerts.setState({ board });
  if (before === null) return;
  // What was told before this page was opened is shown by the badge alone.
  const known = new Set(before.notices.map(({ id }) => id));
  for (const notice of board.notices) if (!known.has(notice.id)) notify(notice);
  if (board.version !== before.version) {
    for (const key of [orpc.alertRules.key(), orpc.webhooks.key(), orpc.alerts.key()])
      queryClient.invalidateQueries({ queryKey: key });
  }
}

/** Runs the stream while the calling component is mounted. */
export const useAlertFeed = (): void =>
  useFollow((signal) => client.alerts.watch(undefined, { signal }), receive);
