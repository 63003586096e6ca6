/**
 * Statistics and history of a route, recomputed from its stored samples over all its runs by the formulae of
 * shared/samples.ts. Times are unix milliseconds, rounded to the microsecond; windows are half-open, [fromMs, toMs).
 */
import type {
  Controller,
  PingStats,
  RouteEvent,
  Series,
  Transfer,
  TransportSnapshot,
} from '../../shared/domain.ts';
import { goodputBps, type PingSample, rttStats, type SkipSample } from '../../shared/samples.ts';
import type { ReadHandle } from './handles.ts';
import { type RouteWindow, RUNS } from './rollups/raw.ts';
import { seriesBuilder } from './series.ts';

type Direction = 'down' | 'up';

export interface Measurements {
  /** Every ping of the window, in sending order. */
  pings(routeId: string, fromMs: number, toMs: number): PingSample[];
  /** The slots of the ping schedule that passed without a ping, oldest first. */
  skips(routeId: string, fromMs: number, toMs: number): SkipSample[];
  pingStats(routeId: string, fromMs: number, toMs: number): PingStats;
  /** Whether the window holds more than `limit` pings; costs no more than reading that many. */
  hasMorePings(routeId: string, fromMs: number, toMs: number, limit: number): boolean;
  /**
   * Buckets of `bucketMs` that start at its multiples; the first and the last count only what is in the window.
   * A bucket’s goodput is the bytes of the transfers begun in it over their time together.
   */
  series(routeId: string, fromMs: number, toMs: number, bucketMs: number): Series;
  /** The newest transfer in each direction that took measurable time. */
  lastTransfers(routeId: string): Record<Direction, Transfer | null>;
  /** The transport’s newest snapshot of each bucket (as of `series`) of the window, oldest first; there is one a second at most. */
  transport(routeId: string, fromMs: number, toMs: number, bucketMs: number): TransportSnapshot[];
  /** The route’s newest state changes of the window, at most `limit`, oldest first. */
  events(routeId: string, fromMs: number, toMs: number, limit: number): RouteEvent[];
}

type Window = RouteWindow;
/** What a bucket holds beside pings; durations in microseconds. */
type Totals = {
  skipped: number;
  down: { bytes: number; durationUs: number };
  up: { bytes: number; durationUs: number };
  handshakes: number;
  failed: number;
  handshakeUs: number;
};
type RunWindow = { run: number; from: number; to: number };
type TransferRow = { at_us: number; bytes: number; duration_us: number };
type TransportRow = {
  at_us: number;
  controller: Controller;
  cwnd_bytes: number;
  pacing_bps: number | null;
  bytes_in_flight: number;
  smoothed_rtt_us: number | null;
  rtt_var_us: number | null;
  min_rtt_us: number | null;
  packets_sent: number;
  packets_received: number;
  packets_lost: number;
  bytes_sent: number;
  bytes_received: number;
};
type EventRow = { at_us: number; state: RouteEvent['state']; error: string | null };

const windowOf = (route: string, fromMs: number, toMs: number): Window => ({
  route,
  from: Math.round(fromMs * 1000),
  to: Math.round(toMs * 1000),
});

export function measurements(db: ReadHandle): Measurements {
  const pings = db.query<[Window], { at_us: number; rtt_us: number | null; loaded: number }>(
    `SELECT at_us, rtt_us, loaded FROM ping
     WHERE run_id IN ${RUNS} AND at_us >= @from AND at_us < @to ORDER BY at_us`,
  );
  // Each run’s first and last ping of the window: two steps down its tree, however long the run.
  const spans = db.query<[Window], { run: number; first: number; last: number }>(
    `SELECT run, first, last FROM (
       SELECT id AS run,
         (SELECT min(at_us) FROM ping WHERE run_id = run.id AND at_us >= @from AND at_us < @to) AS first,
         (SELECT max(at_us) FROM ping WHERE run_id = run.id AND at_us >= @from AND at_us < @to) AS last
       FROM run WHERE route_id = @route)
     WHERE first IS NOT NULL ORDER BY first`,
  );
  const rttsOfRun = db.column<[RunWindow], number | null>(
    'SELECT rtt_us FROM ping WHERE run_id = @run AND at_us >= @from AND at_us < @to ORDER BY at_us',
  );
  const nextOfRun = db.column<[{ run: number; after: number }], number>(
    'SELECT at_us FROM ping WHERE run_id = @run AND at_us >= @after ORDER BY at_us LIMIT 1',
  );
  const rttsOfRoute = db.column<[Window], number | null>(
    `SELECT rtt_us FROM ping WHERE run_id IN ${RUNS} AND at_us >= @from AND at_us < @to ORDER BY at_us`,
  );
  const transfers = db.query<[Window & { direction: Direction }], TransferRow>(
    `SELECT at_us, bytes, duration_us FROM transfer
     WHERE run_id IN ${RUNS} AND direction = @direction AND at_us >= @from AND at_us < @to AND duration_us > 0`,
  );
  const lastTransfer = db.query<[{ route: string; direction: Direction }], TransferRow>(
    `SELECT at_us, bytes, duration_us FROM run JOIN transfer ON run_id = id AND direction = @direction
       AND at_us = (SELECT max(at_us) FROM transfer
                    WHERE run_id = run.id AND direction = @direction AND duration_us > 0)
     WHERE route_id = @route ORDER BY at_us DESC LIMIT 1`,
  );
  const countUpTo = db.column<[Window & { limit: number }], number>(
    `SELECT count(*) FROM (SELECT 1 FROM ping
       WHERE run_id IN ${RUNS} AND at_us >= @from AND at_us < @to LIMIT @limit)`,
  );
  const skips = db.query<[Window], { at_us: number; count: number }>(
    `SELECT at_us, count FROM ping_skip
     WHERE run_id IN ${RUNS} AND at_us >= @from AND at_us < @to ORDER BY at_us`,
  );
  const skippedOf = db.column<[Window], number>(
    `SELECT coalesce(sum(count), 0) FROM ping_skip
     WHERE run_id IN ${RUNS} AND at_us >= @from AND at_us < @to`,
  );
  const handshakes = db.query<[Window], { at_us: number; duration_us: number | null }>(
    `SELECT at_us, duration_us FROM handshake
     WHERE run_id IN ${RUNS} AND at_us >= @from AND at_us < @to ORDER BY at_us`,
  );
  const runsWithTransport = db.column<[Window], number>(
    `SELECT id FROM run WHERE route_id = @route AND EXISTS
       (SELECT 1 FROM transport WHERE run_id = run.id AND at_us >= @from AND at_us < @to)`,
  );
  const nextSnapshot = db.column<[RunWindow], number>(
    'SELECT at_us FROM transport WHERE run_id = @run AND at_us >= @from AND at_us < @to ORDER BY at_us LIMIT 1',
  );
  const lastSnapshot = db.query<[RunWindow], TransportRow>(
    'SELECT * FROM transport WHERE run_id = @run AND at_us >= @from AND at_us < @to ORDER BY at_us DESC LIMIT 1',
  );
  const events = db.query<[Window & { limit: number }], EventRow>(
    `SELECT at_us, state, error FROM route_event
     WHERE route_id = @route AND at_us >= @from AND at_us < @to ORDER BY at_us DESC, id DESC LIMIT @limit`,
  );

  /** RTTs of the window’s pings in sending order, null where lost. */
  const rtts = (window: Window): (number | null)[] => {
    const runs = spans.all(window);
    // Runs of a route follow one another; should two overlap, their pings are sorted together.
    const overlap = runs.some(({ first }, i) => i > 0 && first <= runs[i - 1]!.last);
    if (overlap) return rttsOfRoute.all(window);
    const parts = runs.map(({ run, first, last }) => rttsOfRun.all({ run, from: first, to: last + 1 }));
    return parts.length === 1 ? parts[0]! : parts.flat();
  };

  return {
    pings: (routeId, fromMs, toMs) =>
      pings
        .all(windowOf(routeId, fromMs, toMs))
        .map(({ at_us, rtt_us, loaded }) => ({ atMs: at_us / 1000, rttUs: rtt_us, loaded: loaded === 1 })),

    skips: (routeId, fromMs, toMs) =>
      skips.all(windowOf(routeId, fromMs, toMs)).map(({ at_us, count }) => ({ atMs: at_us / 1000, count })),

    hasMorePings: (routeId, fromMs, toMs, limit) =>
      countUpTo.get({ ...windowOf(routeId, fromMs, toMs), limit: limit + 1 })! > limit,

    pingStats: (routeId, fromMs, toMs) => {
      const window = windowOf(routeId, fromMs, toMs);
      return rttStats(rtts(window), skippedOf.get(window)!, fromMs, toMs);
    },

    series: (routeId, fromMs, toMs, bucketMs) => {
      const window = windowOf(routeId, fromMs, toMs);
      const bucketUs = bucketMs * 1000;
      const startOf = (atUs: number): number => Math.floor(atUs / bucketUs) * bucketUs;

      const totals = new Map<number, Totals>();
      const totalsAt = (atUs: number): Totals => {
        const start = startOf(atUs);
        let sum = totals.get(start);
        if (sum === undefined) {
          sum = {
            skipped: 0,
            down: { bytes: 0, durationUs: 0 },
            up: { bytes: 0, durationUs: 0 },
            handshakes: 0,
            failed: 0,
            handshakeUs: 0,
          };
          totals.set(start, sum);
        }
        return sum;
      };
      for (const direction of ['down', 'up'] as const) {
        for (const { at_us, bytes, duration_us } of transfers.all({ ...window, direction })) {
          const sum = totalsAt(at_us)[direction];
          sum.bytes += bytes;
          sum.durationUs += duration_us;
        }
      }
      for (const { at_us, count } of skips.all(window)) totalsAt(at_us).skipped += count;
      for (const { at_us, duration_us } of handshakes.all(window)) {
        const sum = totalsAt(at_us);
        sum.handshakes++;
        if (duration_us === null) sum.failed++;
        else sum.handshakeUs += duration_us;
      }

      const pinged = new Map<number, PingStats>();
      for (const { run, first, last } of spans.all(window)) {
        for (let at: number | undefined = first; at !== undefined && at <= last; ) {
          const start = startOf(at);
          const end = start + bucketUs;
          const part = { from: Math.max(start, window.from), to: Math.min(end, window.to) };
          let echoes = rttsOfRun.all({ run, ...part });
          if (echoes.length === 0) {
            at = nextOfRun.get({ run, after: part.to });
            continue;
          }
          // Where one run ends and the next begins, or two overlap, a bucket holds pings of both.
          if (pinged.has(start)) echoes = rttsOfRoute.all({ route: routeId, ...part });
          pinged.set(start, rttStats(echoes, 0, start / 1000, end / 1000));
          at = end;
        }
      }

      const transferred = [...totals].flatMap(([start, { down, up }]) =>
        down.durationUs > 0 || up.durationUs > 0 ? start : [],
      );
      const builder = seriesBuilder(routeId, bucketMs, 'raw');
      for (const start of [...new Set([...pinged.keys(), ...transferred])].sort((a, b) => a - b)) {
        const { skipped, down, up, handshakes: count, failed, handshakeUs } = totalsAt(start);
        const pings = pinged.get(start);
        builder.add(start, {
          sent: pings?.sent ?? 0,
          lost: pings?.lost ?? 0,
          skipped,
          rttUs: pings?.rttUs ?? null,
          jitterUs: pings?.jitterUs ?? null,
          downBps: down.durationUs === 0 ? null : goodputBps(down),
          upBps: up.durationUs === 0 ? null : goodputBps(up),
          handshakes: { count, failed, meanUs: count === failed ? null : handshakeUs / (count - failed) },
        });
      }
      return builder.series;
    },

    lastTransfers: (route) => {
      const last = (direction: Direction): Transfer | null => {
        const row = lastTransfer.get({ route, direction });
        if (row === undefined) return null;
        const { at_us, bytes, duration_us: durationUs } = row;
        return { atMs: at_us / 1000, bytes, durationUs, goodputBps: goodputBps({ bytes, durationUs }) };
      };
      return { down: last('down'), up: last('up') };
    },

    transport: (routeId, fromMs, toMs, bucketMs) => {
      const window = windowOf(routeId, fromMs, toMs);
      const bucketUs = bucketMs * 1000;
      const newest = new Map<number, TransportRow>();
      // Two steps down the tree for each bucket, however many snapshots it has.
      for (const run of runsWithTransport.all(window)) {
        const next = (from: number): number | undefined => nextSnapshot.get({ run, from, to: window.to });
        for (let at = next(window.from); at !== undefined; ) {
          const end = (Math.floor(at / bucketUs) + 1) * bucketUs;
          const row = lastSnapshot.get({ run, from: at, to: Math.min(end, window.to) })!;
          if (row.at_us >= (newest.get(end)?.at_us ?? 0)) newest.set(end, row);
          at = next(end);
        }
      }
      const rows = [...newest.values()].sort((a, b) => a.at_us - b.at_us);
      return rows.map((row) => ({
        atMs: row.at_us / 1000,
        controller: row.controller,
        cwndBytes: row.cwnd_bytes,
        pacingBps: row.pacing_bps,
        bytesInFlight: row.bytes_in_flight,
        smoothedRttUs: row.smoothed_rtt_us,
        rttVarUs: row.rtt_var_us,
        minRttUs: row.min_rtt_us,
        packetsSent: row.packets_sent,
        packetsReceived: row.packets_received,
        packetsLost: row.packets_lost,
        bytesSent: row.bytes_sent,
        bytesReceived: row.bytes_received,
      }));
    },

    events: (routeId, fromMs, toMs, limit) =>
      events
        .all({ ...windowOf(routeId, fromMs, toMs), limit })
        .reverse()
        .map(({ at_us, state, error }) => ({
          atMs: at_us / 1000,
          state,
          error: error === null ? null : JSON.parse(error),
        })),
  };
}
