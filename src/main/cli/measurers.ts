/** What a lab can measure beside what every lab can, where the program’s own files and Node are at hand: it starts `routelab` again. */
import { LabError } from '../../shared/errors.ts';
import type { Metrics } from '../../shared/experiments.ts';
import { metricValue as metric } from '../../shared/metrics.ts';
import type { LabOptions } from '../lab/index.ts';
import { compareOver } from './compare-over.ts';

type Measurers = NonNullable<LabOptions['measurers']>;

interface Compared {
  metrics?: Record<
    string,
    { quic: { median: number | null }; tcp: { median: number | null }; ratio: { estimate: number } | null }
  >;
  pairs?: number;
  failed_pairs?: number;
  message?: string;
}

/** By the name that `compare-tcp --json` gives it. */
const COMPARED = {
  goodput_bps: { name: 'goodput', unit: 'bps', factor: 1, better: 'higher' },
  handshake_ms: { name: 'handshake', unit: 'us', factor: 1e3, better: 'lower' },
  rtt_p95_ms: { name: 'rtt_p95', unit: 'us', factor: 1e3, better: 'lower' },
} as const;

const compare: Measurers['compare'] = async (settings, { seed, signal }) => {
  const { emulation, path, mode, pairs, durationS, controller, tcpCongestion } = settings;
  const { stdout } = await compareOver({
    emulation,
    seed,
    isTunnel: path === 'tunnel',
    tcpCongestion,
    congestion: controller,
    given: {
      mode,
      pairs: String(pairs),
      ...(mode !== 'handshake' && { duration: `${durationS}s` }),
      congestion: controller,
    },
    signal,
    output: 'json',
  });
  const told = JSON.parse(stdout === '' ? '{}' : stdout) as Compared;
  if (told.metrics === undefined)
    throw new LabError('RL_CONNECTION_LOST', told.message ?? 'The comparison told nothing');
  const metrics: Metrics = {
    pairs: metric(told.pairs ?? null, null, null),
    failed_pairs: metric(told.failed_pairs ?? null, null, 'lower'),
  };
  for (const [key, { name, unit, factor, better }] of Object.entries(COMPARED)) {
    const of = told.metrics[key];
    if (of === undefined) continue;
    const scaled = (value: number | null): number | null => (value === null ? null : value * factor);
    metrics[`${name}_quic`] = metric(scaled(of.quic.median), unit, better);
    metrics[`${name}_tcp`] = metric(scaled(of.tcp.median), unit, null);
    metrics[`${name}_over_tcp`] = metric(of.ratio?.estimate ?? null, null, better);
  }
  return metrics;
};

export const MEASURERS: Measurers = { compare };
