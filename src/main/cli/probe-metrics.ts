/** `--prometheus-port` of `probe`: its connections and what it measures, for whoever scrapes while it runs. */
import type { Measurement } from '../probe/measurement.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { SessionsSource } from '../telemetry/sessions-source.ts';
import type { SourceReading } from '../telemetry/source.ts';
import { type MetricsFlags, openMetrics } from './metrics-options.ts';
import { note } from './output.ts';

/** Of one target. */
export interface TargetMetrics {
  /** For the options that every connection to it is made with. */
  readonly onConnected: ConnectOptions['onConnected'];
  /** Exports what `measurement` measures from now on; what one before it moved stays counted. */
  follow(measurement: Measurement): void;
}

export interface ProbeMetrics {
  /** `target` is the value of `route`, `server` that of `server`. */
  of(labels: { target: string; server: string; congestion: string }): TargetMetrics;
  close(): Promise<void>;
}

/** Throws what `openMetrics` throws. */
export async function probeMetrics(flags: MetricsFlags): Promise<ProbeMetrics | null> {
  const metrics = await openMetrics(flags);
  if (metrics === null) return null;
  const { exporter, endpoint } = metrics;
  note(`metrics at ${endpoint.url}`);
  const sources: SessionsSource[] = [];
  return {
    of: ({ target, server, congestion }) => {
      let measurement: Measurement | null = null;
      let before: Payload | null = null;
      const payload = (): Payload | null => added(before, payloadOf(measurement));
      const source = new SessionsSource({
        labels: { route: target, server, congestion },
        totals: exporter.totals('client'),
        payload,
        beside: () => (measurement === null ? {} : pingReading(measurement)),
      });
      exporter.add(source);
      sources.push(source);
      return {
        onConnected: (session) => source.watch(session),
        follow: (followed) => {
          before = payload();
          measurement = followed;
        },
      };
    },
    close: () => {
      for (const source of sources) source.end();
      return endpoint.close();
    },
  };
}

interface Payload {
  down: number;
  up: number;
}

function payloadOf(measurement: Measurement | null): Payload | null {
  const { bytesDown, bytesUp } = measurement?.result() ?? { bytesDown: null, bytesUp: null };
  return bytesDown === null && bytesUp === null ? null : { down: bytesDown ?? 0, up: bytesUp ?? 0 };
}

const added = (a: Payload | null, b: Payload | null): Payload | null =>
  a && b ? { down: a.down + b.down, up: a.up + b.up } : (a ?? b);

/** Echoes tell more than the acknowledgements that every session has. */
function pingReading(measurement: Measurement): SourceReading {
  const { rttUs, received, jitterUs, lossRatio } = measurement.result();
  if (rttUs === null || received === null) return {};
  return { rttUs, rttTotal: { sumUs: rttUs.mean * received, count: received }, jitterUs, lossRatio };
}
