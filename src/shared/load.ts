/** A load: connections with streams that each send messages at a fixed rate, and what was measured of it. */
import { z } from 'zod';
import type { RttSummary } from './domain.ts';

/** Of all connections of a load together: as many transfers as a server takes at once (service-limits.ts). */
export const MOST_STREAMS = 512;

/** quic-test's model. */
export const LoadSettings = z.strictObject({
  connections: z.number().int().min(1).max(64),
  /** Of each connection. */
  streams: z.number().int().min(1).max(100),
  /** Messages per second that each stream sends. */
  ratePerS: z.number().min(0.1).max(10_000),
  /** Payload of a message. */
  packetBytes: z.number().int().min(16).max(65_535),
  /** Of what is measured; warm-up and cool-down lie before and after it, under the same load. */
  durationS: z.number().min(0.5).max(580),
  warmUpS: z.number().min(0).max(60),
  coolDownS: z.number().min(0).max(60),
});
export type LoadSettings = z.infer<typeof LoadSettings>;

export const PATTERNS = ['random', 'zeroes', 'increment'] as const;
/** What messages are made of. */
export type Pattern = (typeof PATTERNS)[number];

/** One second of what is measured. */
export interface LoadInterval {
  /** Since the warm-up. */
  fromS: number;
  /** Payload that the server had received; null where its reports do not reach. */
  goodputBps: number | null;
  pings: number;
  lost: number;
  rttP50Us: number | null;
}

/** Of the measured time alone, but for what says otherwise. Null: not measured. */
export interface LoadResult {
  durationUs: number;
  /** Made, and how long their handshakes took. */
  connections: number;
  handshakeUs: { p50: number; p95: number } | null;
  /** Payload that arrived at the server, by its own reports. */
  bytes: number | null;
  goodputBps: number | null;
  /** Of pings beside the load, over a connection of their own: DATAGRAM frames, which are not sent again. */
  pings: number;
  echoes: number;
  lossRatio: number | null;
  rttUs: RttSummary | null;
  jitterUs: number | null;
  /** Messages handed to QUIC, and those that were not: the stream had too much waiting, or this machine was late. All of them. */
  messages: number;
  skipped: number;
  /** Connections and streams that could not be made, or ended before their time. All of them. */
  errors: number;
  /** Of the load's connections, from their beginning. */
  packetsSent: number;
  packetsLost: number;
  retransmitRatio: number | null;
  keyUpdates: number;
  /** Connections whose early data (0-RTT) the server took. */
  earlyDataAccepted: number;
  intervals: LoadInterval[];
}
