/** Which minutes have samples that their roll-up does not know of: marked in the transaction that stores the samples. */
import type { WriteHandle } from '../handles.ts';

/** Lengths of roll-ups, microseconds. */
export const MINUTE_US = 60_000_000;
export const HOUR_US = 3_600_000_000;

export const floorTo = (atUs: number, spanUs: number): number => Math.floor(atUs / spanUs) * spanUs;
export const ceilTo = (atUs: number, spanUs: number): number => Math.ceil(atUs / spanUs) * spanUs;

/**
 * Of a run’s samples: takes when one was measured and how many rows that changed, and returns the latter. What no route
 * measured has no roll-ups.
 */
export function dueMarks(db: WriteHandle): (runId: number) => (atUs: number, changes: number) => number {
  const routeOf = db.column<[number], string | null>('SELECT route_id FROM run WHERE id = ?');
  const mark = db.command<[string, number]>(
    'INSERT INTO rollup_due VALUES (?, 60, ?) ON CONFLICT DO NOTHING',
  );
  const routes = new Map<number, string>();
  return (runId) => {
    const route = routes.get(runId) ?? routeOf.get(runId);
    // Of a run that does not exist nothing is stored.
    if (route === undefined || route === null) return (_, changes) => changes;
    routes.set(runId, route);
    let marked = Number.NaN;
    return (atUs, changes) => {
      const minute = floorTo(atUs, MINUTE_US);
      if (changes > 0 && minute !== marked) {
        mark.run(route, minute);
        marked = minute;
      }
      return changes;
    };
  };
}
