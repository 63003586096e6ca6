/** The servers of the lab's own as one source of metrics: what they count is the other end of what the lab measures with them. */
import { CONNECTION_COUNTERS } from '../quic/udp/api.ts';
import { Growing } from '../telemetry/growing.ts';
import type { MetricsSource, SourceReading } from '../telemetry/source.ts';
import type { SourceTotals } from '../telemetry/totals.ts';
import type { EndpointEvent } from '../workers/protocol.ts';

export class OwnServers implements MetricsSource {
  /** None: they come and go with their ports. */
  readonly labels = {};
  readonly #totals: SourceTotals;
  /** By server, over all its threads. */
  readonly #counts = new Map<string, Growing<(typeof CONNECTION_COUNTERS)[number]>>();

  /** `totals` are of the server's role. */
  constructor(totals: SourceTotals) {
    this.#totals = totals;
  }

  receive(server: string, { counters, handshakesUs }: EndpointEvent): void {
    const counts = this.#counts.get(server) ?? new Growing(CONNECTION_COUNTERS);
    this.#counts.set(server, counts);
    counts.add(counters, server);
    for (const durationUs of handshakesUs) this.#totals.handshake(durationUs);
    const sum = (name: (typeof CONNECTION_COUNTERS)[number]): number =>
      [...this.#counts.values()].reduce((all, { totals }) => all + (totals?.[name] ?? 0), 0);
    this.#totals.transport(
      {
        ...(Object.fromEntries(CONNECTION_COUNTERS.map((name) => [name, sum(name)])) as typeof counters),
        streams: sum('streamsOpened'),
      },
      this,
    );
  }

  read(): SourceReading {
    return this.#totals.read();
  }
}
