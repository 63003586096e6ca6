/** The metrics a run comes to: their names, what they are called, and which way is better. */
import type { PingStats, RttSummary } from './domain.ts';
import type { Metrics, MetricValue } from './experiments.ts';
import { type FecRatios, fecRatios } from './fec.ts';
import type { LoadResult } from './load.ts';
import type { ProbeResult } from './probes.ts';

interface MetricInfo {
  title: string;
  unit: string | null;
  better: MetricValue['better'];
}

const METRICS = {
  rtt_min: { title: 'RTT min', unit: 'us', better: 'lower' },
  rtt_mean: { title: 'RTT mean', unit: 'us', better: 'lower' },
  rtt_p50: { title: 'RTT p50', unit: 'us', better: 'lower' },
  rtt_p95: { title: 'RTT p95', unit: 'us', better: 'lower' },
  rtt_p99: { title: 'RTT p99', unit: 'us', better: 'lower' },
  rtt_max: { title: 'RTT max', unit: 'us', better: 'lower' },
  jitter: { title: 'Jitter', unit: 'us', better: 'lower' },
  sent: { title: 'Sent', unit: null, better: null },
  received: { title: 'Received', unit: null, better: null },
  loss_ratio: { title: 'Loss', unit: 'ratio', better: 'lower' },
  goodput_down: { title: 'Goodput down', unit: 'bps', better: 'higher' },
  goodput_up: { title: 'Goodput up', unit: 'bps', better: 'higher' },
  bytes_down: { title: 'Bytes down', unit: 'bytes', better: null },
  bytes_up: { title: 'Bytes up', unit: 'bytes', better: null },
  handshake_p50: { title: 'Handshake p50', unit: 'us', better: 'lower' },
  handshake_p95: { title: 'Handshake p95', unit: 'us', better: 'lower' },
  retransmit_ratio: { title: 'Sent again', unit: 'ratio', better: 'lower' },
  messages: { title: 'Messages', unit: null, better: null },
  skipped: { title: 'Messages skipped', unit: null, better: 'lower' },
  errors: { title: 'Errors', unit: null, better: 'lower' },
  fec_redundancy: { title: 'FEC redundancy', unit: 'ratio', better: 'lower' },
  fec_recovery: { title: 'FEC recovery', unit: 'ratio', better: 'higher' },
  jain: { title: 'Jain’s index', unit: null, better: 'higher' },
} as const satisfies Record<string, MetricInfo>;
export type MetricName = keyof typeof METRICS;

/** As a heading; a metric that is not in the table is called by its name. */
export const metricTitle = (name: string): string =>
  Object.hasOwn(METRICS, name) ? METRICS[name as MetricName].title : name.replaceAll('_', ' ');

/** Of a metric that is not in the table. */
export const metricValue = (
  value: number | null,
  unit: string | null,
  better: MetricValue['better'],
): MetricValue => ({ value, unit, better });

/** Of the values that are there. */
function metricsOf(values: Partial<Record<MetricName, number | null | undefined>>): Metrics {
  const metrics: Metrics = {};
  for (const [name, value] of Object.entries(values)) {
    if (value === null || value === undefined) continue;
    const { unit, better } = METRICS[name as MetricName];
    metrics[name] = { value, unit, better };
  }
  return metrics;
}

const ofRtt = (rttUs: RttSummary | null): Partial<Record<MetricName, number>> =>
  rttUs === null
    ? {}
    : {
        rtt_min: rttUs.min,
        rtt_mean: rttUs.mean,
        rtt_p50: rttUs.p50,
        rtt_p95: rttUs.p95,
        rtt_p99: rttUs.p99,
        rtt_max: rttUs.max,
      };

/** What is null was not measured, or could not be: where nothing is lost nothing is recovered. */
export const fecMetrics = ({ redundancy, recovery }: FecRatios): Metrics =>
  metricsOf({ fec_redundancy: redundancy, fec_recovery: recovery });

/** What a probe measured. Of what its transport counted, the sender's part. */
export const probeMetrics = (result: ProbeResult): Metrics => ({
  ...metricsOf({
    ...ofRtt(result.rttUs),
    jitter: result.jitterUs,
    sent: result.sent,
    received: result.received,
    loss_ratio: result.lossRatio,
    goodput_down: result.goodputDownBps,
    goodput_up: result.goodputUpBps,
    bytes_down: result.bytesDown,
    bytes_up: result.bytesUp,
    handshake_p50: result.handshakeUs?.p50,
    handshake_p95: result.handshakeUs?.p95,
    retransmit_ratio: result.transport.find(({ retransmitRatio }) => retransmitRatio !== null)
      ?.retransmitRatio,
  }),
  ...(result.detail?.kind === 'fec' &&
    fecMetrics(
      fecRatios(
        result.detail.k,
        [result.detail.up, result.detail.down].filter((way) => way !== null),
      ),
    )),
});

/** What a monitor's run measured: its pings, and the medians of its transfers and handshakes. */
export const monitorMetrics = (
  ping: PingStats,
  medians: Partial<Record<'goodput_down' | 'goodput_up' | 'handshake_p50', number | null>>,
): Metrics =>
  metricsOf({
    ...ofRtt(ping.rttUs),
    jitter: ping.jitterUs,
    sent: ping.sent,
    received: ping.received,
    loss_ratio: ping.lossRatio,
    ...medians,
  });

/** What QUIC came to in a comparison; null is what was not measured. */
export const comparedMetrics = (values: {
  goodputUpBps: number | null;
  rttP95Us: number | null;
  errors: number;
}): Metrics =>
  metricsOf({ goodput_up: values.goodputUpBps, rtt_p95: values.rttP95Us, errors: values.errors });

/** What a load measured. What was to be measured and could not be is null: an absent RTT is no good RTT. */
export function loadMetrics(result: LoadResult): Metrics {
  const asked = metricsOf({
    rtt_p95: 0,
    rtt_mean: 0,
    loss_ratio: 0,
    goodput_up: 0,
  });
  for (const metric of Object.values(asked)) metric.value = null;
  return {
    ...asked,
    ...metricsOf({
      ...ofRtt(result.rttUs),
      jitter: result.jitterUs,
      sent: result.pings,
      received: result.echoes,
      loss_ratio: result.lossRatio,
      goodput_up: result.goodputBps,
      bytes_up: result.bytes,
      handshake_p50: result.handshakeUs?.p50,
      handshake_p95: result.handshakeUs?.p95,
      retransmit_ratio: result.retransmitRatio,
      messages: result.messages,
      skipped: result.skipped,
      errors: result.errors,
    }),
  };
}
