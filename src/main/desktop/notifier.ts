/** Alerts as notifications of the desktop. */
import type { Notification } from 'electron';
import type { AlertNotice } from '../../shared/alerts.ts';

/** `onClick` when one is clicked. Does nothing on a desktop without notifications. */
export function notifier(
  NotificationOf: typeof Notification,
  onClick: () => void,
): (notice: AlertNotice) => void {
  // Also so that one that is on screen is not collected, and its click with it.
  const shown = new Map<number, Notification>();
  return ({ alertId, title, body }) => {
    if (!NotificationOf.isSupported()) return;
    // An end takes the place of its raise.
    shown.get(alertId)?.close();
    const notification = new NotificationOf({ title, body });
    notification.on('click', onClick);
    notification.on('close', () => {
      if (shown.get(alertId) === notification) shown.delete(alertId);
    });
    shown.set(alertId, notification);
    notification.show();
  };
}
