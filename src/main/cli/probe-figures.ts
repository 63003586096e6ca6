/** The figures that repetitions are summed up by, and rows of several targets are made of: where each stands in a result. */
import type { LabError } from '../../shared/errors.ts';
import type { Http3Result } from './probe-http3-result.ts';
import type { ProbeFields } from './probe-result.ts';

/** Of a target, or a repetition, of which nothing was measured. */
interface Failed {
  label?: string;
  target: string;
  mode: string;
  started_at: string;
  error: ReturnType<LabError['toBody']>;
}
export type Repetition = ProbeFields | Http3Result | Failed;

interface Figure {
  /** In `summary` of `--json`. */
  name: string;
  /** Of a column, with the unit that `scale` leads to. */
  title: string;
  scale: number;
  digits: number;
  of: (result: object) => number | undefined;
}

function valueAt(result: object, path: string): unknown {
  let value: unknown = result;
  for (const name of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[name];
  return value;
}

/** The number at `path`. */
const at =
  (path: string): Figure['of'] =>
  (result) => {
    const value = valueAt(result, path);
    return typeof value === 'number' ? value : undefined;
  };

/** Longest gap of the moves of one kind. */
const gapOf =
  (kind: string): Figure['of'] =>
  (result) => {
    const moves = valueAt(result, 'detail.moves');
    if (!Array.isArray(moves)) return undefined;
    const gaps = moves.flatMap(({ move, gap_ms }) =>
      move === kind && typeof gap_ms === 'number' ? [gap_ms] : [],
    );
    return gaps.length === 0 ? undefined : Math.max(...gaps);
  };

const ms = (name: string, title: string, of: Figure['of']): Figure => ({
  name,
  title: `${title} ms`,
  scale: 1,
  digits: 3,
  of,
});
const percent = (name: string, title: string, of: Figure['of']): Figure => ({
  name,
  title: `${title} %`,
  scale: 100,
  digits: 2,
  of,
});
const goodput = (direction: 'down' | 'up'): Figure => ({
  name: `goodput_${direction}_bps`,
  title: `${direction} Mbit/s`,
  scale: 1e-6,
  digits: 3,
  of: at(`goodput_bps.${direction}`),
});

export const FIGURES: readonly Figure[] = [
  ms('rtt_p50_ms', 'rtt p50', at('rtt_ms.p50')),
  ms('jitter_ms', 'jitter', at('jitter_ms')),
  percent('loss_ratio', 'loss', at('loss_ratio')),
  ms('handshake_p50_ms', 'handshake', at('handshake_ms.p50')),
  ms('total_p50_ms', 'total', at('total_ms.p50')),
  goodput('down'),
  goodput('up'),
  { name: 'rpm', title: 'RPM', scale: 1, digits: 0, of: at('detail.rpm') },
  ms('load_adds_ms', 'load adds', at('detail.added_ms')),
  { name: 'fairness', title: 'fairness', scale: 1, digits: 4, of: at('detail.fairness') },
  ms('slowest_later_ms', 'slowest later', at('detail.slowest_later_ms')),
  ms('gap_rebinding_ms', 'gap rebinding', gapOf('rebinding')),
  ms('gap_active_ms', 'gap active', gapOf('active')),
  ...(['up', 'down'] as const).flatMap((way) => [
    percent(`source_loss_${way}_ratio`, `lost ${way}`, at(`detail.${way}.source_loss`)),
    percent(`residual_loss_${way}_ratio`, `residual ${way}`, at(`detail.${way}.residual_loss`)),
    percent(`recovery_${way}_ratio`, `recovered ${way}`, at(`detail.${way}.recovery`)),
    percent(`redundancy_${way}_ratio`, `redundancy ${way}`, at(`detail.${way}.redundancy`)),
  ]),
];

/** As a row has it. */
export const cellOf = (value: number | undefined, { scale, digits }: Figure): string =>
  value === undefined ? '–' : (value * scale).toFixed(digits);
