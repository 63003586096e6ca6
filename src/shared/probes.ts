/**
 * Probe runs: one measurement of one target, live or done, with what its congestion controller did. Units and nulls as in
 * domain.ts.
 */
import { z } from 'zod';
import { CongestionSeries } from './congestion-series.ts';
import {
  Controller,
  ControllerParameters,
  Emulation,
  hostName,
  LabFailure,
  RouteId,
  RttSummary,
  RunState,
} from './domain.ts';
import { DEFAULT_FEC, DEFAULT_PACKETS, FecInput, fecFault } from './fec.ts';
import { HandshakeStart, MOVES, Move, ProbeDetail } from './probe-details.ts';

export const PROBE_MODES = [
  'ping',
  'handshake',
  'download',
  'upload',
  'bidi',
  'responsiveness',
  'streams',
  'migration',
  'fec',
  'http3',
] as const;
export const ProbeMode = z.enum(PROBE_MODES);
export type ProbeMode = z.infer<typeof ProbeMode>;

/** What is measured. `emulated` is a server of the lab's own behind an emulated path. */
const ProbeTarget = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('address'),
    host: hostName,
    port: z.number().int().min(1).max(65535),
    /** Name checked against the certificate; null means `host`. */
    serverName: z.string().trim().min(1).max(253).nullable().default(null),
    /** Accept any certificate: marked on the run. */
    insecure: z.boolean().default(false),
  }),
  /** A route as it is now: its address, its emulation and its certificate rules, but not its controller. */
  z.strictObject({ kind: z.literal('route'), id: RouteId }),
  z.strictObject({ kind: z.literal('emulated'), emulation: Emulation }),
]);
export type ProbeTarget = z.infer<typeof ProbeTarget>;

export const ProbeInput = z.strictObject({
  /** Null: called by its target and mode. */
  name: z.string().trim().min(1).max(64).nullable().default(null),
  target: ProbeTarget,
  mode: ProbeMode,
  durationS: z.number().min(1).max(600).default(10),
  /** Pings per second. */
  ratePerS: z.number().min(0.1).max(1000).default(10),
  /** Pings, handshakes or requests after which it ends, if `durationS` has not ended it; null: no such limit. */
  count: z.number().int().min(1).max(1e7).nullable().default(null),
  /** Payload bytes after which a transfer, or each of several streams, ends if `durationS` has not ended it; null: no such limit. */
  bytes: z.number().int().min(1).max(1e11).nullable().default(null),
  /** Seconds at the beginning of a transfer that its goodput leaves out. */
  warmUpS: z.number().min(0).max(60).default(0),
  handshake: HandshakeStart.default('cold'),
  /** Concurrent streams. */
  streams: z.number().int().min(1).max(100).default(4),
  /** Of a request over HTTP/3. */
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, 'begins with / and has no spaces')
    .max(2048)
    .default('/'),
  /** Migrations, in turn. */
  moves: z
    .array(Move)
    .min(1)
    .max(10)
    .default([...MOVES]),
  fec: FecInput.default({ ...DEFAULT_FEC }),
  /** Of a source packet with FEC. */
  packetBytes: z.number().int().min(16).max(1200).default(DEFAULT_PACKETS.bytes),
  /** Source packets with FEC per second, each way. */
  packetsPerS: z.number().min(1).max(5000).default(DEFAULT_PACKETS.perS),
  /** Of both ends where the server is a RouteLab of this version, else of ours. */
  controller: Controller.default('cubic'),
  parameters: ControllerParameters.default({}),
});
export type ProbeInput = z.infer<typeof ProbeInput>;

/** How long the removal of a run can be undone; then it is deleted. */
export const REMOVED_KEPT_DAYS = 7;

/** Which settings mean something in which modes; the others stand at their defaults. */
const APPLIES = {
  count: ['ping', 'handshake', 'http3'],
  bytes: ['download', 'upload', 'bidi', 'streams'],
  warmUpS: ['download', 'upload', 'bidi'],
  ratePerS: ['ping'],
  handshake: ['handshake', 'http3'],
  streams: ['streams'],
  path: ['http3'],
  moves: ['migration'],
  fec: ['fec'],
  packetBytes: ['fec'],
  packetsPerS: ['fec'],
} as const satisfies Partial<Record<keyof ProbeInput, readonly ProbeMode[]>>;

export const appliesTo = (field: keyof typeof APPLIES, mode: ProbeMode): boolean =>
  APPLIES[field].some((each) => each === mode);

/** What is wrong with settings that are each within their range; null where nothing is. */
export function faultOf(
  input: Pick<ProbeInput, 'mode' | 'count' | 'bytes' | 'warmUpS' | 'durationS' | 'fec' | 'packetsPerS'>,
): { field: keyof ProbeInput; message: string } | null {
  const { mode, warmUpS, durationS } = input;
  const given = { count: input.count !== null, bytes: input.bytes !== null, warmUpS: warmUpS > 0 };
  for (const field of Object.keys(given) as (keyof typeof given)[])
    if (given[field] && !appliesTo(field, mode)) return { field, message: `does not apply to mode ${mode}` };
  if (warmUpS > 0 && warmUpS >= durationS)
    return { field: 'warmUpS', message: `${warmUpS} s leave nothing of ${durationS} s to measure` };
  if (mode === 'fec') {
    const message = fecFault({ ...input.fec, ratePerS: input.packetsPerS });
    if (message !== null) return { field: 'fec', message };
  }
  return null;
}

/** Which end's controller something is about: the probe itself, or the server. */
export const Vantage = z.enum(['client', 'server']);
export type Vantage = z.infer<typeof Vantage>;

/** The end that sends the payload; of both ways the client. */
export const sendingEnd = (mode: ProbeMode | undefined): Vantage =>
  mode === 'download' || mode === 'streams' ? 'server' : 'client';

/** Of several things about one end each, that of the payload's sender first; an import has but one. */
export function senderFirst<T extends { vantage: Vantage }>(
  mode: ProbeMode | undefined,
  things: readonly T[],
): T[] {
  const sender = sendingEnd(mode);
  return things.toSorted((a, b) => Number(b.vantage === sender) - Number(a.vantage === sender));
}

/** What QUIC counted at one end by the end of the session, or by now. Packets and bytes are of UDP payload. */
export const ProbeTransport = z.object({
  vantage: Vantage,
  controller: z.string().nullable(),
  cwndBytes: z.number().nullable(),
  pacingBps: z.number().nullable(),
  inFlightBytes: z.number().nullable(),
  /** UDP payload of full datagrams: the path's MTU as far as it is known, less IP and UDP headers. */
  datagramBytes: z.number().nullable(),
  minRttUs: z.number().nullable(),
  smoothedRttUs: z.number().nullable(),
  rttVarUs: z.number().nullable(),
  packetsSent: z.number(),
  packetsReceived: z.number().nullable(),
  /** Of what this end sent. */
  packetsLost: z.number(),
  bytesLost: z.number().nullable(),
  /** Of the lost, those that were acknowledged after all. */
  spuriousLosses: z.number().nullable(),
  congestionEvents: z.number().nullable(),
  persistentCongestions: z.number().nullable(),
  ptos: z.number().nullable(),
  /** Times this end sent on another path (RFC 9000 §9), and of them, those that began its congestion control anew. */
  migrations: z.number().nullable().default(null),
  congestionResets: z.number().nullable().default(null),
  /** Stream bytes sent again / sent. */
  retransmitRatio: z.number().nullable(),
  deliveryRateBps: z.number().nullable(),
  isAppLimited: z.boolean().nullable(),
});
export type ProbeTransport = z.infer<typeof ProbeTransport>;

/** What was measured so far, or in all. */
export const ProbeResult = z.object({
  durationUs: z.number(),
  /** Pings resolved and echoed, or handshakes begun and completed. */
  sent: z.number().int().nullable(),
  received: z.number().int().nullable(),
  lossRatio: z.number().nullable(),
  rttUs: RttSummary.nullable(),
  jitterUs: z.number().nullable(),
  /** Payload that arrived. */
  bytesDown: z.number().nullable(),
  bytesUp: z.number().nullable(),
  goodputDownBps: z.number().nullable(),
  goodputUpBps: z.number().nullable(),
  /** `min` is absent of runs stored by an older version. */
  handshakeUs: z.object({ min: z.number().optional(), p50: z.number(), p95: z.number() }).nullable(),
  negotiated: z.object({ alpn: z.string(), cipherSuite: z.string(), group: z.string() }).nullable(),
  /** Of the probe, and of the server where it tells. None of handshakes and of HTTP/3. */
  transport: z.array(ProbeTransport),
  /** What only this mode measures; null of a ping, and of runs stored by an older version. */
  detail: ProbeDetail.nullable().default(null),
});
export type ProbeResult = z.infer<typeof ProbeResult>;

export const NOTHING_MEASURED: ProbeResult = {
  durationUs: 0,
  sent: null,
  received: null,
  lossRatio: null,
  rttUs: null,
  jitterUs: null,
  bytesDown: null,
  bytesUp: null,
  goodputDownBps: null,
  goodputUpBps: null,
  handshakeUs: null,
  negotiated: null,
  transport: [],
  detail: null,
};

export const ProbeRun = z.object({
  id: z.number().int(),
  name: z.string(),
  state: RunState,
  /** What was asked for; null of an import. */
  input: ProbeInput.nullable(),
  /** Target as a person would call it: host and port, a route's name, an emulated profile, or a file's title. */
  target: z.string(),
  /**
   * Of the end that sends the payload, in its own words. Null of a download until the server has told, which may use another
   * than `input` asks for, and where an import does not say.
   */
  controller: z.string().nullable(),
  createdAtMs: z.number(),
  startedAtMs: z.number().nullable(),
  endedAtMs: z.number().nullable(),
  emulated: z.boolean(),
  insecure: z.boolean(),
  imported: z.boolean(),
  /** Why it failed, from the error catalogue. */
  error: LabFailure.nullable(),
  result: ProbeResult.nullable(),
  /**
   * Whose series there are, that of the payload's sender first. A download has the `server`'s where the server is a
   * RouteLab that tells it, else only the `client`'s, which says little of a download. Of an import: the file's vantage point.
   */
  series: z.array(z.object({ vantage: Vantage, points: z.number().int(), spanUs: z.number() })),
});
export type ProbeRun = z.infer<typeof ProbeRun>;

export const ProbeSeries = z.object({ vantage: Vantage, series: CongestionSeries });
export type ProbeSeries = z.infer<typeof ProbeSeries>;

export const ProbeUpdate = z.object({
  run: ProbeRun,
  /** Part that is done, 0 to 1, and what is left; null where that is not known. */
  progress: z.number().nullable(),
  etaS: z.number().nullable(),
  /** What came since the update before; in the first, all there is, decimated. */
  series: z.array(ProbeSeries),
});
export type ProbeUpdate = z.infer<typeof ProbeUpdate>;

export const ControllerInfo = z.object({
  name: Controller,
  title: z.string(),
  parameters: z.array(
    z.object({
      name: z.string(),
      default: z.number(),
      unit: z.string(),
      min: z.number(),
      max: z.number(),
      section: z.string(),
      doc: z.string(),
    }),
  ),
});
export type ControllerInfo = z.infer<typeof ControllerInfo>;
