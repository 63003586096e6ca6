/**
 * What feeds the exporter: a monitored route, a probe of the command line, a QUIC server, whatever protects datagrams with
 * FEC. A source is added once (`exporter.add(source)`, which returns how to take it away) and read at each scrape:
 *
 *     const counted = exporter.totals('client');   // a SourceTotals: tell it what happens, it only ever grows
 *     const remove = exporter.add({
 *       labels: { route: 'a:4433', server: 'a:4433', congestion: 'bbr3' },
 *       read: () => ({ rttUs, goodputBps, …, ...counted.read() }),
 *     });
 *
 * Routes of the lab go through `exporter.observe`, which makes their sources. What a reading leaves out, or has as null, is
 * not known and has no sample; a zero was measured. Units are the house's: microseconds, bytes, bits per second.
 */
import type { Controller } from '../../shared/domain.ts';
import type { HistogramReading } from './histogram.ts';

/** A label that is left out is not written. With --prometheus-labels=minimal only `route` is. */
export interface SourceLabels {
  readonly route?: string;
  /** host:port. */
  readonly server?: string;
  /** Congestion controller of this end. */
  readonly congestion?: string;
}

/** Which end counted. */
export type Role = 'client' | 'server';

/** What an end has counted since the source began; never falls. */
export interface SourceCounters {
  readonly connections?: number | null;
  /** Opened by either end. */
  readonly streams?: number | null;
  readonly packetsSent?: number | null;
  readonly packetsReceived?: number | null;
  /** Declared lost (RFC 9002). */
  readonly packetsLost?: number | null;
  /** UDP payload. */
  readonly bytesSent?: number | null;
  readonly bytesReceived?: number | null;
}

export interface FecCounters {
  /** Lost packets that a repair brought back, and those that none could; since the source began. */
  readonly recoveredPackets: number;
  readonly unrecoverablePackets: number;
  /** Of a server: its account of the same packets as its client's. */
  readonly role?: 'server';
}

export interface SourceReading {
  /** Quantiles of the newest round trips, a minute's where not said otherwise. */
  readonly rttUs?: { readonly p50: number; readonly p95: number; readonly p99: number } | null;
  /** Every round trip since the source began. */
  readonly rttTotal?: { readonly sumUs: number; readonly count: number } | null;
  readonly jitterUs?: number | null;
  readonly lossRatio?: number | null;
  /** Payload of the last second. */
  readonly goodputBps?: { readonly down?: number | null; readonly up?: number | null } | null;
  readonly cwndBytes?: number | null;
  readonly pacingBps?: number | null;
  readonly rttVarUs?: number | null;
  /** Controller in charge and the state it is in, in its own words; of controllers other than BBR nothing is exported. */
  readonly state?: { readonly controller: Controller; readonly name: string } | null;
  readonly handshakes?: HistogramReading | null;
  /** Repair packets sent per source packet sent, of the newest measurement; null while nothing is protected. */
  readonly fecRedundancyRatio?: number | null;
  readonly fec?: FecCounters | null;
  readonly counters?: Readonly<Partial<Record<Role, SourceCounters>>> | null;
}

export interface MetricsSource {
  /** Told apart from every other source of the exporter by its labels, with minimal labels by its route. */
  readonly labels: SourceLabels;
  /** How things are now; called once for each scrape, so it should be quick. */
  read(): SourceReading;
}
