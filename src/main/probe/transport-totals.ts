import type { TransportSnapshot } from '../../shared/domain.ts';
import { CONNECTION_COUNTERS, type ConnectionStats } from '../quic/udp/api.ts';

type Counters = Record<(typeof CONNECTION_COUNTERS)[number], number>;

/**
 * A route's transport figures over all its connections. Counters add up, so they never go back when a connection
 * is made anew; the window, pacing rate and RTT are those of the transfer while one runs, else of the pings.
 */
export class TransportTotals {
  readonly #ended: Counters = {
    packetsSent: 0,
    packetsReceived: 0,
    packetsLost: 0,
    bytesSent: 0,
    bytesReceived: 0,
    streamsOpened: 0,
  };

  /** Keeps the counts of a connection that has ended. */
  retire(stats: ConnectionStats): void {
    for (const name of CONNECTION_COUNTERS) this.#ended[name] += stats[name];
  }

  snapshot(atMs: number, pings: ConnectionStats, transfer: ConnectionStats | null): TransportSnapshot {
    const { controller, controllerState, cwndBytes, pacingBps, bytesInFlight, ...rtt } = transfer ?? pings;
    const counters = { ...this.#ended };
    for (const name of CONNECTION_COUNTERS) counters[name] += pings[name] + (transfer?.[name] ?? 0);
    const { streamsOpened, ...sums } = counters;
    return {
      atMs,
      controller,
      state: controllerState,
      cwndBytes,
      pacingBps,
      bytesInFlight,
      smoothedRttUs: rtt.smoothedRttUs,
      rttVarUs: rtt.rttVarUs,
      minRttUs: rtt.minRttUs,
      ...sums,
      streams: streamsOpened,
    };
  }
}
