/**
 * What a monitor's run came to: from its samples while they are few, else from its route's roll-ups. Medians of transfers and
 * handshakes are of all of them, or there are none. In pieces of some 50 ms at most.
 */
import type { PingStats } from '../../shared/domain.ts';
import type { Metrics } from '../../shared/experiments.ts';
import { monitorMetrics } from '../../shared/metrics.ts';
import { goodputBps, rttStats } from '../../shared/samples.ts';
import { medianInterval } from '../../shared/statistics.ts';
import type { WriteHandle } from './handles.ts';
import { IMPORTING } from './purge.ts';
import type { History } from './rollups/history.ts';
import { Summary } from './rollups/summary.ts';

/** Rows of one piece. */
const AT_ONCE = 10_000;
/** Pings that are read as a whole, for exact percentiles. */
const MOST_RAW = 150_000;

type Page = { run: number; after: number };
type Row = {
  route_id: string | null;
  samples: number;
  from_ms: number;
  ended_at_ms: number | null;
  first_us: number | null;
  last_us: number | null;
};

/** Yields between pieces. Null of a run without samples, or of which nothing is left. */
export type AddingUp = Generator<void, Metrics | null>;

export function runMetrics(
  db: WriteHandle,
  past: Pick<History, 'stats' | 'isKept'>,
  nowMs: () => number,
): (runId: number) => AddingUp {
  const find = db.query<[number], Row>(
    `SELECT route_id, samples, coalesce(started_at_ms, created_at_ms) AS from_ms, ended_at_ms,
       (SELECT min(at_us) FROM ping WHERE run_id = run.id) AS first_us,
       (SELECT max(at_us) FROM ping WHERE run_id = run.id) AS last_us
     FROM run WHERE id = ?`,
  );
  const rtts = db.column<[number], number | null>('SELECT rtt_us FROM ping WHERE run_id = ? ORDER BY at_us');
  /** Takes the rows of a run by time. */
  const each = <R>(table: string, columns: string, where = '') => {
    const page = db.query<[Page], R & { at_us: number }>(
      `SELECT at_us, ${columns} FROM ${table}
       WHERE run_id = @run AND at_us > @after ${where} ORDER BY at_us LIMIT ${AT_ONCE}`,
    );
    return function* (run: number, take: (row: R) => void): Generator<void, void> {
      for (let after = Number.MIN_SAFE_INTEGER; ; yield) {
        const rows = page.all({ run, after });
        rows.forEach(take);
        if (rows.length < AT_ONCE) return;
        after = rows.at(-1)!.at_us;
      }
    };
  };
  const pings = each<{ rtt_us: number | null }>('ping', 'rtt_us');
  const transfers = (direction: string) =>
    each<{ bytes: number; duration_us: number }>(
      'transfer',
      'bytes, duration_us',
      `AND direction = '${direction}' AND duration_us > 0`,
    );
  const handshakes = each<{ duration_us: number }>('handshake', 'duration_us', 'AND duration_us IS NOT NULL');

  function* median<R>(
    rows: (run: number, take: (row: R) => void) => Generator<void, void>,
    run: number,
    told: (row: R) => number,
  ): Generator<void, number | null> {
    const values: number[] = [];
    yield* rows(run, (row) => values.push(told(row)));
    return medianInterval(values).median;
  }
  const [down, up] = [transfers('down'), transfers('up')];
  const goodput = (row: { bytes: number; duration_us: number }): number =>
    goodputBps({ bytes: row.bytes, durationUs: row.duration_us });

  return function* (runId) {
    const run = find.get(runId);
    if (run === undefined || run.samples === 0) return null;
    const { route_id: route, samples, from_ms, ended_at_ms, first_us, last_us } = run;
    // What was measured while the clock was set is where the clock said.
    const fromMs = Math.min(from_ms, (first_us ?? Number.POSITIVE_INFINITY) / 1000);
    const toMs = Math.max(ended_at_ms ?? nowMs(), (last_us ?? 0) / 1000) + 0.001;
    const isKept = route === null || past.isKept(route, fromMs, toMs);
    let stats: PingStats;
    if (isKept && samples <= MOST_RAW) stats = rttStats(rtts.all(runId), 0, 0, 0);
    else if (route !== null) stats = past.stats(route, fromMs, toMs);
    else {
      const sum = new Summary();
      yield* pings(runId, ({ rtt_us }) => sum.addPing(rtt_us));
      stats = sum.pingStats(0, 0);
    }
    if (!isKept) return stats.sent === 0 ? null : monitorMetrics(stats, {});
    yield;
    return monitorMetrics(stats, {
      goodput_down: yield* median(down, runId, goodput),
      goodput_up: yield* median(up, runId, goodput),
      handshake_p50: yield* median(handshakes, runId, ({ duration_us }) => duration_us),
    });
  };
}

export interface ResultStorer {
  /** A slice of adding up runs that are over; false when there is none. */
  step(isOver: () => boolean): boolean;
}

/** What upkeep does of it: nobody has to wait for results, and they are stored before the first sample is deleted. */
export function resultStorer(db: WriteHandle, past: History): ResultStorer {
  const metrics = runMetrics(db, past, Date.now);
  const next = db.column<[number], number>(
    `SELECT run.id FROM run JOIN experiment ON experiment.id = experiment_id WHERE result IS NULL AND run.id > ?
       AND samples > 0 AND state NOT IN ('queued', 'running') AND importing = ${IMPORTING.whole} ORDER BY run.id LIMIT 1`,
  );
  const store = resultCommand(db);
  /** Of these nothing is left. */
  const lost = new Set<number>();
  let current: { id: number; work: AddingUp } | null = null;
  const first = (): number | undefined => {
    let id = next.get(0);
    while (id !== undefined && lost.has(id)) id = next.get(id);
    return id;
  };
  return {
    step: (isOver) => {
      const id = current?.id ?? first();
      if (id === undefined) return false;
      current ??= { id, work: metrics(id) };
      do {
        const { done, value } = current.work.next();
        if (!done) continue;
        current = null;
        if (value === null) lost.add(id);
        else store.run(JSON.stringify(value), id);
        return true;
      } while (!isOver());
      return true;
    },
  };
}

/** The result of a run that is over, unless it has one. */
export const resultCommand = (db: WriteHandle) =>
  db.command<[string, number]>(
    "UPDATE run SET result = ? WHERE id = ? AND result IS NULL AND state NOT IN ('queued', 'running')",
  );
