/** What has been counted of one source since it was first observed; only ever grows. Made by `exporter.totals`. */
import type { SampleBatch } from '../../shared/samples.ts';
import { Growing } from './growing.ts';
import { DurationHistogram } from './histogram.ts';
import type { FecCounters, Role, SourceCounters, SourceReading } from './source.ts';

const PACKETS = ['packetsSent', 'packetsReceived', 'packetsLost', 'bytesSent', 'bytesReceived'] as const;
/** Of connections of one end; bytes are UDP payload, streams opened by either end. */
type TransportCounters = Readonly<
  Record<(typeof PACKETS)[number], number> & { streams?: number | undefined }
>;

const FEC = ['recoveredPackets', 'unrecoverablePackets'] as const;

export class SourceTotals {
  readonly role: Role;
  readonly #handshakes: DurationHistogram;
  readonly #rtt = { sumUs: 0, count: 0 };
  readonly #packets = new Growing(PACKETS);
  readonly #streams = new Growing(['streams']);
  readonly #fec = new Growing(FEC);

  /** `boundsS` are those of the handshake histogram. */
  constructor(role: Role, boundsS: readonly number[]) {
    this.role = role;
    this.#handshakes = new DurationHistogram(boundsS);
  }

  /** Counts what a probe handed over; `runId` is that of its run. */
  add(batch: SampleBatch, runId: unknown): void {
    for (const { rttUs } of batch.pings) if (rttUs !== null) this.ping(rttUs);
    for (const { durationUs } of batch.handshakes) if (durationUs !== null) this.handshake(durationUs);
    if (batch.transport !== null) this.transport(batch.transport, runId);
  }

  /** An echo that came. */
  ping(rttUs: number): void {
    this.#rtt.sumUs += rttUs;
    this.#rtt.count++;
  }

  /** A handshake that completed, and with it a connection. */
  handshake(durationUs: number): void {
    this.#handshakes.add(durationUs);
  }

  /** Counts from zero since `epoch` began; what a restart begins anew is added. */
  transport(counts: TransportCounters, epoch: unknown): void {
    this.#packets.add(counts, epoch);
    if (counts.streams !== undefined) this.#streams.add({ streams: counts.streams }, epoch);
  }

  /** As of `transport`. */
  fec(counts: FecCounters, epoch: unknown): void {
    this.#fec.add(counts, epoch);
  }

  /** What there is nothing of is absent. */
  read(): Required<Pick<SourceReading, 'rttTotal' | 'handshakes' | 'fec' | 'counters'>> {
    const connections = this.#handshakes.count;
    const own: SourceCounters = {
      ...this.#packets.totals,
      ...this.#streams.totals,
      ...(connections > 0 && { connections }),
    };
    return {
      rttTotal: this.#rtt.count > 0 ? this.#rtt : null,
      handshakes: connections > 0 ? this.#handshakes : null,
      fec: this.#fec.totals,
      counters: { [this.role]: own },
    };
  }
}
