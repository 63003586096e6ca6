/** `--compare-tcp`: which flags a comparison heeds, and how long it takes. */

import type { Mode } from './flags.ts';
import type { Given } from './given.ts';
import { invalid } from './go-flags.ts';

export interface ComparisonPlan {
  /** Turns of each transport. */
  pairs: number;
  /** Of each transfer. */
  transferMs: number;
}

/** In either mode, and in one of them. */
const HEEDED = [
  'compare-tcp',
  'mode',
  'duration',
  'congestion',
  'enable-datagrams',
  'connections',
  'streams',
  'report',
  'report-format',
  'sla-rtt-p95',
  'sla-throughput',
  'sla-errors',
];
const HEEDED_IN: Readonly<Record<Mode, readonly string[]>> = {
  server: [],
  client: [
    'server',
    'addr',
    'insecure',
    'bbr-probe-bw',
    'bbr-probe-rtt-interval',
    'prometheus',
    'prometheus-port',
    'prometheus-labels',
    'histogram-buckets',
  ],
  test: ['emulate-loss', 'emulate-latency', 'emulate-dup', 'network-profile'],
};
const ENOUGH_PAIRS = 8;
const MOST_PAIRS = 10_000;
/** Pings beside a shorter one are too few for a percentile. */
const TRANSFER_MS = { least: 1500, most: 5000 } as const;

/** Null where nothing is compared. `durationMs` is of all of it, null until it is stopped. Throws RL_INPUT_INVALID naming a flag that is not heeded. */
export function comparisonPlan(given: Given, mode: Mode, durationMs: number | null): ComparisonPlan | null {
  if (!given.isOn('compare-tcp')) return null;
  for (const flag of given.names) {
    if ([...HEEDED, ...HEEDED_IN[mode]].includes(flag)) continue;
    throw invalid(
      flag,
      flag === 'sla-loss' || flag === 'sla'
        ? 'a comparison with TCP measures no loss: its pings go over streams'
        : `does not go with --compare-tcp in mode ${mode}, whose transfers send what the path takes`,
    );
  }
  for (const flag of ['connections', 'streams'])
    if ((given.number(flag, 1, 100) ?? 1) > 1)
      throw invalid(flag, 'each transfer of a comparison with TCP is one stream of one connection');
  if (durationMs === null) return { pairs: MOST_PAIRS, transferMs: TRANSFER_MS.most };
  const wanted = durationMs / (2 * ENOUGH_PAIRS);
  const transferMs = Math.round(Math.min(TRANSFER_MS.most, Math.max(TRANSFER_MS.least, wanted)));
  return { pairs: Math.max(1, Math.round(durationMs / (2 * transferMs))), transferMs };
}
