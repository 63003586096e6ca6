/** `--prometheus-port` of `probe`: its connections and what it measures, for whoever scrapes while it runs. */
import type { Measurement } from '../probe/measurement.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { SessionsSource } from '../telemetry/sessions-source.ts';
import type { SourceReading } from '../telemetry/source.ts';
import { type MetricsFlags, openMetrics } from './metrics-options.ts';
import { note } from './output.ts';

export interface ProbeMetrics {
  /** For the options that every connection of the probe is made with. */
  readonly onConnected: ConnectOptions['onConnected'];
  /** Exports what `measurement` measures from now on. */
  follow(measurement: Measurement): void;
  close(): Promise<void>;
}

/** `target` is the value of `route` and `server`. Throws what `openMetrics` throws. */
export async function probeMetrics(
  flags: MetricsFlags,
  { target, congestion }: { target: string; congestion: string },
): Promise<ProbeMetrics | null> {
  const metrics = await openMetrics(flags);
  if (metrics === null) return null;
  const { exporter, endpoint } = metrics;
  note(`metrics at ${endpoint.url}`);
  let measurement: Measurement | null = null;
  const source = new SessionsSource({
    labels: { route: target, server: target, congestion },
    totals: exporter.totals('client'),
    payload: () => {
      const { bytesDown, bytesUp } = measurement?.result() ?? { bytesDown: null, bytesUp: null };
      return bytesDown === null && bytesUp === null ? null : { down: bytesDown ?? 0, up: bytesUp ?? 0 };
    },
    beside: () => (measurement === null ? {} : pingReading(measurement)),
  });
  exporter.add(source);
  return {
    onConnected: (session) => source.watch(session),
    follow: (followed) => {
      measurement = followed;
    },
    close: () => {
      source.end();
      return endpoint.close();
    },
  };
}

/** Echoes tell more than the acknowledgements that every session has. */
function pingReading(measurement: Measurement): SourceReading {
  const { rttUs, received, jitterUs, lossRatio } = measurement.result();
  if (rttUs === null || received === null) return {};
  return { rttUs, rttTotal: { sumUs: rttUs.mean * received, count: received }, jitterUs, lossRatio };
}
