/** What has been counted of one source since it was first observed; only ever grows. Made by `exporter.totals`. */
import type { SampleBatch } from '../../shared/samples.ts';
import { Growing } from './growing.ts';
import { DurationHistogram } from './histogram.ts';
import type { FecCounters, Role, SourceCounters, SourceReading } from './source.ts';

const PACKETS = ['packetsSent', 'packetsReceived', 'packetsLost', 'bytesSent', 'bytesReceived'] as const;
/** Of connections of one end; bytes are UDP payload. */
export type PacketCounters = Readonly<Record<(typeof PACKETS)[number], number>>;

const FEC = ['recoveredPackets', 'unrecoverablePackets'] as const;

export class SourceTotals {
  readonly role: Role;
  readonly #handshakes: DurationHistogram;
  readonly #rtt = { sumUs: 0, count: 0 };
  readonly #packets = { client: new Growing(PACKETS), server: new Growing(PACKETS) };
  readonly #fec = new Growing(FEC);
  #streams = 0;

  /** `boundsS` are those of the handshake histogram. */
  constructor(role: Role, boundsS: readonly number[]) {
    this.role = role;
    this.#handshakes = new DurationHistogram(boundsS);
  }

  /** Counts what a probe handed over; `runId` is that of its run. */
  add(batch: SampleBatch, runId: unknown): void {
    for (const { rttUs } of batch.pings) if (rttUs !== null) this.ping(rttUs);
    for (const { errorCode } of batch.transfers) if (errorCode === null) this.stream();
    for (const { durationUs } of batch.handshakes) if (durationUs !== null) this.handshake(durationUs);
    if (batch.transport !== null) this.packets(batch.transport, runId, batch.transport.atMs);
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

  /** A stream that carried a transfer. */
  stream(): void {
    this.#streams++;
  }

  /** Counts as of `atMs`, from zero since `epoch` began; `of` is the end they are of, where it is the other that told them. */
  packets(counts: PacketCounters, epoch: unknown, atMs: number, of: Role = this.role): void {
    this.#packets[of].add(counts, epoch, atMs);
  }

  /** As of `packets`. */
  fec(counts: FecCounters, epoch: unknown, atMs: number): void {
    this.#fec.add(counts, epoch, atMs);
  }

  /** What there is nothing of is absent. */
  read(): Required<Pick<SourceReading, 'rttTotal' | 'handshakes' | 'fec' | 'counters'>> {
    const { role } = this;
    const connections = this.#handshakes.count;
    const own: SourceCounters = {
      ...this.#packets[role].totals,
      ...(connections > 0 && { connections }),
      ...(this.#streams > 0 && { streams: this.#streams }),
    };
    const other = role === 'client' ? 'server' : 'client';
    return {
      rttTotal: this.#rtt.count > 0 ? this.#rtt : null,
      handshakes: connections > 0 ? this.#handshakes : null,
      fec: this.#fec.totals,
      counters: { [role]: own, [other]: this.#packets[other].totals ?? {} },
    };
  }
}
