/** A route’s samples as they were stored, added to a summary. */
import type { ReadHandle } from '../handles.ts';
import type { Summary } from './summary.ts';

/** Named parameters of a window query, microseconds; half-open. */
export type RouteWindow = { route: string; from: number; to: number };

/** The runs of `@route`. */
export const RUNS = '(SELECT id FROM run WHERE route_id = @route)';
const WITHIN = `run_id IN ${RUNS} AND at_us >= @from AND at_us < @to`;

export function rawSamples(db: ReadHandle): (summary: Summary, window: RouteWindow) => void {
  const rtts = db.column<[RouteWindow], number | null>(
    `SELECT rtt_us FROM ping WHERE ${WITHIN} ORDER BY at_us`,
  );
  const skipped = db.column<[RouteWindow], number>(
    `SELECT coalesce(sum(count), 0) FROM ping_skip WHERE ${WITHIN}`,
  );
  const transfers = db.query<[RouteWindow], { down: number; bytes: number; duration_us: number }>(
    `SELECT direction = 'down' AS down, bytes, duration_us FROM transfer
     WHERE run_id IN ${RUNS} AND direction IN ('down', 'up') AND at_us >= @from AND at_us < @to AND duration_us > 0`,
  );
  const handshakes = db.column<[RouteWindow], number | null>(
    `SELECT duration_us FROM handshake WHERE ${WITHIN}`,
  );
  return (summary, window) => {
    for (const rttUs of rtts.all(window)) summary.addPing(rttUs);
    summary.addSkips(skipped.get(window)!);
    for (const { down, bytes, duration_us } of transfers.all(window)) {
      summary.addTransfer(down === 1 ? 'down' : 'up', bytes, duration_us);
    }
    for (const durationUs of handshakes.all(window)) summary.addHandshake(durationUs);
  };
}
