/**
 * Two transports compared: each pair measures both, one right after the other, in an order drawn for each pair, so that neither
 * what the path does over time nor who comes first favours either. Who measures what, and over which path, the caller says.
 */
import type { LabError } from '../../shared/errors.ts';
import { toLabError } from '../../shared/errors.ts';
import { medianInterval, type PairedComparison, pairedBootstrap } from '../../shared/statistics.ts';
import { Rng } from '../path/rng.ts';

/** What one turn of one transport measured; null what it did not. */
export interface TurnFigures {
  /** Payload, on the receiver's clock. */
  goodputBps: number | null;
  /** From the first packet until data can be sent. */
  handshakeUs: number | null;
  /** Of pings over a stream beside the transfer. */
  rttP95Us: number | null;
}

export const COMPARED_METRICS = ['goodputBps', 'handshakeUs', 'rttP95Us'] as const;
export type ComparedMetric = (typeof COMPARED_METRICS)[number];

const BETTER = { goodputBps: 'higher', handshakeUs: 'lower', rttP95Us: 'lower' } as const satisfies Record<
  ComparedMetric,
  'higher' | 'lower'
>;

/** One pair: a was measured first, or b. */
interface ComparedPair<F extends TurnFigures = TurnFigures> {
  first: 'a' | 'b';
  a: F;
  b: F;
}

interface MetricComparison extends PairedComparison {
  a: ReturnType<typeof medianInterval>;
  b: ReturnType<typeof medianInterval>;
}

export interface TransportComparison<F extends TurnFigures = TurnFigures> {
  pairs: ComparedPair<F>[];
  /** Pairs of which either turn failed, and why the last of them did. */
  failed: number;
  lastFailure: LabError | null;
  /** a against b. Null: not one pair measured it. */
  metrics: Record<ComparedMetric, MetricComparison | null>;
}

export interface ComparisonOptions<F extends TurnFigures> {
  pairs: number;
  /** Draws the order within each pair, and what the intervals are made of. */
  seed: number;
  a: () => Promise<F>;
  b: () => Promise<F>;
  signal: AbortSignal;
  /** After each turn. */
  onTurn?: (turn: { pair: number; of: 'a' | 'b'; figures: F }) => void;
}

/**
 * Measures pairs until there are as many as wanted or `signal` ends it; a pair cut short is left out. A pair in which a turn fails
 * is left out of both sides. Rejects with the LabError of the very first turn if that fails: then there is nothing to compare.
 */
export async function compareTransports<F extends TurnFigures>(
  options: ComparisonOptions<F>,
): Promise<TransportComparison<F>> {
  const rng = Rng.fromSeed(options.seed);
  const order = rng.split();
  const pairs: ComparedPair<F>[] = [];
  let failed = 0;
  let lastFailure: LabError | null = null;
  for (let pair = 0; pair < options.pairs && !options.signal.aborted; pair++) {
    const first = order.float() < 0.5 ? 'a' : 'b';
    const measured: Partial<Record<'a' | 'b', F>> = {};
    try {
      for (const of of first === 'a' ? (['a', 'b'] as const) : (['b', 'a'] as const)) {
        measured[of] = await options[of]();
        if (options.signal.aborted) break;
        options.onTurn?.({ pair, of, figures: measured[of] });
      }
    } catch (thrown) {
      if (options.signal.aborted) break;
      const error = toLabError(thrown);
      if (pair === 0) throw error;
      failed++;
      lastFailure = error;
      continue;
    }
    const { a, b } = measured;
    if (a !== undefined && b !== undefined && !options.signal.aborted) pairs.push({ first, a, b });
  }
  return { pairs, failed, lastFailure, metrics: compareMetrics(pairs, rng) };
}

function compareMetrics(
  pairs: readonly ComparedPair[],
  rng: Rng,
): Record<ComparedMetric, MetricComparison | null> {
  const of = (metric: ComparedMetric): MetricComparison | null => {
    const both = pairs.flatMap(({ a, b }) => {
      const [x, y] = [a[metric], b[metric]];
      return x === null || y === null ? [] : [[x, y] as const];
    });
    if (both.length === 0) return null;
    const [a, b] = [both.map(([x]) => x), both.map(([, y]) => y)];
    const draws = rng.split();
    const paired = pairedBootstrap(a, b, { random: () => draws.float(), better: BETTER[metric] });
    return { ...paired, a: medianInterval(a), b: medianInterval(b) };
  };
  return { goodputBps: of('goodputBps'), handshakeUs: of('handshakeUs'), rttP95Us: of('rttP95Us') };
}
