/**
 * The same records in the words of qlog 0.3 (draft-ietf-quic-qlog-main-schema-02, -quic-events-02): events have categories, and
 * some fields other names. It is what qvis reads.
 */
import type { Json } from './frames.ts';

/** Its congestion graph adds the times of events to `reference_time`. */
export function qvisHeader({
  odcid,
  vantage,
  unixMs,
}: {
  odcid: string;
  vantage: string;
  unixMs: number;
}): Json {
  return {
    qlog_version: '0.3',
    qlog_format: 'JSON-SEQ',
    title: `RouteLab ${vantage}`,
    trace: {
      common_fields: {
        ODCID: odcid,
        group_id: odcid,
        protocol_type: ['QUIC'],
        time_format: 'relative',
        reference_time: unixMs,
      },
      vantage_point: { name: 'RouteLab', type: vantage },
    },
  };
}

/** Categories and names of what 0.3 knows; the rest is left out. */
const NAMES: Readonly<Record<string, string>> = {
  'quic:connection_started': 'connectivity:connection_started',
  'quic:connection_closed': 'connectivity:connection_closed',
  'quic:connection_id_updated': 'connectivity:connection_id_updated',
  'quic:connection_state_updated': 'connectivity:connection_state_updated',
  'quic:version_information': 'transport:version_information',
  'quic:alpn_information': 'transport:alpn_information',
  'quic:parameters_set': 'transport:parameters_set',
  'quic:packet_sent': 'transport:packet_sent',
  'quic:packet_received': 'transport:packet_received',
  'quic:packet_dropped': 'transport:packet_dropped',
  'quic:packet_buffered': 'transport:packet_buffered',
  'quic:key_updated': 'security:key_updated',
  'quic:key_discarded': 'security:key_discarded',
  'quic:recovery_parameters_set': 'recovery:parameters_set',
  'quic:recovery_metrics_updated': 'recovery:metrics_updated',
  'quic:congestion_state_updated': 'recovery:congestion_state_updated',
  'quic:timer_updated': 'recovery:loss_timer_updated',
  'quic:packet_lost': 'recovery:packet_lost',
};

/** Null for an event that 0.3 does not know. */
export function qvisEvent({ time, name, data }: { time: number; name: string; data: Json }): Json | null {
  const old = NAMES[name];
  return old === undefined ? null : { time, name: old, data: qvisData(name, data) };
}

function qvisData(name: string, { initiator, key_phase, ...data }: Json): Json {
  const common = {
    ...data,
    ...(initiator !== undefined && { owner: initiator }),
    ...(key_phase !== undefined && { generation: key_phase }),
  };
  switch (name) {
    case 'quic:packet_sent':
    case 'quic:packet_received':
      return { ...common, frames: ((data['frames'] ?? []) as Json[]).map(qvisFrame) };
    case 'quic:connection_started':
      return startedFields(data as { local: Json; remote: Json });
    case 'quic:alpn_information':
      return alpnFields(data);
    case 'quic:connection_closed': {
      const { connection_error, application_error, error_code, ...rest } = common as Json;
      const code = error_code ?? connection_error;
      return application_error === undefined
        ? { ...rest, connection_code: code }
        : { ...rest, application_code: code };
    }
    default:
      return common;
  }
}

/** Lengths stood beside the other fields, and acknowledged ranges always had two ends. */
function qvisFrame({ raw, error, ...frame }: Json): Json {
  const { length, payload_length } = (raw ?? {}) as { length?: number; payload_length?: number };
  const sized = { ...frame, ...(length !== undefined && { length }) };
  switch (frame['frame_type']) {
    case 'padding':
      return { ...frame, length: payload_length, payload_length };
    case 'ack': {
      const ranges = frame['acked_ranges'] as number[][];
      return { ...frame, acked_ranges: ranges.map(([first, last = first]) => [first, last]) };
    }
    case 'connection_close':
      return { ...frame, error_code: frame['error_code'] ?? error };
    default:
      return sized;
  }
}

function startedFields({ local, remote }: { local: Json; remote: Json }): Json {
  const [src_cid] = local['connection_ids'] as string[];
  const [dst_cid] = remote['connection_ids'] as string[];
  return {
    ip_version: local['ip_v6'] === undefined ? 'v4' : 'v6',
    src_ip: local['ip_v6'] ?? local['ip_v4'],
    dst_ip: remote['ip_v6'] ?? remote['ip_v4'],
    protocol: 'QUIC',
    src_port: local['port_v6'] ?? local['port_v4'],
    dst_port: remote['port_v6'] ?? remote['port_v4'],
    src_cid,
    dst_cid,
  };
}

function alpnFields(data: Json): Json {
  const text = (alpn: unknown): string => (alpn as { string_value: string }).string_value;
  return Object.fromEntries(
    Object.entries(data).map(([name, value]) => [name, Array.isArray(value) ? value.map(text) : text(value)]),
  );
}
