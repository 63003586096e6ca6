/** What a monitor's run came to, from its raw samples. */
import type { Metrics } from '../../shared/experiments.ts';
import { monitorMetrics } from '../../shared/metrics.ts';
import { goodputBps, rttStats } from '../../shared/samples.ts';
import { medianInterval } from '../../shared/statistics.ts';
import type { ReadHandle } from './handles.ts';

/** Reading more would hold up the thread that serves everybody (docs/measurements.md). */
const MAX_SAMPLES = 1_000_000;

const median = (values: readonly number[]): number | null => medianInterval(values).median;

/** Null of a run without samples, and of one with too many to read at once. */
export function runMetrics(db: ReadHandle): (runId: number) => Metrics | null {
  const samples = db.column<[number], number>('SELECT samples FROM run WHERE id = ?');
  const rtts = db.column<[number], number | null>('SELECT rtt_us FROM ping WHERE run_id = ? ORDER BY at_us');
  const transfers = db.query<[number, string], { bytes: number; duration_us: number }>(
    'SELECT bytes, duration_us FROM transfer WHERE run_id = ? AND direction = ? AND duration_us > 0',
  );
  const handshakes = db.column<[number], number>(
    'SELECT duration_us FROM handshake WHERE run_id = ? AND duration_us IS NOT NULL',
  );
  return (runId) => {
    const count = samples.get(runId) ?? 0;
    if (count === 0 || count > MAX_SAMPLES) return null;
    const goodput = (direction: string): number | null =>
      median(
        transfers
          .all(runId, direction)
          .map(({ bytes, duration_us }) => goodputBps({ bytes, durationUs: duration_us })),
      );
    return monitorMetrics(rttStats(rtts.all(runId), 0, 0, 0), {
      goodput_down: goodput('down'),
      goodput_up: goodput('up'),
      handshake_p50: median(handshakes.all(runId)),
    });
  };
}
