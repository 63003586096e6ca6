/** `--prometheus-port` and what goes with it, of `server` and `probe`; `serve` has the last two. */
import { Option } from 'commander';
import { LabError } from '../../shared/errors.ts';
import { type MetricsEndpoint, serveExporter } from '../serve/metrics-endpoint.ts';
import { createExporter, type Exporter, type ExporterOptions, LABEL_SETS } from '../telemetry/exporter.ts';
import { BUCKETS } from '../telemetry/histogram.ts';
import { type Address, parseAddress } from './address.ts';
import { parseChoice, parseNumber } from './options.ts';

const PORT = '--prometheus-port';

export interface ExporterFlags {
  prometheusLabels?: (typeof LABEL_SETS)[number];
  histogramBuckets?: number;
}

export interface MetricsFlags extends ExporterFlags {
  prometheusPort?: Address;
}

export const exporterFlags = (): Option[] => [
  new Option(
    '--prometheus-labels <set>',
    `labels of metrics: ${LABEL_SETS.join(' or ')} (only route, and a metric’s own); default full`,
  ).argParser((text) => parseChoice(text, '--prometheus-labels', LABEL_SETS)),
  new Option(
    '--histogram-buckets <n>',
    `buckets of the handshake histogram beside +Inf, from 1 ms to 10 s, ${BUCKETS.min} to ${BUCKETS.max}; default 11 from 5 ms on`,
  ).argParser((text) => parseNumber(text, '--histogram-buckets', { ...BUCKETS, integer: true })),
];

export const metricsFlags = (): Option[] => [
  new Option(
    `${PORT} <[host:]port>`,
    'serve /metrics for Prometheus while it runs, on 127.0.0.1 unless told otherwise; port 0 takes a free one',
  ).argParser((text) => parseAddress(text, PORT, { defaultHost: '127.0.0.1', lowestPort: 0 })),
  ...exporterFlags(),
];

const exporterOptions = (flags: ExporterFlags): ExporterOptions => ({
  labels: flags.prometheusLabels,
  histogramBuckets: flags.histogramBuckets,
});

/** Exporter and endpoint, where one is asked for. Throws what `serveExporter` throws, and RL_USAGE. */
export async function openMetrics(
  flags: MetricsFlags,
): Promise<{ exporter: Exporter; endpoint: MetricsEndpoint } | null> {
  const { prometheusPort } = flags;
  if (prometheusPort !== undefined) {
    const exporter = createExporter(exporterOptions(flags));
    return { exporter, endpoint: await serveExporter(exporter, { ...prometheusPort, option: PORT }) };
  }
  for (const { long, attribute } of exporterFlags().map((option) => ({
    long: option.long,
    attribute: option.attributeName(),
  }))) {
    if (flags[attribute as keyof ExporterFlags] !== undefined)
      throw new LabError('RL_USAGE', `${long} is for metrics that ${PORT} serves`);
  }
  return null;
}
