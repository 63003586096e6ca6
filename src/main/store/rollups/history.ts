/**
 * Statistics and history of any window, however long, from what costs least: the samples themselves while they are few, else
 * minute or hour roll-ups, with samples where a roll-up is not up to date or the window cuts one apart.
 */
import type { Series, Source, StoredPingStats } from '../../../shared/domain.ts';
import type { WriteHandle } from '../handles.ts';
import type { Measurements } from '../measurements.ts';
import { seriesBuilder } from '../series.ts';
import { ceilTo, floorTo, HOUR_US, MINUTE_US } from './due.ts';
import { type RouteWindow, rawSamples } from './raw.ts';
import { rollupRows, type Span } from './rows.ts';
import { Summary } from './summary.ts';

export interface History {
  /** Exact while the window’s samples are few enough, and equal to `pingStats`. */
  stats(routeId: string, fromMs: number, toMs: number): StoredPingStats;
  /** As `series`, in buckets that may be longer. */
  chart(routeId: string, fromMs: number, toMs: number, bucketMs: number): Series;
  /** Whether enough is rolled up for the window to be read at once; if not, reading it takes as long as its samples do. */
  isReady(routeId: string, fromMs: number, toMs: number): boolean;
  /** Whether no sample of the window was deleted. */
  isKept(routeId: string, fromMs: number, toMs: number): boolean;
}

/** More minutes than this are read as hours. */
const MAX_MINUTES = 8000;
/** They take some 50 ms (docs/store.md). */
export const DEFAULT_MAX_RAW_PINGS = 150_000;
/** A window with more minutes to be rolled up is not ready. */
const MAX_DUE = 120;

/** Something of a moment or a span, ready to be added. */
type Part = { atUs: number; addTo: (summary: Summary) => void };

/** A window with more than `maxRawPings` pings is read from roll-ups. */
export function history(db: WriteHandle, stored: Measurements, maxRawPings: number): History {
  const rows = rollupRows(db);
  const addRaw = rawSamples(db);
  const frozenWithin = db.column<[RouteWindow & { span: Span }], number>(
    `SELECT at_us FROM rollup WHERE route_id = @route AND span_s = @span AND frozen = 1
       AND at_us >= @from AND at_us < @to LIMIT 1`,
  );
  const dueWithin = db.column<[RouteWindow & { span: Span; limit: number }], number>(
    `SELECT at_us FROM rollup_due WHERE route_id = @route AND span_s = @span
       AND at_us >= @from AND at_us < @to ORDER BY at_us LIMIT @limit`,
  );
  const unmarked = db.column<[string], number>(
    'SELECT 1 FROM rollup_backfill JOIN run ON id = run_id WHERE route_id = ? LIMIT 1',
  );

  const isFrozen = (route: string, span: Span, from: number, to: number): boolean =>
    frozenWithin.get({ route, span, from, to }) !== undefined;

  /** The window, widened to whole spans where what is finer is no longer there. */
  const widened = (route: string, from: number, to: number): RouteWindow => {
    const window = { route, from, to };
    for (const [span, us] of [
      [60, MINUTE_US],
      [3600, HOUR_US],
    ] as const) {
      const isCut = (atUs: number): boolean =>
        atUs % us !== 0 && isFrozen(route, span, floorTo(atUs, us), floorTo(atUs, us) + 1);
      if (isCut(window.from)) window.from = floorTo(window.from, us);
      if (isCut(window.to)) window.to = ceilTo(window.to, us);
    }
    return window;
  };

  const raw = (route: string, from: number, to: number): Part[] =>
    from < to ? [{ atUs: from, addTo: (summary) => addRaw(summary, { route, from, to }) }] : [];

  const rowParts = (
    route: string,
    span: Span,
    from: number,
    to: number,
    isWanted: (row: { at_us: number; frozen: number }) => boolean,
  ): Part[] =>
    rows
      .within({ route, span, from, to })
      .filter(isWanted)
      .map((row) => ({ atUs: row.at_us, addTo: (summary) => summary.addRow(row) }));

  const minutes = (route: string, from: number, to: number): Part[] => {
    const [first, last] = [ceilTo(from, MINUTE_US), floorTo(to, MINUTE_US)];
    // Hours of which there is nothing finer are within the window as a whole: it was widened.
    const hours = rowParts(route, 3600, from, to, ({ frozen }) => frozen === 1);
    if (first > last) return [...hours, ...raw(route, from, to)];
    const due = dueWithin.all({ route, span: 60, from: first, to: last, limit: -1 });
    const stale = new Set(due);
    const parts = [
      ...hours,
      ...raw(route, from, first),
      ...rowParts(route, 60, first, last, ({ at_us, frozen }) => frozen === 1 || !stale.has(at_us)),
      ...due.flatMap((at) => raw(route, at, at + MINUTE_US)),
      ...raw(route, last, to),
    ];
    return parts.sort((a, b) => a.atUs - b.atUs);
  };

  const hours = (route: string, from: number, to: number): Part[] => {
    const [first, last] = [ceilTo(from, HOUR_US), floorTo(to, HOUR_US)];
    if (first >= last) return minutes(route, from, to);
    const within = { route, from: first, to: last, limit: -1 };
    const stale = new Set([
      ...dueWithin.all({ ...within, span: 3600 }),
      ...dueWithin.all({ ...within, span: 60 }).map((at) => floorTo(at, HOUR_US)),
    ]);
    const parts = [
      ...minutes(route, from, first),
      ...rowParts(route, 3600, first, last, ({ at_us }) => !stale.has(at_us)),
      ...[...stale].flatMap((at) => minutes(route, at, at + HOUR_US)),
      ...minutes(route, last, to),
    ];
    return parts.sort((a, b) => a.atUs - b.atUs);
  };

  const isKept = (routeId: string, fromMs: number, toMs: number): boolean => {
    const [from, to] = [fromMs * 1000, toMs * 1000];
    return (
      !isFrozen(routeId, 60, floorTo(from, MINUTE_US), to) &&
      !isFrozen(routeId, 3600, floorTo(from, HOUR_US), to)
    );
  };
  const isRaw = (routeId: string, fromMs: number, toMs: number): boolean =>
    isKept(routeId, fromMs, toMs) && !stored.hasMorePings(routeId, fromMs, toMs, maxRawPings);
  const sourceOf = (routeId: string, fromMs: number, toMs: number): Source => {
    if (isRaw(routeId, fromMs, toMs)) return 'raw';
    const [from, to] = [fromMs * 1000, toMs * 1000];
    return (to - from) / MINUTE_US > MAX_MINUTES || isFrozen(routeId, 3600, floorTo(from, HOUR_US), to)
      ? 'hour'
      : 'minute';
  };

  /** What a window that is not read raw is made of, by time. */
  const partsOf = (source: Source, { route, from, to }: RouteWindow): Part[] =>
    (source === 'hour' ? hours : minutes)(route, from, to);

  return {
    isKept,
    isReady: (routeId, fromMs, toMs) => {
      if (isRaw(routeId, fromMs, toMs)) return true;
      if (unmarked.get(routeId) !== undefined) return false;
      const window = { route: routeId, from: fromMs * 1000, to: toMs * 1000 };
      return dueWithin.all({ ...window, span: 60, limit: MAX_DUE + 1 }).length <= MAX_DUE;
    },

    stats: (routeId, fromMs, toMs) => {
      const source = sourceOf(routeId, fromMs, toMs);
      if (source === 'raw') return { ...stored.pingStats(routeId, fromMs, toMs), source };
      const [from, to] = [Math.round(fromMs * 1000), Math.round(toMs * 1000)];
      const window = widened(routeId, from, to);
      const summary = new Summary();
      for (const { addTo } of partsOf(source, window)) addTo(summary);
      const shownMs = [
        window.from === from ? fromMs : window.from / 1000,
        window.to === to ? toMs : window.to / 1000,
      ] as const;
      return { ...summary.pingStats(...shownMs), source };
    },

    chart: (routeId, fromMs, toMs, bucketMs) => {
      const source = sourceOf(routeId, fromMs, toMs);
      if (source === 'raw') return stored.series(routeId, fromMs, toMs, bucketMs);
      const window = widened(routeId, Math.round(fromMs * 1000), Math.round(toMs * 1000));
      const bucketUs = ceilTo(bucketMs * 1000, source === 'hour' ? HOUR_US : MINUTE_US);
      const builder = seriesBuilder(routeId, bucketUs / 1000, source);
      const summary = new Summary();
      let start = Number.NaN;
      const close = (): void => {
        const bucket = summary.bucket();
        if (bucket !== null) builder.add(start, bucket);
        summary.clear();
      };
      for (const { atUs, addTo } of partsOf(source, window)) {
        if (floorTo(atUs, bucketUs) !== start) close();
        start = floorTo(atUs, bucketUs);
        addTo(summary);
      }
      close();
      return builder.series;
    },
  };
}
