/** Takes away what alerts and webhooks leave behind, a bounded number of rows at a time. */
import type { WriteHandle } from './handles.ts';

/** How long a removed rule or webhook can be restored. */
const KEPT_MS = 7 * 86_400_000;
/** Alerts that are kept, and those that fire. */
const MOST_ALERTS = 10_000;
/** Deliveries that are kept, and those of alerts that fire: their ends go where their raises went. */
const MOST_DELIVERIES = 5000;
const AT_ONCE = 500;

/** Returns whether there may be more. Built-in rules stay, marked as removed: they are not seeded again. */
export function alertTidier(db: WriteHandle): (nowMs: number) => boolean {
  const removals = ['alert_rule WHERE built_in IS NULL AND', 'webhook WHERE'].map((table) =>
    db.command<[number]>(`DELETE FROM ${table} removed_at_ms < ?`),
  );
  const older = (table: string): string =>
    `id <= (SELECT id FROM ${table} ORDER BY id DESC LIMIT 1 OFFSET ?)`;
  const alerts = db.command<[number]>(
    `DELETE FROM alert WHERE id IN
       (SELECT id FROM alert WHERE ${older('alert')} AND ended_at_ms IS NOT NULL LIMIT ${AT_ONCE})`,
  );
  const deliveries = db.command<[number]>(
    `DELETE FROM delivery WHERE id IN
       (SELECT id FROM delivery WHERE ${older('delivery')} AND state <> 'waiting' AND
         (alert_id IS NULL OR alert_id NOT IN (SELECT id FROM alert WHERE ended_at_ms IS NULL)) LIMIT ${AT_ONCE})`,
  );
  return (nowMs) =>
    db.transaction(() => {
      for (const removal of removals) removal.run(nowMs - KEPT_MS);
      const count = Math.max(alerts.run(MOST_ALERTS).changes, deliveries.run(MOST_DELIVERIES).changes);
      return count === AT_ONCE;
    });
}
