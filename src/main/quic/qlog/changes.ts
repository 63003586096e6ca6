/** What changed between two states of a connection, as events of draft-ietf-quic-qlog-quic-events-13 §4 to §7. */
import { LabError } from '../../../shared/errors.ts';
import type { Space } from '../../recovery/types.ts';
import type { CloseReason } from '../connection/config.ts';
import type { Status } from '../connection/observer.ts';
import { TransportError } from '../wire/errors.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import { type Json, ms, transportError } from './frames.ts';

/** An event without its time. */
export interface Event {
  name: string;
  data: Json;
}

/** `nowUs` is when `next` was found. The first status of a connection is compared with null. */
export function changes(
  last: Status | null,
  next: Status,
  role: 'client' | 'server',
  nowUs: number,
): Event[] {
  const events: Event[] = [];
  const add = (name: string, data: Json): void => void events.push({ name, data });
  for (const { trigger, ...data } of keyChanges(last, next, role))
    add(trigger === null ? 'key_discarded' : 'key_updated', { ...data, trigger: 'tls' });
  if (next.cipherSuite !== null && last?.cipherSuite !== next.cipherSuite)
    add('parameters_set', { tls_cipher: next.cipherSuite.replace(/^TLS_/, '') });
  if (next.peerParameters && last?.peerParameters !== next.peerParameters)
    add('parameters_set', { initiator: 'remote', ...parameters(next.peerParameters) });
  if (next.alpn !== null && last?.alpn !== next.alpn)
    add('alpn_information', { chosen_alpn: { string_value: next.alpn } });
  if (last && last.datagramBytes !== next.datagramBytes)
    add('mtu_updated', { old: last.datagramBytes, new: next.datagramBytes });
  const metrics = changedMetrics(last, next);
  if (Object.keys(metrics).length > 0) add('recovery_metrics_updated', metrics);
  if (last?.controller.state !== next.controller.state) {
    const old = last && { old: last.controller.state };
    add('congestion_state_updated', { ...old, new: next.controller.state });
  }
  if ((last?.lossTimerUs ?? null) !== next.lossTimerUs) {
    add('timer_updated', {
      timer_type: 'loss_timeout',
      ...(next.lossTimerUs === null
        ? { event_type: 'cancelled' }
        : { event_type: 'set', delta: ms(next.lossTimerUs - nowUs) }),
    });
  }
  const state = connectionState(next);
  const old = last && connectionState(last);
  if (next.closed && !last?.closed) add('connection_closed', closed(next.closed, next));
  if (old !== state) add('connection_state_updated', { ...(old && { old }), new: state });
  return events;
}

const SECRET = { initial: 'initial', handshake: 'handshake', application: '1rtt' } as const;

/** Keys that TLS made (`trigger` tls) or that are gone (null). */
function keyChanges(
  last: Status | null,
  next: Status,
  role: 'client' | 'server',
): { key_type: string; key_phase?: number; trigger: 'tls' | null }[] {
  const found: ReturnType<typeof keyChanges> = [];
  const own = role;
  const other = role === 'client' ? 'server' : 'client';
  for (const [space, name] of Object.entries(SECRET) as [Space, string][]) {
    const before = last ? last.keys[space] : { read: false, write: false };
    const after = next.keys[space];
    if (before === null) continue;
    for (const [direction, side] of [
      ['write', own],
      ['read', other],
    ] as const) {
      const key_type = `${side}_${name}_secret`;
      const phase = space === 'application' ? { key_phase: 0 } : {};
      if (after?.[direction] && !before[direction]) found.push({ key_type, ...phase, trigger: 'tls' });
      else if (!after && before[direction]) found.push({ key_type, ...phase, trigger: null });
    }
  }
  return found;
}

/**
 * Field of ours in recovery_metrics_updated, bits per second: what a model-based controller takes the path to deliver. The
 * drafts have no name for it, but leave the event open to others that are told by a prefix.
 */
export const BANDWIDTH_FIELD = 'routelab_bandwidth_estimate';

/** RFC 9002 A.3 and B.2; only what is not as it was. */
function changedMetrics(last: Status | null, next: Status): Json {
  const before = last ? metrics(last) : {};
  return Object.fromEntries(
    Object.entries(metrics(next)).filter(([name, value]) => value !== null && value !== before[name]),
  );
}

const metrics = ({ rtt, controller, bytesInFlight, timeoutsInRow }: Status): Json => ({
  min_rtt: rtt && ms(rtt.minUs),
  smoothed_rtt: rtt && ms(rtt.smoothedUs),
  latest_rtt: rtt && ms(rtt.latestUs),
  rtt_variance: rtt && ms(rtt.varianceUs),
  pto_count: timeoutsInRow,
  congestion_window: Math.floor(controller.cwnd),
  bytes_in_flight: bytesInFlight,
  ssthresh: controller.ssthresh === null ? null : Math.floor(controller.ssthresh),
  pacing_rate: controller.pacingBps === null ? null : Math.floor(controller.pacingBps),
  [BANDWIDTH_FIELD]: controller.bandwidthBps === null ? null : Math.floor(controller.bandwidthBps),
});

function connectionState(status: Status): string {
  if (status.phase === 'terminated') return 'closed';
  if (status.phase !== 'open') return status.phase;
  if (status.handshakeConfirmed) return 'handshake_confirmed';
  if (status.handshakeComplete) return 'handshake_complete';
  return status.keys.handshake?.write ? 'handshake_started' : 'attempted';
}

function closed({ by, code, application, reason, cause }: CloseReason, { phase }: Status): Json {
  const { error, ...errorCode } = application ? { error: 'unknown', error_code: code } : transportError(code);
  let trigger = application ? 'application' : code === TransportError.NO_ERROR ? 'unspecified' : 'error';
  if (by === 'timeout' && cause === undefined && code === TransportError.NO_ERROR) trigger = 'idle_timeout';
  // A peer that says goodbye leaves the connection draining.
  else if (by === 'peer' && phase === 'terminated') trigger = 'stateless_reset';
  else if (cause instanceof LabError && cause.code === 'RL_VERSION_UNSUPPORTED') trigger = 'version_mismatch';
  else if (phase === 'terminated' && code === TransportError.NO_ERROR) trigger = 'aborted';
  return {
    initiator: by === 'peer' ? 'remote' : 'local',
    ...(application ? { application_error: error } : { connection_error: error }),
    ...errorCode,
    reason,
    trigger,
  };
}

/** Transport parameters (RFC 9000 §18.2) but the stateless reset token: whoever knows that can end the connection. */
export function parameters(given: TransportParameters): Json {
  const id = (name: string, value: Buffer | undefined): Json =>
    value ? { [name]: value.toString('hex') } : {};
  return {
    ...id('original_destination_connection_id', given.originalDestinationConnectionId),
    ...id('initial_source_connection_id', given.initialSourceConnectionId),
    ...id('retry_source_connection_id', given.retrySourceConnectionId),
    disable_active_migration: given.disableActiveMigration,
    max_idle_timeout: given.maxIdleTimeoutMs,
    max_udp_payload_size: given.maxUdpPayloadSize,
    ack_delay_exponent: given.ackDelayExponent,
    max_ack_delay: given.maxAckDelayMs,
    active_connection_id_limit: given.activeConnectionIdLimit,
    initial_max_data: given.initialMaxData,
    initial_max_stream_data_bidi_local: given.initialMaxStreamDataBidiLocal,
    initial_max_stream_data_bidi_remote: given.initialMaxStreamDataBidiRemote,
    initial_max_stream_data_uni: given.initialMaxStreamDataUni,
    initial_max_streams_bidi: given.initialMaxStreamsBidi,
    initial_max_streams_uni: given.initialMaxStreamsUni,
    max_datagram_frame_size: given.maxDatagramFrameSize,
  };
}
