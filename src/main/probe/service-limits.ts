/** What one client, and all of them, may make a server do, and the count of what it did. */

import { MOST_STREAMS } from '../../shared/load.ts';

export const SERVICE_LIMITS = {
  /** Sessions served at once, over all clients. */
  sessions: 1000,
  /** Transfers at once on one session: as many streams as a probe asks for, and an observation. */
  transfersPerSession: 101,
  /** Requests at once that move content, on one session of HTTP/3. */
  requestsPerSession: 4,
  /** Transfers at once over all sessions. */
  transfers: MOST_STREAMS,
  /** Payload bytes of one transfer. */
  bytes: 1e11,
  /** Milliseconds of one transfer, and what a request without a duration gets. */
  durationMs: 600_000,
  /** Directions with FEC at once over all sessions; each holds up to 2.4 MB of open groups. */
  fec: 64,
  /** Milliseconds for the request header to arrive, and beyond a transfer's duration for its last bytes. */
  graceMs: 10_000,
} as const;

/** What the server has done since it started; shared by all its sessions. */
export interface ServiceCounters {
  sessions: number;
  activeSessions: number;
  /** HTTP/3 requests answered, whatever with. */
  requests: number;
  echoes: number;
  /** Datagrams not echoed: too short, or the connection could not take the answer. */
  echoesDropped: number;
  transfers: number;
  activeTransfers: number;
  activeFec: number;
  /** Directions with FEC that were served. */
  fec: number;
  /** Of what came in with FEC, and of what went out, as far as clients told. */
  fecRecovered: number;
  fecUnrecoverable: number;
  /** Repair packets per source packet of the newest that was sent, or told of by its client; null before. */
  fecRedundancy: number | null;
  /** Requests and sessions refused by a bound. */
  refused: number;
  /** Payload bytes handed to downloads / received from uploads, of HTTP/3 too. */
  bytesDown: number;
  bytesUp: number;
}

export const createCounters = (): ServiceCounters => ({
  sessions: 0,
  activeSessions: 0,
  requests: 0,
  echoes: 0,
  echoesDropped: 0,
  transfers: 0,
  activeTransfers: 0,
  activeFec: 0,
  fec: 0,
  fecRecovered: 0,
  fecUnrecoverable: 0,
  fecRedundancy: null,
  refused: 0,
  bytesDown: 0,
  bytesUp: 0,
});
