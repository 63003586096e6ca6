/**
 * What single modes measure beside the figures of all modes: a member of `ProbeDetail` each. Units and nulls as in domain.ts;
 * docs/probes.md has the definitions.
 */
import { z } from 'zod';
import { RttSummary } from './domain.ts';
import { FecFigures, FecScheme } from './fec.ts';
import { Spread } from './spread.ts';

/** Payload that arrived in a part of a transfer, times on the receiver's clock from its first payload byte. */
const Interval = z.object({
  fromUs: z.number(),
  toUs: z.number(),
  bytes: z.number(),
  goodputBps: z.number(),
});
export type Interval = z.infer<typeof Interval>;

/** One direction: what goodput was derived from, the warm-up left out, and second by second, the warm-up included. */
const CountedTransfer = z.object({
  bytes: z.number(),
  durationUs: z.number(),
  /** Time before that which is not counted; not less than was asked for. */
  warmUpUs: z.number(),
  intervals: z.array(Interval),
});
export type CountedTransfer = z.infer<typeof CountedTransfer>;

const TransferDetail = z.object({
  kind: z.literal('transfer'),
  down: CountedTransfer.nullable(),
  up: CountedTransfer.nullable(),
});

/**
 * Moments of a handshake at the client, in the order in which they can come. `certificate` is absent where none was checked
 * (a resumed session, `insecure`), `resolved` for an address, `confirmed` where the server did not say so in time.
 */
export const HANDSHAKE_MARKS = [
  'resolved',
  'hello-sent',
  'early-sent',
  'first-packet',
  'handshake-keys',
  'certificate',
  'complete',
  'early-answer',
  'confirmed',
] as const;
export const HandshakeMark = z.enum(HANDSHAKE_MARKS);
export type HandshakeMark = z.infer<typeof HandshakeMark>;

/** How handshakes begin: with nothing known, with a ticket, or with a ticket and data ahead of the handshake. */
const HANDSHAKE_STARTS = ['cold', 'resumed', '0-rtt'] as const;
export const HandshakeStart = z.enum(HANDSHAKE_STARTS);
export type HandshakeStart = z.infer<typeof HandshakeStart>;

const HandshakeTrace = z.object({
  atMs: z.number(),
  /** Times from the beginning of connecting. Only what was observed. */
  marks: z.array(z.object({ mark: HandshakeMark, atUs: z.number() })),
  /** It took a Retry to validate the client's address. */
  retried: z.boolean(),
  resumed: z.boolean(),
  earlyData: z.enum(['accepted', 'rejected']).nullable(),
  errorCode: z.string().nullable(),
});
export type HandshakeTrace = z.infer<typeof HandshakeTrace>;

const HandshakeDetail = z.object({
  kind: z.literal('handshake'),
  start: HandshakeStart,
  /** Of those that completed. */
  resumed: z.number().int(),
  earlyDataAccepted: z.number().int(),
  /** The newest. */
  handshakes: z.array(HandshakeTrace),
  /** Older ones that are counted and not kept. */
  leftOut: z.number().int(),
});

const LoadedRtt = z.object({
  /** Echoes on a connection of their own, and on the one that carries the load. */
  separateUs: RttSummary.nullable(),
  ownUs: RttSummary.nullable(),
  /** Mean of the two trimmed means. */
  workingUs: z.number().nullable(),
  /** 60 s / `workingUs`. */
  rpm: z.number().nullable(),
  /** Median on the separate connection, less that of the idle path. */
  addedUs: z.number().nullable(),
  /** Of the load, in the part of it that is counted. */
  goodputBps: z.number().nullable(),
});
export type LoadedRtt = z.infer<typeof LoadedRtt>;

const BLOAT_GRADES = ['A+', 'A', 'B', 'C', 'D', 'F'] as const;

const ResponsivenessDetail = z.object({
  kind: z.literal('responsiveness'),
  idleUs: RttSummary.nullable(),
  down: LoadedRtt.nullable(),
  up: LoadedRtt.nullable(),
  /** 60 s / mean of both working RTTs. */
  rpm: z.number().nullable(),
  /** Mean of what both directions add. */
  addedUs: z.number().nullable(),
  grade: z.enum(BLOAT_GRADES).nullable(),
});
export type ResponsivenessDetail = z.infer<typeof ResponsivenessDetail>;

/** One of several concurrent streams; times from the moment all were asked for. */
const StreamFigures = z.object({
  bytes: z.number(),
  firstByteUs: z.number().nullable(),
  /** Last byte; null of one that was cut short. */
  endUs: z.number().nullable(),
  goodputBps: z.number().nullable(),
  /** Longest time without a byte of it, from its first to its last. */
  longestGapUs: z.number().nullable(),
});
export type StreamFigures = z.infer<typeof StreamFigures>;

const StreamsDetail = z.object({
  kind: z.literal('streams'),
  streams: z.array(StreamFigures),
  /** Jain's index over the streams' goodput. */
  fairness: z.number().nullable(),
  /** How much later the slowest ended than the median of the others; null unless all ended, and of fewer than two. */
  slowestLaterUs: z.number().nullable(),
});

const RequestFigures = z.object({
  atMs: z.number(),
  status: z.number().int().nullable(),
  dnsUs: z.number().nullable(),
  handshakeUs: z.number().nullable(),
  /** Request sent to the header section of the final response. */
  firstByteUs: z.number().nullable(),
  /** From the beginning, name resolution and handshake included. */
  untilFirstByteUs: z.number().nullable(),
  totalUs: z.number().nullable(),
  bodyBytes: z.number(),
  resumed: z.boolean(),
  earlyData: z.enum(['accepted', 'rejected']).nullable(),
  errorCode: z.string().nullable(),
});
export type RequestFigures = z.infer<typeof RequestFigures>;

const Http3Detail = z.object({
  kind: z.literal('http3'),
  path: z.string(),
  firstByteUs: Spread.nullable(),
  totalUs: Spread.nullable(),
  /** The newest. */
  requests: z.array(RequestFigures),
  leftOut: z.number().int(),
});

/** `rebinding`: the client's port changes behind QUIC's back, as a NAT does it. `active`: the client moves (RFC 9000 §9). */
export const MOVES = ['rebinding', 'active'] as const;
export const Move = z.enum(MOVES);
export type Move = z.infer<typeof Move>;

const MoveFigures = z.object({
  move: Move,
  atMs: z.number(),
  /** Until the server answered PATH_CHALLENGE on the new path; null of a rebinding, which only the server validates. */
  validatedUs: z.number().nullable(),
  /** Longest time between two echoes around the move, less the time between two pings; null where none came after it. */
  gapUs: z.number().nullable(),
  lostPings: z.number().int(),
  /** Whether the client's congestion controller and RTT began anew. */
  congestionReset: z.boolean(),
  /** Why it did not come about. */
  errorCode: z.string().nullable(),
});
export type MoveFigures = z.infer<typeof MoveFigures>;

const MigrationDetail = z.object({ kind: z.literal('migration'), moves: z.array(MoveFigures) });

/** As asked: `r` repair packets for `k` source packets, of adaptive redundancy at first. */
const FecDetail = z.object({
  kind: z.literal('fec'),
  scheme: FecScheme,
  k: z.number().int(),
  r: z.number().int(),
  adaptive: z.boolean(),
  ratePerS: z.number(),
  packetBytes: z.number().int(),
  /** Client to server, and back; null where one end did not tell. */
  up: FecFigures.nullable(),
  down: FecFigures.nullable(),
});

export const ProbeDetail = z.discriminatedUnion('kind', [
  TransferDetail,
  HandshakeDetail,
  ResponsivenessDetail,
  StreamsDetail,
  Http3Detail,
  MigrationDetail,
  FecDetail,
]);
export type ProbeDetail = z.infer<typeof ProbeDetail>;
export type DetailOf<Kind extends ProbeDetail['kind']> = Extract<ProbeDetail, { kind: Kind }>;
