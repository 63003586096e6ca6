/**
 * Domain types, once, as zod schemas: what the UI, the CLI and the API all speak.
 * Times are unix milliseconds (`…Ms`), durations microseconds (`…Us`), rates bits per second (`…Bps`) unless
 * the name says otherwise. A value that was not measured is `null`, never zero.
 */
import { z } from 'zod';
import { LabError } from './errors.ts';
import { LinkSettings } from './link-settings.ts';

export { LinkSettings } from './link-settings.ts';

export const CONTROLLERS = ['newreno', 'cubic', 'bbr1', 'bbr2', 'bbr3'] as const;
export const Controller = z.enum(CONTROLLERS);
export type Controller = z.infer<typeof Controller>;

/** What else controllers are called (DESIGN.md §5). */
const CONTROLLER_ALIASES: Readonly<Record<string, string>> = {
  reno: 'newreno',
  bbr: 'bbr3',
  bbrv1: 'bbr1',
  bbrv2: 'bbr2',
  bbrv3: 'bbr3',
};

/** The controller a person means by `text`: its name or an alias. Throws RL_INPUT_INVALID, of `field`. */
export function controllerNamed(text: string, field = 'controller'): Controller {
  const name = text.trim().toLowerCase();
  const found = Controller.safeParse(
    Object.hasOwn(CONTROLLER_ALIASES, name) ? CONTROLLER_ALIASES[name] : name,
  );
  if (found.success) return found.data;
  throw new LabError('RL_INPUT_INVALID', `${field}: "${text}" is none of ${CONTROLLERS.join(', ')}`, {
    field,
  });
}

/** An emulated path: a named profile, both directions spelled out, and optionally a schedule of outages. */
export const Emulation = z.strictObject({
  profile: z.string().min(1).max(64),
  up: LinkSettings,
  down: LinkSettings,
  /** Largest IP packet the path carries, bytes; larger ones are dropped. 1500 when absent. */
  mtuBytes: z.number().int().min(1280).max(65_535).optional(),
  /** The path is cut for `downMs` at the end of every `periodMs`. */
  flap: z
    .strictObject({
      periodMs: z.number().min(1000).max(3_600_000),
      downMs: z.number().min(100).max(3_600_000),
    })
    .nullable(),
});
export type Emulation = z.infer<typeof Emulation>;

/** A named network profile, ready to be given to a route. */
export const Profile = z.object({ name: z.string(), emulation: Emulation });
export type Profile = z.infer<typeof Profile>;

/** What the emulator carries on this machine; a faster path is for the simulator alone. */
export const EmulatorCapacity = z.object({
  /**
   * Bits per second of IP packets each way, measured with full datagrams. Null before the first measurement, which waits until
   * no probe run is under way: each would spoil the other.
   */
  limitBps: z.number().nullable(),
});
export type EmulatorCapacity = z.infer<typeof EmulatorCapacity>;

/** Controller parameters that differ from their defaults, by name (`controllers.list`). */
export const ControllerParameters = z.record(z.string().min(1).max(64), z.number());
export type ControllerParameters = z.infer<typeof ControllerParameters>;

export const hostName = z
  .string()
  .trim()
  .min(1, 'a host name or address is required')
  .max(253)
  .regex(
    /^(\[?[0-9a-fA-F:.]+\]?|[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)*\.?)$/,
    'not a host name or an IP address',
  );

/** The settings of a route, none defaulted. */
const routeFields = {
  name: z.string().trim().min(1, 'a name is required').max(64),
  host: hostName,
  port: z.number().int().min(1).max(65535),
  /** Name checked against the certificate; null means `host`. */
  serverName: z.string().trim().min(1).max(253).nullable(),
  controller: Controller,
  parameters: ControllerParameters,
  /** Pings per second. */
  pingRate: z.number().min(0.1).max(100),
  /** Seconds between throughput measurements; null measures none. Each is bounded by `transferBytes` and 2 s. */
  transferEveryS: z.number().min(2).max(3600).nullable(),
  transferBytes: z.number().int().min(10_000).max(100_000_000),
  /** Accept any certificate: marked on everything measured. */
  insecure: z.boolean(),
  tags: z.array(z.string().trim().min(1).max(32)).max(16),
  emulation: Emulation.nullable(),
};

/** What a user gives to create a route. */
export const RouteInput = z.strictObject({
  ...routeFields,
  serverName: routeFields.serverName.default(null),
  controller: routeFields.controller.default('cubic'),
  parameters: routeFields.parameters.default({}),
  pingRate: routeFields.pingRate.default(10),
  transferEveryS: routeFields.transferEveryS.default(15),
  transferBytes: routeFields.transferBytes.default(2_000_000),
  insecure: routeFields.insecure.default(false),
  tags: routeFields.tags.default([]),
  emulation: routeFields.emulation.default(null),
});
export type RouteInput = z.infer<typeof RouteInput>;

/** What a user gives to change a route. Made from fields without defaults: what is absent stays as it is. */
export const RoutePatch = z.strictObject(routeFields).partial();
export type RoutePatch = z.infer<typeof RoutePatch>;

export const RouteId = z.string().regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'not a route id');

export const Route = RouteInput.extend({
  id: RouteId,
  /** Stable index into the colour palette, kept across all pages. */
  colour: z.number().int().min(0),
  /** `demo` routes belong to the demo lab: emulated paths to its own server. */
  demo: z.boolean(),
  /** Listed in lab.yaml, and changed there only. */
  declared: z.boolean(),
  /** Whether probing should run; survives a restart. */
  enabled: z.boolean(),
  createdAtMs: z.number(),
});
export type Route = z.infer<typeof Route>;

export const RouteState = z.enum(['stopped', 'connecting', 'up', 'down']);
export type RouteState = z.infer<typeof RouteState>;

/** RTT percentiles in microseconds over a stated set of echoes. */
export const RttSummary = z.object({
  min: z.number(),
  mean: z.number(),
  p50: z.number(),
  p95: z.number(),
  p99: z.number(),
  max: z.number(),
});
export type RttSummary = z.infer<typeof RttSummary>;

/** Statistics of the pings *sent* within a half-open window [fromMs, toMs). All of them are resolved: echoed or lost. */
export const PingStats = z.object({
  fromMs: z.number(),
  toMs: z.number(),
  sent: z.number().int(),
  received: z.number().int(),
  lost: z.number().int(),
  /** Slots of the schedule in which no ping was sent: no connection, its window full, or the machine too late. Not lost. */
  skipped: z.number().int(),
  /** lost / sent; null when nothing was sent. */
  lossRatio: z.number().nullable(),
  rttUs: RttSummary.nullable(),
  /** RFC 3550 §6.4.1 interarrival jitter, microseconds. */
  jitterUs: z.number().nullable(),
});
export type PingStats = z.infer<typeof PingStats>;

export const Transfer = z.object({
  atMs: z.number(),
  bytes: z.number(),
  durationUs: z.number(),
  goodputBps: z.number(),
});
export type Transfer = z.infer<typeof Transfer>;

/** The transport’s own view: the newest snapshot of the probe’s connection. */
export const TransportSnapshot = z.object({
  atMs: z.number(),
  controller: Controller,
  /** Of the controller, in its own words; absent of what was stored. */
  state: z.string().optional(),
  cwndBytes: z.number(),
  pacingBps: z.number().nullable(),
  bytesInFlight: z.number(),
  smoothedRttUs: z.number().nullable(),
  rttVarUs: z.number().nullable(),
  minRttUs: z.number().nullable(),
  packetsSent: z.number(),
  packetsReceived: z.number(),
  packetsLost: z.number(),
  bytesSent: z.number(),
  bytesReceived: z.number(),
  /** Opened, by either end; absent of what was stored. */
  streams: z.number().optional(),
});
export type TransportSnapshot = z.infer<typeof TransportSnapshot>;

/** A failure from the error catalogue. */
export const LabFailure = z.object({
  code: z.string(),
  message: z.string(),
  field: z.string().optional(),
  hint: z.string(),
});

/** Everything known about a route right now. */
export const RouteStatus = z.object({
  routeId: RouteId,
  state: RouteState,
  /** Why the route is down, from the error catalogue. */
  error: LabFailure.nullable(),
  runId: z.number().int().nullable(),
  sinceMs: z.number(),
  /** The last 60 s of pings up to the newest moment whose pings are all resolved. */
  ping: PingStats.nullable(),
  /** When the newest pings began to be lost, three or more of them in a row; null while echoes come. */
  silentSinceMs: z.number().nullable(),
  /** Newest transfer in each direction; null once it is so old that another should have come twice. */
  down: Transfer.nullable(),
  up: Transfer.nullable(),
  /** Payload of transfers that arrived in the last second: 0 between them; null where there are none, or the route is not up. */
  payloadBps: z.object({ down: z.number(), up: z.number() }).nullable(),
  /** The newest transfer, if it failed. */
  transferError: z
    .object({ atMs: z.number(), direction: z.enum(['down', 'up']), code: z.string() })
    .nullable(),
  /** Handshake of the connection that the pings go over. */
  handshakeUs: z.number().nullable(),
  transport: TransportSnapshot.nullable(),
  emulated: z.boolean(),
  insecure: z.boolean(),
});
export type RouteStatus = z.infer<typeof RouteStatus>;

/**
 * What statistics were made of: `raw` samples, or roll-ups of a minute or an hour. Of roll-ups counts, sums, extremes and
 * jitter are exact, and percentiles within 0.5 % of what the samples would have given (docs/store.md).
 */
export const Source = z.enum(['raw', 'minute', 'hour']);
export type Source = z.infer<typeof Source>;

/** As `PingStats`, of any window. Where samples are no longer kept, the window is widened to whole minutes or hours. */
export const StoredPingStats = PingStats.extend({ source: Source });
export type StoredPingStats = z.infer<typeof StoredPingStats>;

/**
 * Columns of one route’s history: one entry per bucket, oldest first. Microseconds, bits per second; `null`
 * where nothing was measured in that bucket. Buckets without any sample are left out (a gap in `tMs`).
 */
export const Series = z.object({
  routeId: RouteId,
  /** At least what was asked for: buckets of roll-ups are whole minutes or hours. */
  bucketMs: z.number().int().positive(),
  source: Source,
  /** Start of each bucket. */
  tMs: z.array(z.number()),
  sent: z.array(z.number()),
  lost: z.array(z.number()),
  /** Slots of the ping schedule in which nothing was sent. */
  skipped: z.array(z.number()),
  rttMin: z.array(z.number().nullable()),
  rttMean: z.array(z.number().nullable()),
  rttP50: z.array(z.number().nullable()),
  rttP95: z.array(z.number().nullable()),
  rttP99: z.array(z.number().nullable()),
  rttMax: z.array(z.number().nullable()),
  jitter: z.array(z.number().nullable()),
  goodputDown: z.array(z.number().nullable()),
  goodputUp: z.array(z.number().nullable()),
  /** Handshakes begun, and how many of them failed; the mean time of those that did not. */
  handshakes: z.array(z.number()),
  handshakesFailed: z.array(z.number()),
  handshakeMean: z.array(z.number().nullable()),
});
export type Series = z.infer<typeof Series>;

/** A change of a route’s state, with the error that caused it. */
export const RouteEvent = z.object({ atMs: z.number(), state: RouteState, error: LabFailure.nullable() });
export type RouteEvent = z.infer<typeof RouteEvent>;

export const RunState = z.enum(['queued', 'running', 'done', 'failed', 'cancelled', 'interrupted']);
export type RunState = z.infer<typeof RunState>;

export const LabInfo = z.object({
  version: z.string(),
  commit: z.string().nullable(),
  host: z.enum(['desktop', 'headless']),
  platform: z.string(),
  node: z.string(),
  dataDir: z.string(),
  startedAtMs: z.number(),
  /** True while the demo lab’s server and relays run. */
  demo: z.boolean(),
  /** Where `/metrics` is served; null when this host serves none. */
  metricsUrl: z.string().nullable(),
});
export type LabInfo = z.infer<typeof LabInfo>;
