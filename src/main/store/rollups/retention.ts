/**
 * Deletes what is older than it has to be kept, in slices, and never what no coarser roll-up holds: with its samples a minute’s
 * roll-up becomes frozen, in one transaction, and with its minutes an hour’s. Hours stay.
 */
import { LabError } from '../../../shared/errors.ts';
import type { Query, WriteHandle } from '../handles.ts';
import { floorTo, HOUR_US, MINUTE_US } from './due.ts';
import type { RouteWindow } from './raw.ts';
import type { Roller } from './roller.ts';
import { rollupRows } from './rows.ts';

/** How long data is kept, days. Hour roll-ups are kept for good. */
export interface Retention {
  /** Samples and transport snapshots. Default 30. */
  rawDays: number;
  /** Minute roll-ups and the routes’ state changes. Default 90. */
  rollupDays: number;
}

export const DEFAULT_RETENTION: Retention = { rawDays: 30, rollupDays: 90 };

const LONGEST_DAYS = 36_500;
const DAY_US = 86_400_000_000;

/** Throws RL_INPUT_INVALID, of field `rawDays` or `rollupDays`. */
export function requireRetention({ rawDays, rollupDays }: Retention): void {
  for (const [field, days] of Object.entries({ rawDays, rollupDays })) {
    if (Number.isInteger(days) && days >= 1 && days <= LONGEST_DAYS) continue;
    const message = `${field}: ${days} is not a whole number of days from 1 to ${LONGEST_DAYS}`;
    throw new LabError('RL_INPUT_INVALID', message, { field });
  }
  if (rollupDays < rawDays) {
    throw new LabError('RL_INPUT_INVALID', `rollupDays: ${rollupDays} is less than rawDays, ${rawDays}`, {
      field: 'rollupDays',
    });
  }
}

export interface Sweeper {
  /** A slice of deleting what is too old at `nowMs`; false when there is nothing. Nothing may be left to backfill. */
  step(nowMs: number, isOver: () => boolean): boolean;
}

/** Tables with samples, and the rest of their key where it is not the time. */
const RAW = ['ping', 'ping_skip', 'handshake', 'transport'] as const;
const DIRECTIONS = "direction IN ('down', 'up')";

/** How one kind of data is swept: spans of it that are deleted together, and how the oldest is found. */
interface Sweep {
  spanUs: number;
  find: Query<[{ route: string; to: number }], number | null>;
  drop(part: RouteWindow): void;
  spans: number;
}
const PART_MS = 5;
const FIRST = 'ORDER BY at_us LIMIT 1';
const MOST_SPANS = 64;

export function sweeper(db: WriteHandle, retention: Retention, roll: Roller): Sweeper {
  const rows = rollupRows(db);
  const routes = db.column<[], string>('SELECT id FROM route');
  const oldest = [
    ...RAW.map((table) => `(SELECT at_us FROM ${table} WHERE run_id = run.id AND at_us < @to ${FIRST})`),
    ...['down', 'up'].map(
      (direction) =>
        `(SELECT at_us FROM transfer WHERE run_id = run.id AND direction = '${direction}' AND at_us < @to ${FIRST})`,
    ),
  ];
  const oldestRaw = db.column<[{ route: string; to: number }], number | null>(
    `SELECT min(at) FROM (${oldest.map((at) => `SELECT min(${at}) AS at FROM run WHERE route_id = @route`).join(' UNION ALL ')})`,
  );
  const oldestMinute = db.column<[{ route: string; to: number }], number | null>(
    `SELECT min(at) FROM (${[0, 1]
      .map(
        (frozen) =>
          `SELECT min(at_us) AS at FROM rollup
           WHERE route_id = @route AND span_s = 60 AND frozen = ${frozen} AND at_us < @to`,
      )
      .join(' UNION ALL ')})`,
  );
  const runs = 'run_id IN (SELECT id FROM run WHERE route_id = @route)';
  const window = 'at_us >= @from AND at_us < @to';
  const deletions = [
    ...RAW.map((table) => db.command<[RouteWindow]>(`DELETE FROM ${table} WHERE ${runs} AND ${window}`)),
    db.command<[RouteWindow]>(`DELETE FROM transfer WHERE ${runs} AND ${DIRECTIONS} AND ${window}`),
  ];
  const oldEvents = db.column<[{ route: string; to: number }], number>(
    'SELECT 1 FROM route_event WHERE route_id = @route AND at_us < @to LIMIT 1',
  );
  const deleteEvents = db.command<[{ route: string; to: number }]>(
    `DELETE FROM route_event WHERE id IN
       (SELECT id FROM route_event WHERE route_id = @route AND at_us < @to ORDER BY at_us LIMIT 1000)`,
  );

  const dropRaw = (part: RouteWindow): void => {
    roll.settle(part);
    rows.freeze({ ...part, span: 60 });
    for (const deletion of deletions) deletion.run(part);
  };
  const dropMinutes = (part: RouteWindow): void => {
    // Samples that came behind time, after their minutes had been swept.
    dropRaw(part);
    rows.freeze({ ...part, span: 3600 });
    rows.remove({ ...part, span: 60 });
  };

  /** From the oldest on, in one transaction until the slice is over: as many spans at a time as lately took some milliseconds. */
  const sweep = (what: Sweep, route: string, to: number, isOver: () => boolean): boolean => {
    const first = what.find.get({ route, to }) ?? null;
    if (first === null) return false;
    db.transaction(() => {
      let at: number | null = first;
      do {
        const from = floorTo(at, what.spanUs);
        const beganMs = performance.now();
        what.drop({ route, from, to: Math.min(to, from + what.spans * what.spanUs) });
        const tookMs = performance.now() - beganMs;
        if (tookMs < PART_MS / 2) what.spans = Math.min(MOST_SPANS, what.spans * 2);
        else if (tookMs > PART_MS) what.spans = Math.max(1, Math.floor(what.spans / 2));
        at = what.find.get({ route, to }) ?? null;
      } while (at !== null && !isOver());
    });
    return true;
  };
  const raw: Sweep = { spanUs: MINUTE_US, find: oldestRaw, drop: dropRaw, spans: 1 };
  const minutes: Sweep = { spanUs: HOUR_US, find: oldestMinute, drop: dropMinutes, spans: 1 };

  return {
    step: (nowMs, isOver) => {
      const before = (days: number, spanUs: number): number => floorTo(nowMs * 1000 - days * DAY_US, spanUs);
      const rawTo = before(retention.rawDays, MINUTE_US);
      const minutesTo = before(retention.rollupDays, HOUR_US);
      for (const route of routes.all()) {
        if (sweep(raw, route, rawTo, isOver) || sweep(minutes, route, minutesTo, isOver)) return true;
        if (oldEvents.get({ route, to: minutesTo }) !== undefined) {
          deleteEvents.run({ route, to: minutesTo });
          return true;
        }
      }
      return false;
    },
  };
}
