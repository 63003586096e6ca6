/**
 * The CDDL of draft-ietf-quic-qlog-main-schema-14 and draft-ietf-quic-qlog-quic-events-13 for what RouteLab writes: strict
 * objects, so that a field the drafts do not define fails.
 */
import { z } from 'zod';

const uint = (bits: number) =>
  z
    .int()
    .min(0)
    .max(Math.min(2 ** bits - 1, Number.MAX_SAFE_INTEGER));
const uint16 = uint(16);
const uint32 = uint(32);
const uint64 = uint(53);
const float = z.number();
const hex = z.string().regex(/^([0-9a-f]{2})*$/);
const optional = <T extends z.ZodRawShape>(shape: T) => z.strictObject(shape).partial();
const names = <T extends string>(...values: [T, ...T[]]) => z.enum(values);

// main-schema-14 §10.
const raw = optional({ length: uint64, payload_length: uint64, data: hex });
const ofLength = z.strictObject({ length: uint64 });

// §8.13.24 to §8.13.26.
const transportError = z.union([
  names(
    'no_error',
    'internal_error',
    'connection_refused',
    'flow_control_error',
    'stream_limit_error',
    'stream_state_error',
    'final_size_error',
    'frame_encoding_error',
    'transport_parameter_error',
    'connection_id_limit_error',
    'protocol_violation',
    'invalid_token',
    'application_error',
    'crypto_buffer_exceeded',
    'key_update_error',
    'aead_limit_reached',
    'no_viable_path',
    'unknown',
  ),
  z.string().regex(/^crypto_error_0x1[0-9a-f][0-9a-f]$/),
]);
const applicationError = z.literal('unknown');

const token = optional({ type: names('retry', 'resumption'), details: z.object({}), raw });
const streamType = names('unidirectional', 'bidirectional');

const typed = <T extends string, S extends z.ZodRawShape>(frame_type: T, shape: S) =>
  z.strictObject({ frame_type: z.literal(frame_type), ...shape });

/** §8.13. */
export const frameSchema = z.discriminatedUnion('frame_type', [
  typed('padding', { raw: z.strictObject({ payload_length: uint64 }) }),
  typed('ping', {}),
  typed('ack', {
    ack_delay: float,
    acked_ranges: z.array(z.union([z.tuple([uint64]), z.tuple([uint64, uint64])])).min(1),
    ect0: uint64.optional(),
    ect1: uint64.optional(),
    ce: uint64.optional(),
  }),
  typed('reset_stream', {
    stream_id: uint64,
    error: applicationError,
    error_code: uint64,
    final_size: uint64,
  }),
  typed('stop_sending', { stream_id: uint64, error: applicationError, error_code: uint64 }),
  typed('crypto', { offset: uint64, raw: ofLength }),
  typed('new_token', { token }),
  typed('stream', {
    stream_id: uint64,
    offset: uint64.optional(),
    fin: z.boolean().optional(),
    raw: ofLength,
  }),
  typed('max_data', { maximum: uint64 }),
  typed('max_stream_data', { stream_id: uint64, maximum: uint64 }),
  typed('max_streams', { stream_type: streamType, maximum: uint64 }),
  typed('data_blocked', { limit: uint64 }),
  typed('stream_data_blocked', { stream_id: uint64, limit: uint64 }),
  typed('streams_blocked', { stream_type: streamType, limit: uint64 }),
  typed('new_connection_id', { sequence_number: uint64, retire_prior_to: uint64, connection_id: hex }),
  typed('retire_connection_id', { sequence_number: uint64 }),
  typed('path_challenge', { data: hex.length(16) }),
  typed('path_response', { data: hex.length(16) }),
  typed('connection_close', {
    error_space: names('transport', 'application'),
    error: z.union([transportError, applicationError]),
    error_code: uint64.optional(),
    reason: z.string(),
    trigger_frame_type: uint64.optional(),
  }),
  typed('handshake_done', {}),
  typed('unknown', { frame_type_bytes: uint64 }),
  typed('datagram', { raw: ofLength }),
]);

/** §8.8. */
const packetHeader = z.strictObject({
  packet_type: names('initial', 'handshake', '0RTT', '1RTT', 'retry', 'version_negotiation'),
  key_phase: uint64.optional(),
  packet_number: uint64.optional(),
  token: token.optional(),
  length: uint16.optional(),
  version: hex.length(8).optional(),
  scid: hex.optional(),
  dcid: hex.optional(),
});
/** §8.5. */
const endpoint = optional({
  ip_v4: z.string(),
  port_v4: uint16,
  ip_v6: z.string(),
  port_v6: uint16,
  connection_ids: z.array(hex).min(1),
});
const initiator = names('local', 'remote');
const versions = z.array(hex.length(8)).min(1);
const alpn = z.strictObject({ byte_value: hex.optional(), string_value: z.string().optional() });
const datagrams = optional({
  count: uint16,
  raw: z.array(raw).min(1),
  datagram_ids: z.array(uint32).min(1),
});
const keyTrigger = names('tls', 'remote_update', 'local_update');
const keyType = z.enum(
  ['server', 'client'].flatMap((side) =>
    ['initial', 'handshake', '0rtt', '1rtt'].map((level) => `${side}_${level}_secret`),
  ),
);
const state = names(
  'attempted',
  'handshake_started',
  'handshake_complete',
  'handshake_confirmed',
  'closing',
  'draining',
  'closed',
);
const migration = names(
  'probing_started',
  'probing_abandoned',
  'probing_successful',
  'migration_started',
  'migration_abandoned',
  'migration_complete',
);

const received = {
  header: packetHeader,
  frames: z.array(frameSchema).optional(),
  supported_versions: versions.optional(),
  raw: raw.optional(),
  datagram_id: uint32.optional(),
};

/** The data of each event: §4 to §7. */
const DATA = {
  connection_started: z.strictObject({ local: endpoint, remote: endpoint }),
  connection_closed: optional({
    initiator,
    connection_error: transportError,
    application_error: applicationError,
    error_code: uint64,
    reason: z.string(),
    trigger: names(
      'idle_timeout',
      'application',
      'error',
      'version_mismatch',
      'stateless_reset',
      'aborted',
      'unspecified',
    ),
  }),
  connection_id_updated: z.strictObject({ initiator, old: hex.optional(), new: hex.optional() }),
  connection_state_updated: z.strictObject({ old: state.optional(), new: state }),
  tuple_assigned: z.strictObject({
    tuple_id: z.string(),
    tuple_remote: endpoint.optional(),
    tuple_local: endpoint.optional(),
  }),
  mtu_updated: z.strictObject({ old: uint32.optional(), new: uint32, done: z.boolean().optional() }),
  version_information: optional({
    server_versions: versions,
    client_versions: versions,
    chosen_version: hex.length(8),
  }),
  alpn_information: optional({
    server_alpns: z.array(alpn),
    client_alpns: z.array(alpn),
    chosen_alpn: alpn,
  }),
  parameters_set: optional({
    initiator,
    resumption_allowed: z.boolean(),
    early_data_enabled: z.boolean(),
    tls_cipher: z.string(),
    original_destination_connection_id: hex,
    initial_source_connection_id: hex,
    retry_source_connection_id: hex,
    disable_active_migration: z.boolean(),
    max_idle_timeout: uint64,
    max_udp_payload_size: uint64,
    ack_delay_exponent: uint64,
    max_ack_delay: uint64,
    active_connection_id_limit: uint64,
    initial_max_data: uint64,
    initial_max_stream_data_bidi_local: uint64,
    initial_max_stream_data_bidi_remote: uint64,
    initial_max_stream_data_uni: uint64,
    initial_max_streams_bidi: uint64,
    initial_max_streams_uni: uint64,
    max_datagram_frame_size: uint64,
  }),
  packet_sent: z.strictObject({
    ...received,
    is_mtu_probe_packet: z.boolean().optional(),
    trigger: names('retransmit_reordered', 'retransmit_timeout', 'pto_probe', 'retransmit_crypto').optional(),
  }),
  packet_received: z.strictObject({ ...received, trigger: names('keys_available').optional() }),
  packet_dropped: z.strictObject({
    header: packetHeader.optional(),
    raw: raw.optional(),
    datagram_id: uint32.optional(),
    trigger: names(
      'internal_error',
      'rejected',
      'unsupported',
      'invalid',
      'duplicate',
      'connection_unknown',
      'decryption_failure',
      'key_unavailable',
      'general',
    ),
  }),
  packet_buffered: z.strictObject({
    header: packetHeader.optional(),
    raw: raw.optional(),
    datagram_id: uint32.optional(),
    trigger: names('backpressure', 'keys_unavailable').optional(),
  }),
  udp_datagrams_sent: datagrams,
  udp_datagrams_received: datagrams,
  migration_state_updated: z.strictObject({
    old: migration.optional(),
    new: migration,
    tuple_id: z.string().optional(),
    tuple_remote: endpoint.optional(),
    tuple_local: endpoint.optional(),
  }),
  timer_updated: z.strictObject({
    timer_type: names('ack', 'pto', 'loss_timeout', 'path_validation', 'handshake_timeout', 'idle_timeout'),
    event_type: names('set', 'expired', 'cancelled'),
    delta: float.optional(),
  }),
  key_updated: z.strictObject({ key_type: keyType, key_phase: uint64.optional(), trigger: keyTrigger }),
  key_discarded: z.strictObject({ key_type: keyType, key_phase: uint64.optional(), trigger: keyTrigger }),
  recovery_parameters_set: z.strictObject({
    reordering_threshold: uint16.optional(),
    time_threshold: float.optional(),
    timer_granularity: uint16,
    initial_rtt: float.optional(),
    max_datagram_size: uint32.optional(),
    initial_congestion_window: uint64.optional(),
    persistent_congestion_threshold: uint16.optional(),
  }),
  recovery_metrics_updated: optional({
    min_rtt: float,
    smoothed_rtt: float,
    latest_rtt: float,
    rtt_variance: float,
    pto_count: uint16,
    congestion_window: uint64,
    bytes_in_flight: uint64,
    ssthresh: uint64,
    packets_in_flight: uint64,
    pacing_rate: uint64,
    // An extension of ours (docs/qlog.md).
    routelab_bandwidth_estimate: uint64,
  }).refine((metrics) => Object.keys(metrics).length > 0, 'at least one metric'),
  congestion_state_updated: z.strictObject({
    old: z.string().optional(),
    new: z.string(),
    trigger: z.string().optional(),
  }),
  packet_lost: z.strictObject({
    header: packetHeader.optional(),
    is_mtu_probe_packet: z.boolean().optional(),
    trigger: names('reordering_threshold', 'time_threshold', 'pto_expired').optional(),
  }),
} satisfies Record<string, z.ZodType>;

/** The abstract event, main-schema-14 §7. */
const eventSchema = z.strictObject({
  time: float.min(0),
  name: z.enum(Object.keys(DATA).map((name) => `quic:${name}`)),
  data: z.unknown(),
  tuple: z.string().optional(),
});

/** main-schema-14 §5, §7.1, §7.5. */
const headerSchema = z.strictObject({
  file_schema: z.literal('urn:ietf:params:qlog:file:sequential'),
  serialization_format: z.literal('application/qlog+json-seq'),
  title: z.string().optional(),
  description: z.string().optional(),
  trace: z.strictObject({
    title: z.string().optional(),
    description: z.string().optional(),
    common_fields: z.strictObject({
      group_id: hex,
      time_format: names('relative_to_epoch', 'relative_to_previous_event'),
      reference_time: z.strictObject({
        clock_type: z.literal('monotonic'),
        // Of a monotonic clock it must be unknown.
        epoch: z.literal('unknown'),
        wall_clock_time: z.iso.datetime(),
      }),
    }),
    vantage_point: z.strictObject({ name: z.string().optional(), type: names('client', 'server') }),
    event_schemas: z.tuple([z.literal('urn:ietf:params:qlog:events:quic-13')]),
  }),
});

type DataOf<N extends keyof typeof DATA> = z.infer<(typeof DATA)[N]>;

export interface Log {
  header: z.infer<typeof headerSchema>;
  events: { time: number; name: string; data: unknown; tuple?: string | undefined }[];
  /** The data of all events of a name, in order. */
  all<N extends keyof typeof DATA>(name: N): DataOf<N>[];
}

/** The records of a JSON text sequence; throws for anything that is not one (RFC 7464 §2.1). */
export function parseJsonSeq(text: string): unknown[] {
  const [before, ...records] = text.split('\x1e');
  if (before !== '') throw new Error('it does not begin with a record separator');
  return records.map((record) => {
    if (!record.endsWith('\n')) throw new Error(`cut off: ${record.slice(0, 100)}`);
    return JSON.parse(record);
  });
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  throw new Error(`${JSON.stringify(value)}: ${z.prettifyError(result.error)}`);
}

/** Reads a whole qlog file and checks every record against the drafts. */
export function readQlog(text: string): Log {
  const [first, ...records] = parseJsonSeq(text);
  const header = headerSchema.parse(first);
  const events = records.map((record) => {
    const event = check(eventSchema, record);
    check<unknown>(DATA[event.name.slice('quic:'.length) as keyof typeof DATA], event.data);
    return event;
  });
  return {
    header,
    events,
    all: (name) => events.filter((event) => event.name === `quic:${name}`).map(({ data }) => data as never),
  };
}
