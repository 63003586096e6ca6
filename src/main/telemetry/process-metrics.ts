/** CPU, memory, garbage collection and event-loop lag of this process. */
import { type ELDHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { bound, type Family, type Format } from './exposition.ts';

/** Delays are sampled by a timer of this period, which is part of every delay. */
const LAG_RESOLUTION_MS = 10;

/** The lag is that of the last half to whole window, whoever else reads it, and however often. */
const LAG_WINDOW_MS = 60_000;

/** Starts measuring; returns how to read. */
export function processMetrics(): (format: Format) => Promise<Family[]> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const { name, type } of registry.getMetricsAsArray()) {
    // Left out: gauges named like counters, which promtool refuses and whose parts are in the family of the same
    // name; and prom-client's lag, which counts the timer's period in and has numbers before anything was sampled.
    const isMisnamed = String(type) === 'gauge' && name.endsWith('_total');
    if (isMisnamed || name.startsWith('nodejs_eventloop_lag')) registry.removeSingleMetric(name);
  }
  const lag = lagWindow();
  return async (format) => [...(await collected(registry, format)), ...eventLoopLag(lag())];
}

/** What `getMetricsAsJSON` really returns: its declaration has the type as a number and no `metricName`. */
interface CollectedMetric {
  name: string;
  help: string;
  type: Family['type'];
  values: { value: number; labels: Record<string, string | number>; metricName?: string }[];
}

async function collected(registry: Registry, format: Format): Promise<Family[]> {
  const metrics = (await registry.getMetricsAsJSON()) as unknown as CollectedMetric[];
  return metrics.map(({ name, help, type, values }) => ({
    name,
    help,
    type,
    samples: values.map(({ value, labels, metricName = name }) => ({
      suffix: metricName.slice(name.length),
      labels: Object.fromEntries(
        Object.entries(labels).map(([label, text]) => [
          label,
          label === 'le' && typeof text === 'number' ? bound(text, format) : String(text),
        ]),
      ),
      value,
    })),
  }));
}

/** Starts measuring twice, half a window apart; each begins anew after a window, and the one that measures longer is read. */
function lagWindow(): () => ELDHistogram {
  let [longer, shorter] = [0, 1].map(() => monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS })) as [
    ELDHistogram,
    ELDHistogram,
  ];
  longer.enable();
  shorter.enable();
  let isFirst = true;
  const turn = (): void => {
    if (!isFirst) [longer, shorter] = [shorter, longer];
    isFirst = false;
    shorter.reset();
  };
  setInterval(turn, LAG_WINDOW_MS / 2).unref();
  return () => longer;
}

function eventLoopLag(delay: ELDHistogram): Family[] {
  if (delay.count === 0) return [];
  const family = (statistic: string, help: string, delayNs: number): Family => ({
    name: `nodejs_eventloop_lag_${statistic}_seconds`,
    help: `${help} delay of the event loop over the last 30 to 60 s.`,
    type: 'gauge',
    samples: [{ labels: {}, value: Math.max(0, delayNs / 1e9 - LAG_RESOLUTION_MS / 1000) }],
  });
  return [
    family('min', 'Least', delay.min),
    family('mean', 'Mean', delay.mean),
    family('p50', '50th percentile of the', delay.percentile(50)),
    family('p90', '90th percentile of the', delay.percentile(90)),
    family('p99', '99th percentile of the', delay.percentile(99)),
    family('max', 'Greatest', delay.max),
  ];
}
