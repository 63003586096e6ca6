/** What has been counted of one route since it was first observed; only ever grows. */
import type { TransportSnapshot } from '../../shared/domain.ts';
import type { HandshakeSample, SampleBatch } from '../../shared/samples.ts';

/** Upper bounds of the handshake histogram, seconds. */
export const HANDSHAKE_BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

const COUNTERS = ['packetsSent', 'packetsReceived', 'packetsLost', 'bytesSent', 'bytesReceived'] as const;
type Counters = Pick<TransportSnapshot, (typeof COUNTERS)[number]>;

const ZERO: Counters = { packetsSent: 0, packetsReceived: 0, packetsLost: 0, bytesSent: 0, bytesReceived: 0 };

export class RouteTotals {
  rtt = { seconds: 0, count: 0 };
  connections = 0;
  transfers = 0;
  /** `buckets[i]` counts durations up to `HANDSHAKE_BOUNDS[i]`, those of the buckets before included. */
  readonly handshake = { buckets: HANDSHAKE_BOUNDS.map(() => 0), seconds: 0, count: 0 };
  /** Null until the transport has been seen. */
  transport: Counters | null = null;

  #newest: TransportSnapshot | null = null;
  #runId: number | null = null;

  /** Counts a batch of run `runId`. */
  add(batch: SampleBatch, runId: number | null): void {
    if (runId !== this.#runId) this.#newest = null;
    this.#runId = runId;
    for (const { rttUs } of batch.pings) {
      if (rttUs === null) continue;
      this.rtt.seconds += rttUs / 1e6;
      this.rtt.count++;
    }
    this.transfers += batch.transfers.filter(({ errorCode }) => errorCode === null).length;
    for (const sample of batch.handshakes) this.#handshake(sample);
    if (batch.transport !== null) this.#transport(batch.transport);
  }

  #handshake({ durationUs }: HandshakeSample): void {
    if (durationUs === null) return;
    const seconds = durationUs / 1e6;
    this.connections++;
    this.handshake.seconds += seconds;
    this.handshake.count++;
    HANDSHAKE_BOUNDS.forEach((bound, i) => {
      if (seconds <= bound) this.handshake.buckets[i]!++;
    });
  }

  /**
   * A monitor's counters run on over all its connections (probe/transport-totals.ts), so what is added is their growth.
   * They begin at zero with each run, and again when a crashed worker has come back within one: then they fell.
   */
  #transport(snapshot: TransportSnapshot): void {
    const last = this.#newest;
    if (last !== null && snapshot.atMs < last.atMs) return;
    const goesOn = last !== null && COUNTERS.every((name) => snapshot[name] >= last[name]);
    const base = goesOn ? last : ZERO;
    const totals = this.transport ?? { ...ZERO };
    for (const name of COUNTERS) totals[name] += snapshot[name] - base[name];
    this.transport = totals;
    this.#newest = snapshot;
  }
}
