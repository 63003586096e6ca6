/**
 * The qlog of one connection: records of a JSON text sequence (RFC 7464), the header first. The header is of
 * draft-ietf-quic-qlog-main-schema-14 §5, the events are of draft-ietf-quic-qlog-quic-events-13; docs/qlog.md tells which.
 */
import {
  PACKET_THRESHOLD,
  PERSISTENT_CONGESTION_THRESHOLD,
  TIME_THRESHOLD,
} from '../../recovery/recovery.ts';
import { GRANULARITY_US, INITIAL_RTT_US } from '../../recovery/rtt.ts';
import type { DropReason, ObservedPacket, Observer, Origin, Status } from '../connection/observer.ts';
import type { PathAddress } from '../connection/paths.ts';
import type { PacketType } from '../wire/frames.ts';
import type { LongHeader } from '../wire/header.ts';
import { DEFAULT_PARAMETERS } from '../wire/transport-parameters.ts';
import { changes, parameters } from './changes.ts';
import { type Json, ms } from './frames.ts';
import { qvisEvent, qvisHeader } from './qvis.ts';
import { endpoint, header, PACKET_TYPE, packetData, VERSION, version } from './records.ts';

/** Where the records of one connection go. Neither call may throw: the connection would suffer. */
export interface QlogSink {
  write(record: string): void;
  /** The connection is over. */
  end(): void;
}

/** `ietf`: the newest drafts. `qvis`: the same in the words of qlog 0.3, the newest version that qvis.quictools.info reads. */
export const QLOG_FORMATS = ['ietf', 'qvis'] as const;
export type QlogFormat = (typeof QLOG_FORMATS)[number];

export interface QlogOptions {
  open: (trace: { odcid: string; vantage: 'client' | 'server' }) => QlogSink;
  /** Default `ietf`. */
  format?: QlogFormat | undefined;
}

const TYPE_OF_SPACE = { initial: 'initial', handshake: 'handshake', application: '1RTT' } as const;

/** An observer that writes down what it sees. `local` is our address, `unixMs` the wall clock's time at `startedAtUs`. */
export function qlogTrace(
  origin: Origin,
  sink: QlogSink,
  facts: { local: PathAddress; unixMs: number; format?: QlogFormat | undefined },
): Observer {
  return new Trace(origin, sink, facts);
}

class Trace implements Observer {
  readonly #role: 'client' | 'server';
  readonly #startedAtUs: number;
  readonly #sink: QlogSink;
  readonly #isQvis: boolean;
  /** TupleIDs (main-schema-14 §7.2): the first path's is the empty one. */
  readonly #tuples = new Map<PathAddress, string>();
  /** By tuple and direction, the connection id last seen. */
  readonly #ids = new Map<string, string>();
  #last: Status | null = null;
  #datagramsSent = 0;
  #datagramsReceived = 0;
  #keyPhase = 0;
  #ended = false;

  constructor(
    origin: Origin,
    sink: QlogSink,
    { local, unixMs, format }: { local: PathAddress; unixMs: number; format?: QlogFormat | undefined },
  ) {
    this.#role = origin.role;
    this.#startedAtUs = origin.startedAtUs;
    this.#sink = sink;
    this.#isQvis = format === 'qvis';
    const odcid = origin.originalDestinationId.toString('hex');
    const facts = { odcid, vantage: origin.role, unixMs };
    this.#write(this.#isQvis ? qvisHeader(facts) : header(facts));

    const at = origin.startedAtUs;
    const client = origin.role === 'client';
    const localId = origin.localId.toString('hex');
    const peerId = origin.peerId.toString('hex');
    this.#tuples.set(origin.remote, '');
    this.#ids.set(' sent', peerId).set(' received', client ? localId : odcid);
    this.#event(at, 'connection_started', {
      local: { ...endpoint(local), connection_ids: [localId] },
      remote: { ...endpoint(origin.remote), connection_ids: [peerId] },
    });
    this.#event(at, 'version_information', {
      [client ? 'client_versions' : 'server_versions']: [VERSION],
      chosen_version: VERSION,
    });
    this.#event(at, 'alpn_information', {
      [client ? 'client_alpns' : 'server_alpns']: origin.alpn.map((name) => ({ string_value: name })),
    });
    this.#event(at, 'parameters_set', { initiator: 'local', ...parameters(origin.parameters) });
    this.#event(at, 'recovery_parameters_set', {
      reordering_threshold: PACKET_THRESHOLD,
      time_threshold: TIME_THRESHOLD,
      timer_granularity: ms(GRANULARITY_US),
      initial_rtt: ms(INITIAL_RTT_US),
      max_datagram_size: origin.datagramBytes,
      initial_congestion_window: origin.initialWindowBytes,
      persistent_congestion_threshold: PERSISTENT_CONGESTION_THRESHOLD,
    });
  }

  onDatagramReceived(bytes: number, nowUs: number): void {
    this.#datagramsReceived++;
    const datagram_ids = [this.#datagramsReceived];
    this.#event(nowUs, 'udp_datagrams_received', { count: 1, raw: [{ length: bytes }], datagram_ids });
  }

  onDatagramSent(bytes: number, nowUs: number): void {
    this.#datagramsSent++;
    const datagram_ids = [this.#datagramsSent];
    this.#event(nowUs, 'udp_datagrams_sent', { count: 1, raw: [{ length: bytes }], datagram_ids });
  }

  onPacketSent(packet: ObservedPacket, nowUs: number): void {
    const tuple = this.#tuple(packet.path, nowUs);
    this.#onId(packet.dcid, 'sent', tuple, nowUs);
    this.#onKeyPhase(packet.keyPhase, 'local_update', nowUs);
    const data = packetData(packet, this.#datagramsSent + 1, DEFAULT_PARAMETERS.ackDelayExponent);
    if (packet.isMtuProbe) data['is_mtu_probe_packet'] = true;
    if (packet.isPtoProbe) data['trigger'] = 'pto_probe';
    this.#event(nowUs, 'packet_sent', data, tuple);
  }

  onPacketReceived(packet: ObservedPacket, nowUs: number): void {
    const tuple = this.#tuple(packet.path, nowUs);
    this.#onId(packet.dcid, 'received', tuple, nowUs);
    this.#onKeyPhase(packet.keyPhase, 'remote_update', nowUs);
    const given = packet.type === '1rtt' ? this.#last?.peerParameters : null;
    const { ackDelayExponent } = given ?? DEFAULT_PARAMETERS;
    const data = packetData(packet, this.#datagramsReceived, ackDelayExponent);
    if (packet.wasBuffered) {
      delete data['datagram_id'];
      data['trigger'] = 'keys_available';
    }
    this.#event(nowUs, 'packet_received', data, tuple);
  }

  onRetry({ dcid, scid, token, start, end }: LongHeader, nowUs: number): void {
    this.#event(nowUs, 'packet_received', {
      header: {
        packet_type: 'retry',
        version: VERSION,
        scid: scid.toString('hex'),
        dcid: dcid.toString('hex'),
        token: { type: 'retry', raw: { length: token.length } },
      },
      raw: { length: end - start },
      datagram_id: this.#datagramsReceived,
    });
  }

  onVersionNegotiation(versions: readonly number[], bytes: number, nowUs: number): void {
    const server_versions = versions.map(version);
    this.#event(nowUs, 'packet_received', {
      header: { packet_type: 'version_negotiation' },
      supported_versions: server_versions,
      raw: { length: bytes },
      datagram_id: this.#datagramsReceived,
    });
    this.#event(nowUs, 'version_information', { server_versions, client_versions: [VERSION] });
  }

  onPacketDropped(
    type: PacketType | 'retry' | null,
    bytes: number,
    trigger: DropReason,
    nowUs: number,
  ): void {
    this.#event(nowUs, 'packet_dropped', {
      ...(type && { header: { packet_type: type === 'retry' ? type : PACKET_TYPE[type] } }),
      raw: { length: bytes },
      datagram_id: this.#datagramsReceived,
      trigger,
    });
  }

  onPacketBuffered(type: PacketType, bytes: number, nowUs: number): void {
    this.#event(nowUs, 'packet_buffered', {
      header: { packet_type: PACKET_TYPE[type] },
      raw: { length: bytes },
      datagram_id: this.#datagramsReceived,
      trigger: 'keys_unavailable',
    });
  }

  onPacketLost(lost: Parameters<Observer['onPacketLost']>[0], nowUs: number): void {
    this.#event(nowUs, 'packet_lost', {
      header: { packet_type: TYPE_OF_SPACE[lost.space], packet_number: lost.packetNumber },
      ...(lost.isMtuProbe && { is_mtu_probe_packet: true }),
      trigger: lost.byReordering ? 'reordering_threshold' : 'time_threshold',
    });
  }

  onLossTimerExpired(nowUs: number): void {
    this.#event(nowUs, 'timer_updated', { timer_type: 'loss_timeout', event_type: 'expired' });
  }

  onSettled(status: Status, nowUs: number): void {
    for (const { name, data } of changes(this.#last, status, this.#role, nowUs))
      this.#event(nowUs, name, data);
    this.#onMove(status, nowUs);
    this.#last = status;
    if (status.phase !== 'terminated' || this.#ended) return;
    this.#ended = true;
    this.#sink.end();
  }

  /** §5.20: moved to a path, or the path moved to is validated. */
  #onMove({ path, isPathValidated }: Status, nowUs: number): void {
    const last = this.#last;
    if (!last || (path === last.path && isPathValidated === last.isPathValidated)) return;
    // The address of a server's first client is validated too (RFC 9000 §8.1), without anybody having moved.
    if (path === last.path && this.#tuples.get(path) === '') return;
    const tuple_id = this.#tuple(path, nowUs);
    const state = isPathValidated ? 'migration_complete' : 'migration_started';
    this.#event(nowUs, 'migration_state_updated', { new: state, tuple_id, tuple_remote: endpoint(path) });
  }

  /** §4.7. */
  #tuple(path: PathAddress, nowUs: number): string {
    const known = this.#tuples.get(path);
    if (known !== undefined) return known;
    const tuple_id = String(this.#tuples.size);
    this.#tuples.set(path, tuple_id);
    this.#event(nowUs, 'tuple_assigned', { tuple_id, tuple_remote: endpoint(path) });
    return tuple_id;
  }

  /** §4.4: short headers are then logged without their id. */
  #onId(id: Buffer, direction: 'sent' | 'received', tuple: string, nowUs: number): void {
    const key = `${tuple} ${direction}`;
    const old = this.#ids.get(key);
    const next = id.toString('hex');
    if (old === next) return;
    this.#ids.set(key, next);
    const initiator = direction === 'sent' ? 'remote' : 'local';
    this.#event(
      nowUs,
      'connection_id_updated',
      { initiator, ...(old !== undefined && { old }), new: next },
      tuple,
    );
  }

  /** §6.1: both directions change at once, whoever began (RFC 9001 §6). */
  #onKeyPhase(phase: number | null, trigger: 'local_update' | 'remote_update', nowUs: number): void {
    if (phase === null || phase <= this.#keyPhase) return;
    this.#keyPhase = phase;
    for (const key_type of ['client_1rtt_secret', 'server_1rtt_secret'])
      this.#event(nowUs, 'key_updated', { key_type, key_phase: phase, trigger });
  }

  #event(nowUs: number, name: string, data: Json, tuple = ''): void {
    const event = {
      time: ms(nowUs - this.#startedAtUs),
      name: `quic:${name}`,
      data,
      ...(tuple && { tuple }),
    };
    if (!this.#isQvis) this.#write(event);
    else {
      const old = qvisEvent(event);
      if (old) this.#write(old);
    }
  }

  /** RFC 7464 §2.2. JSON escapes all control characters: a record separator is never within a record. */
  #write(record: Json): void {
    if (!this.#ended) this.#sink.write(`\x1e${JSON.stringify(record)}\n`);
  }
}
