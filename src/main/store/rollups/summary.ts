/**
 * What a roll-up says of its span, and how several become one. Counts, sums, extremes and jitter come out as if computed from
 * the samples themselves; percentiles within the error of the sketch.
 */
import type { PingStats } from '../../../shared/domain.ts';
import { goodputBps, jitterAfter } from '../../../shared/samples.ts';
import type { Bucket } from '../series.ts';
import { Sketch } from './sketch.ts';

/** The columns of a roll-up that are not its key. Microseconds and bytes. */
export type SummaryRow = {
  sent: number;
  lost: number;
  skipped: number;
  rtt_sum: number;
  /** Null without an echo, as are the next three and the sketch. */
  rtt_min: number | null;
  rtt_max: number | null;
  rtt_first: number | null;
  rtt_last: number | null;
  /** Null with fewer than two echoes. */
  jitter: number | null;
  rtt_sketch: Uint8Array | null;
  down_bytes: number;
  down_us: number;
  up_bytes: number;
  up_us: number;
  handshakes: number;
  handshakes_failed: number;
  handshake_sum: number;
};

export const SUMMARY_COLUMNS = [
  'sent',
  'lost',
  'skipped',
  'rtt_sum',
  'rtt_min',
  'rtt_max',
  'rtt_first',
  'rtt_last',
  'jitter',
  'rtt_sketch',
  'down_bytes',
  'down_us',
  'up_bytes',
  'up_us',
  'handshakes',
  'handshakes_failed',
  'handshake_sum',
] as const satisfies readonly (keyof SummaryRow)[];

/** Columns that add up. */
const SUMS = [
  'sent',
  'lost',
  'skipped',
  'rtt_sum',
  'down_bytes',
  'down_us',
  'up_bytes',
  'up_us',
  'handshakes',
  'handshakes_failed',
  'handshake_sum',
] as const satisfies readonly (keyof SummaryRow)[];

const nothing = (): SummaryRow =>
  Object.fromEntries([
    ...SUMMARY_COLUMNS.map((name) => [name, null]),
    ...SUMS.map((name) => [name, 0]),
  ]) as SummaryRow;

/** RFC 3550’s filter keeps 15/16 of what it was for each further echo. */
const KEPT = 15 / 16;

export class Summary {
  #sums = nothing();
  readonly #sketch = new Sketch();

  /** A ping; pings and rows must come in sending order, or the jitter is another. `rttUs` null means lost. */
  addPing(rttUs: number | null): void {
    const sums = this.#sums;
    sums.sent++;
    if (rttUs === null) {
      sums.lost++;
      return;
    }
    sums.jitter = jitterAfter(sums.jitter, sums.rtt_last, rttUs);
    sums.rtt_sum += rttUs;
    sums.rtt_min = sums.rtt_min === null ? rttUs : Math.min(sums.rtt_min, rttUs);
    sums.rtt_max = sums.rtt_max === null ? rttUs : Math.max(sums.rtt_max, rttUs);
    sums.rtt_first ??= rttUs;
    sums.rtt_last = rttUs;
    this.#sketch.add(rttUs);
  }

  addSkips(count: number): void {
    this.#sums.skipped += count;
  }

  /** A transfer that took measurable time. */
  addTransfer(direction: 'down' | 'up', bytes: number, durationUs: number): void {
    this.#sums[`${direction}_bytes`] += bytes;
    this.#sums[`${direction}_us`] += durationUs;
  }

  /** `durationUs` null means failed. */
  addHandshake(durationUs: number | null): void {
    this.#sums.handshakes++;
    if (durationUs === null) this.#sums.handshakes_failed++;
    else this.#sums.handshake_sum += durationUs;
  }

  /** Throws RL_DB_CORRUPT. */
  addRow(row: SummaryRow): void {
    const sums = this.#sums;
    const echoes = row.sent - row.lost;
    if (row.rtt_first !== null && row.rtt_min !== null && row.rtt_max !== null && row.rtt_sketch !== null) {
      const between = jitterAfter(sums.jitter, sums.rtt_last, row.rtt_first);
      // The filter is linear: what was there decays by as many echoes, and the row’s own part comes on top.
      const before = between === null ? null : between * KEPT ** (echoes - 1);
      sums.jitter = before === null ? row.jitter : before + (row.jitter ?? 0);
      sums.rtt_min = sums.rtt_min === null ? row.rtt_min : Math.min(sums.rtt_min, row.rtt_min);
      sums.rtt_max = sums.rtt_max === null ? row.rtt_max : Math.max(sums.rtt_max, row.rtt_max);
      sums.rtt_first ??= row.rtt_first;
      sums.rtt_last = row.rtt_last;
      this.#sketch.addEncoded(row.rtt_sketch);
    }
    for (const name of SUMS) sums[name] += row[name];
  }

  get isEmpty(): boolean {
    const { sent, skipped, down_us, up_us, handshakes } = this.#sums;
    return sent === 0 && skipped === 0 && down_us === 0 && up_us === 0 && handshakes === 0;
  }

  row(): SummaryRow {
    return { ...this.#sums, rtt_sketch: this.#sketch.total === 0 ? null : this.#sketch.encode() };
  }

  clear(): void {
    this.#sums = nothing();
    this.#sketch.clear();
  }

  pingStats(fromMs: number, toMs: number): PingStats {
    const { sent, lost, skipped, rtt_sum, rtt_min: min, rtt_max: max, jitter } = this.#sums;
    const received = sent - lost;
    const quantile = (q: number): number => Math.min(max!, Math.max(min!, this.#sketch.quantile(q)));
    return {
      fromMs,
      toMs,
      sent,
      received,
      lost,
      skipped,
      lossRatio: sent === 0 ? null : lost / sent,
      rttUs:
        min === null || max === null
          ? null
          : {
              min,
              mean: rtt_sum / received,
              p50: quantile(0.5),
              p95: quantile(0.95),
              p99: quantile(0.99),
              max,
            },
      jitterUs: jitter,
    };
  }

  /** Null where there is neither a ping nor a transfer. */
  bucket(): Bucket | null {
    const { sent, lost, skipped, down_us, up_us, handshakes: count, handshakes_failed: failed } = this.#sums;
    if (sent === 0 && down_us === 0 && up_us === 0) return null;
    const { rttUs, jitterUs } = this.pingStats(0, 0);
    const goodput = (direction: 'down' | 'up'): number | null => {
      const durationUs = this.#sums[`${direction}_us`];
      return durationUs === 0 ? null : goodputBps({ bytes: this.#sums[`${direction}_bytes`], durationUs });
    };
    const meanUs = count === failed ? null : this.#sums.handshake_sum / (count - failed);
    return {
      sent,
      lost,
      skipped,
      rttUs,
      jitterUs,
      downBps: goodput('down'),
      upBps: goodput('up'),
      handshakes: { count, failed, meanUs },
    };
  }
}
