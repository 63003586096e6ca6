/** Stored congestion series as a qlog file (draft-ietf-quic-qlog-main-schema-14 §5), a trace for each. */
import type { CongestionSeries } from '../../shared/congestion-series.ts';

export interface QlogSeries {
  /** What the trace is called. */
  title: string;
  vantage: 'client' | 'server';
  startedAtMs: number | null;
  series: CongestionSeries;
}

const ms = (us: number): number => us / 1000;

/** In parts, none of which holds more than one series. A file without traces is no qlog: there has to be one. */
export function* congestionQlog(title: string, all: Iterable<QlogSeries>): Generator<string> {
  const head = JSON.stringify({
    file_schema: 'urn:ietf:params:qlog:file:contained',
    serialization_format: 'application/qlog+json',
    title,
  });
  yield `${head.slice(0, -1)},"traces":[`;
  let separator = '';
  for (const each of all) {
    yield separator + JSON.stringify(traceOf(each));
    separator = ',';
  }
  yield ']}\n';
}

function traceOf({ title, vantage, startedAtMs, series }: QlogSeries): object {
  const events: { time: number; name: string; data: object }[] = [];
  let phase = 0;
  const phasesUntil = (tUs: number): void => {
    for (; (series.phases[phase]?.fromUs ?? Number.POSITIVE_INFINITY) <= tUs; phase++) {
      const { fromUs, state } = series.phases[phase]!;
      events.push({ time: ms(fromUs), name: 'quic:congestion_state_updated', data: { new: state } });
    }
  };
  for (const [i, tUs] of series.tUs.entries()) {
    phasesUntil(tUs);
    const figures = {
      congestion_window: series.cwndBytes[i],
      bytes_in_flight: series.inFlightBytes[i],
      pacing_rate: series.pacingBps[i],
      latest_rtt: inMs(series.rttUs[i]),
      min_rtt: inMs(series.minRttUs[i]),
      // Not of the schema: names that other readers skip.
      bandwidth_estimate: series.bandwidthBps[i],
      lost_packets: series.lostPackets[i],
    };
    const data = Object.fromEntries(Object.entries(figures).filter(([, value]) => value != null));
    events.push({ time: ms(tUs), name: 'quic:recovery_metrics_updated', data });
  }
  phasesUntil(Number.MAX_VALUE);
  return {
    title,
    vantage_point: { name: 'RouteLab', type: vantage },
    event_schemas: ['urn:ietf:params:qlog:events:quic-13'],
    common_fields: {
      time_format: 'relative_to_epoch',
      reference_time: {
        clock_type: 'monotonic',
        epoch: 'unknown',
        ...(startedAtMs !== null && { wall_clock_time: new Date(startedAtMs).toISOString() }),
      },
    },
    events,
  };
}

const inMs = (us: number | null | undefined): number | null => (us == null ? null : ms(us));
