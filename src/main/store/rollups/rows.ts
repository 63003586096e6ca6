/** The table of roll-ups. Spans are in seconds, all else in microseconds. */
import type { WriteHandle } from '../handles.ts';
import type { RouteWindow } from './raw.ts';
import { SUMMARY_COLUMNS, Summary, type SummaryRow } from './summary.ts';

export type Span = 60 | 3600;
type SpanWindow = RouteWindow & { span: Span };
type Key = { route_id: string; span_s: Span; frozen: number; at_us: number };

export interface RollupRows {
  /** Of [from, to), by time; a frozen row before the one that is not. */
  within(window: SpanWindow): (SummaryRow & { at_us: number; frozen: number })[];
  /** Puts the row that can be made again, or removes it when there is nothing to say. */
  put(route: string, span: Span, atUs: number, summary: Summary): void;
  /** Rows of the window that can be made again become, or are added to, those that cannot. */
  freeze(window: SpanWindow): void;
  remove(window: SpanWindow): void;
}

export function rollupRows(db: WriteHandle): RollupRows {
  const within = db.query<[SpanWindow], SummaryRow & Key>(
    `SELECT * FROM rollup WHERE route_id = @route AND span_s = @span AND frozen IN (0, 1)
       AND at_us >= @from AND at_us < @to ORDER BY at_us, frozen DESC`,
  );
  const columns = ['route_id', 'span_s', 'frozen', 'at_us', ...SUMMARY_COLUMNS];
  const insert = db.command<[SummaryRow & Key]>(
    `INSERT OR REPLACE INTO rollup (${columns.join(', ')}) VALUES (${columns.map((name) => `@${name}`).join(', ')})`,
  );
  const remove = db.command<[SpanWindow & { frozen: number }]>(
    `DELETE FROM rollup WHERE route_id = @route AND span_s = @span AND frozen = @frozen
       AND at_us >= @from AND at_us < @to`,
  );
  const summary = new Summary();
  return {
    within: (window) => within.all(window),
    put: (route, span, atUs, made) => {
      if (made.isEmpty) remove.run({ route, span, from: atUs, to: atUs + 1, frozen: 0 });
      else insert.run({ route_id: route, span_s: span, frozen: 0, at_us: atUs, ...made.row() });
    },
    freeze: (window) => {
      const byTime = Map.groupBy(within.all(window), ({ at_us }) => at_us);
      for (const [at_us, rows] of byTime) {
        if (rows.every(({ frozen }) => frozen === 1)) continue;
        summary.clear();
        for (const row of rows) summary.addRow(row);
        insert.run({ route_id: window.route, span_s: window.span, frozen: 1, at_us, ...summary.row() });
      }
      remove.run({ ...window, frozen: 0 });
    },
    remove: (window) => {
      for (const frozen of [0, 1]) remove.run({ ...window, frozen });
    },
  };
}
