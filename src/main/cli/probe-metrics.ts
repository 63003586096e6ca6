/** `--prometheus-port` of `probe`: the connections of each target and what is measured of it, for whoever scrapes meanwhile. */
import type { Measurement } from '../probe/measurement.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import type { Exporter } from '../telemetry/exporter.ts';
import { fecReading } from '../telemetry/fec-reading.ts';
import { Growing } from '../telemetry/growing.ts';
import { SessionsSource } from '../telemetry/sessions-source.ts';
import type { SourceReading } from '../telemetry/source.ts';
import { type MetricsFlags, openMetrics } from './metrics-options.ts';
import { note } from './output.ts';

/** One target, over all its repetitions. */
export class TargetMetrics {
  readonly #source: SessionsSource;
  #measurement: Measurement | null = null;
  /** Of repetitions, each of which counts from zero. */
  readonly #payload = new Growing(['down', 'up']);
  readonly #repairs = new Growing(['recoveredPackets', 'unrecoverablePackets']);
  readonly #echoes = new Growing(['sumUs', 'count']);

  constructor(exporter: Exporter, labels: { route: string; server: string; congestion: string }) {
    this.#source = new SessionsSource({
      labels,
      totals: exporter.totals('client'),
      payload: () => this.#payloadSoFar(),
      beside: () => ({ ...this.#pings(), ...this.#fec() }),
    });
    exporter.add(this.#source);
  }

  /** For the options that every connection to the target is made with. */
  readonly onConnected: NonNullable<ConnectOptions['onConnected']> = (session) => this.#source.watch(session);

  /** Exports what `measurement` measures from now on, on top of what was measured before. */
  follow(measurement: Measurement): void {
    this.#payloadSoFar();
    this.#pings();
    this.#fec();
    this.#measurement = measurement;
  }

  end(): void {
    this.#source.end();
  }

  #payloadSoFar(): { down: number; up: number } | null {
    const { bytesDown = null, bytesUp = null } = this.#measurement?.result() ?? {};
    if (bytesDown !== null || bytesUp !== null)
      this.#payload.add({ down: bytesDown ?? 0, up: bytesUp ?? 0 }, this.#measurement);
    return this.#payload.totals;
  }

  #fec(): SourceReading {
    const detail = this.#measurement?.result().detail;
    if (detail?.kind !== 'fec') return this.#repairs.totals === null ? {} : { fec: this.#repairs.totals };
    const { fec, fecRedundancyRatio } = fecReading(detail);
    this.#repairs.add({ ...fec }, this.#measurement);
    return { fecRedundancyRatio, fec: this.#repairs.totals };
  }

  /** Echoes tell more than the acknowledgements that every session has. */
  #pings(): SourceReading {
    const { rttUs, received, jitterUs, lossRatio } = this.#measurement?.result() ?? {};
    if (rttUs && typeof received === 'number')
      this.#echoes.add({ sumUs: rttUs.mean * received, count: received }, this.#measurement);
    const rttTotal = this.#echoes.totals;
    if (rttTotal === null) return {};
    return { rttUs: rttUs ?? null, rttTotal, jitterUs: jitterUs ?? null, lossRatio: lossRatio ?? null };
  }
}

export interface ProbeMetrics {
  /** By the name that a target is told apart by. */
  of(target: { route: string; server: string; congestion: string }): TargetMetrics;
  close(): Promise<void>;
}

/** Throws what `openMetrics` throws. */
export async function probeMetrics(flags: MetricsFlags): Promise<ProbeMetrics | null> {
  const metrics = await openMetrics(flags);
  if (metrics === null) return null;
  const { exporter, endpoint } = metrics;
  note(`metrics at ${endpoint.url}`);
  const targets = new Map<string, TargetMetrics>();
  return {
    of: (labels) => {
      const known = targets.get(labels.route) ?? new TargetMetrics(exporter, labels);
      targets.set(labels.route, known);
      return known;
    },
    close: () => {
      for (const target of targets.values()) target.end();
      return endpoint.close();
    },
  };
}
