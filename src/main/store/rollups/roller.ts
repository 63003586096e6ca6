/**
 * Makes roll-ups: a minute’s from its samples, an hour’s from its minutes. Each is made whole or not at all, in the transaction
 * that takes its mark away, so that neither a crash nor a sample that comes late leaves one that is wrong. A route’s newest
 * minute and hour wait until there is a newer one: they would only be made again.
 */
import type { WriteHandle } from '../handles.ts';
import { floorTo, HOUR_US, MINUTE_US } from './due.ts';
import { type RouteWindow, rawSamples } from './raw.ts';
import { rollupRows, type Span } from './rows.ts';
import { Summary } from './summary.ts';

export interface Roller {
  /** A slice of what is due, of one route or of all; false when nothing is. */
  step(isOver: () => boolean, routeId?: string): boolean;
  /** Within a transaction: all that is due in the window, the newest too. */
  settle(window: RouteWindow): void;
}

/** Marks that one look finds. */
const AT_ONCE = 256;

export function roller(db: WriteHandle): Roller {
  const rows = rollupRows(db);
  const addRaw = rawSamples(db);
  const summary = new Summary();

  const routes = db.column<[], string>('SELECT id FROM route');
  const newest = db.column<[{ span: Span; route: string }], number | null>(
    'SELECT max(at_us) FROM rollup_due WHERE route_id = @route AND span_s = @span',
  );
  const dueWithin = db.column<[RouteWindow & { span: Span; limit: number }], number>(
    `SELECT at_us FROM rollup_due
     WHERE route_id = @route AND span_s = @span AND at_us >= @from AND at_us < @to ORDER BY at_us LIMIT @limit`,
  );
  const mark = db.command<[string, Span, number]>(
    'INSERT INTO rollup_due VALUES (?, ?, ?) ON CONFLICT DO NOTHING',
  );
  const unmark = db.command<[string, Span, number]>(
    'DELETE FROM rollup_due WHERE route_id = ? AND span_s = ? AND at_us = ?',
  );

  const makeMinute = (route: string, atUs: number): void => {
    summary.clear();
    addRaw(summary, { route, from: atUs, to: atUs + MINUTE_US });
    rows.put(route, 60, atUs, summary);
    unmark.run(route, 60, atUs);
    mark.run(route, 3600, floorTo(atUs, HOUR_US));
  };
  const makeHour = (route: string, atUs: number): void => {
    summary.clear();
    for (const row of rows.within({ route, span: 60, from: atUs, to: atUs + HOUR_US })) summary.addRow(row);
    rows.put(route, 3600, atUs, summary);
    unmark.run(route, 3600, atUs);
  };
  const make = { 60: makeMinute, 3600: makeHour };

  const next = db.query<[], { run_id: number; from_us: number; route_id: string }>(
    `SELECT run_id, from_us, route_id FROM rollup_backfill JOIN run ON id = run_id ORDER BY run_id LIMIT 1`,
  );
  const nextOfRoute = db.query<[string], { run_id: number; from_us: number; route_id: string }>(
    `SELECT run_id, from_us, route_id FROM rollup_backfill JOIN run ON id = run_id
     WHERE route_id = ? ORDER BY run_id LIMIT 1`,
  );
  const first = (table: string, also = ''): string =>
    `SELECT min(at_us) AS at FROM ${table} WHERE run_id = @run AND at_us >= @from ${also}`;
  const nextSample = db.column<[{ run: number; from: number }], number | null>(
    `SELECT min(at) FROM (${[
      first('ping'),
      first('ping_skip'),
      first('transfer', "AND direction = 'down'"),
      first('transfer', "AND direction = 'up'"),
      first('handshake'),
    ].join(' UNION ALL ')})`,
  );
  const reached = db.command<[number, number]>('UPDATE rollup_backfill SET from_us = ? WHERE run_id = ?');
  const finished = db.command<[number]>('DELETE FROM rollup_backfill WHERE run_id = ?');

  /** Marks minutes of a run that was stored before there were marks. */
  const backfill = (isOver: () => boolean, routeId: string | undefined): boolean => {
    const row = routeId === undefined ? next.get() : nextOfRoute.get(routeId);
    if (row === undefined) return false;
    db.transaction(() => {
      let { from_us: from } = row;
      do {
        const at = nextSample.get({ run: row.run_id, from }) ?? null;
        if (at === null) {
          finished.run(row.run_id);
          return;
        }
        const minute = floorTo(at, MINUTE_US);
        mark.run(row.route_id, 60, minute);
        from = minute + MINUTE_US;
      } while (!isOver());
      reached.run(from, row.run_id);
    });
    return true;
  };

  return {
    step: (isOver, routeId) => {
      if (backfill(isOver, routeId)) return true;
      for (const span of [60, 3600] as const) {
        for (const route of routeId === undefined ? routes.all() : [routeId]) {
          const to = newest.get({ span, route }) ?? null;
          if (to === null) continue;
          const found = dueWithin.all({ span, route, from: 0, to, limit: AT_ONCE });
          if (found.length === 0) continue;
          db.transaction(() => {
            for (const atUs of found) {
              make[span](route, atUs);
              if (isOver()) return;
            }
          });
          return true;
        }
      }
      return false;
    },
    settle: ({ route, from, to }) => {
      for (const span of [60, 3600] as const) {
        for (const atUs of dueWithin.all({ route, span, from, to, limit: -1 })) make[span](route, atUs);
      }
    },
  };
}
