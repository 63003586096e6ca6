/**
 * The families of the QUIC side, as spec names, types and labels have them: what each takes from a source's reading. Families
 * of other subjects (predictions, models, AI routing, sandboxes) come as `Family` objects through `exporter.include`.
 */
import { controllerStates } from '../congestion/index.ts';
import { bound, type FamilyHead, type Format } from './exposition.ts';
import type { Role, SourceCounters, SourceReading } from './source.ts';

/** Writes one sample, unless the value is not known. `more` are labels of the metric's own. */
export type Emit = (value: number | null | undefined, more?: string, suffix?: string) => void;

export interface QuicFamily extends FamilyHead {
  write(reading: SourceReading, emit: Emit, format: Format): void;
}

const scaled = (value: number | null | undefined, factor: number): number | null =>
  typeof value === 'number' ? value / factor : null;

/** Microseconds to seconds, and bits to bytes. */
const US = 1e6;
const BITS = 8;

const gauge = (
  name: string,
  help: string,
  read: (reading: SourceReading) => number | null | undefined,
): QuicFamily => ({ name, help, type: 'gauge', write: (reading, emit) => emit(read(reading)) });

/** A server's account has its role, so that it is not added to that of its clients. */
const ofFec = (
  name: string,
  type: 'gauge' | 'counter',
  help: string,
  read: (reading: SourceReading) => number | null | undefined,
): QuicFamily => ({
  name,
  help,
  type,
  write: (reading, emit) => emit(read(reading), reading.fec?.role && `role="${reading.fec.role}"`),
});

const ROLES: readonly Role[] = ['client', 'server'];

const byRole = (name: string, help: string, key: keyof SourceCounters): QuicFamily => ({
  name,
  help,
  type: 'counter',
  write: ({ counters }, emit) => {
    for (const role of ROLES) emit(counters?.[role]?.[key], `role="${role}"`);
  },
});

export const QUIC_FAMILIES: readonly QuicFamily[] = [
  {
    name: 'quic_rtt_seconds',
    help: 'Round-trip time of echoes, of a server of acknowledgements; the quantiles are those of the newest, a minute at most.',
    type: 'summary',
    write: ({ rttUs, rttTotal }, emit) => {
      if (rttUs) {
        emit(rttUs.p50 / US, 'quantile="0.5"');
        emit(rttUs.p95 / US, 'quantile="0.95"');
        emit(rttUs.p99 / US, 'quantile="0.99"');
      }
      if (rttTotal) {
        emit(rttTotal.sumUs / US, '', '_sum');
        emit(rttTotal.count, '', '_count');
      }
    },
  },
  gauge('quic_jitter_seconds', 'Interarrival jitter (RFC 3550) of pings over the last minute.', (reading) =>
    scaled(reading.jitterUs, US),
  ),
  gauge('quic_packet_loss_ratio', 'Lost of those sent over the last minute.', (reading) => reading.lossRatio),
  {
    name: 'quic_throughput_bytes_per_second',
    help: 'Payload that arrived in the last second.',
    type: 'gauge',
    write: ({ goodputBps }, emit) => {
      emit(scaled(goodputBps?.down, BITS), 'direction="down"');
      emit(scaled(goodputBps?.up, BITS), 'direction="up"');
    },
  },
  gauge('quic_congestion_window_bytes', 'Congestion window of the connection.', ({ cwndBytes }) => cwndBytes),
  gauge('quic_pacing_rate_bytes_per_second', 'Rate at which the connection paces its packets.', (reading) =>
    scaled(reading.pacingBps, BITS),
  ),
  gauge('quic_rtt_variance_seconds', 'rttvar of the transport’s estimator (RFC 9002).', (reading) =>
    scaled(reading.rttVarUs, US),
  ),
  {
    name: 'quic_bbr_state',
    help: '1 for the state that BBR is in, 0 for its others.',
    type: 'gauge',
    write: ({ state }, emit) => {
      if (!state) return;
      for (const name of controllerStates(state.controller)) {
        emit(name === state.name ? 1 : 0, `state="${name}"`);
      }
    },
  },
  {
    name: 'quic_handshake_duration_seconds',
    help: 'ClientHello sent to handshake complete.',
    type: 'histogram',
    write: ({ handshakes }, emit, format) => {
      if (!handshakes) return;
      const { boundsS, cumulative, sumS, count } = handshakes;
      for (let i = 0; i < boundsS.length; i++) {
        emit(cumulative[i], `le="${bound(boundsS[i]!, format)}"`, '_bucket');
      }
      emit(count, 'le="+Inf"', '_bucket');
      emit(sumS, '', '_sum');
      emit(count, '', '_count');
    },
  },
  ofFec(
    'quic_fec_redundancy_ratio',
    'gauge',
    'Repair packets sent per source packet sent, of the newest measurement.',
    ({ fecRedundancyRatio }) => fecRedundancyRatio,
  ),
  ofFec(
    'quic_fec_recovered_packets_total',
    'counter',
    'Lost packets that a repair brought back.',
    ({ fec }) => fec?.recoveredPackets,
  ),
  ofFec(
    'quic_fec_unrecoverable_packets_total',
    'counter',
    'Lost packets that no repair could bring back.',
    ({ fec }) => fec?.unrecoverablePackets,
  ),
  byRole('quic_connections_total', 'Connections whose handshake completed.', 'connections'),
  byRole('quic_streams_total', 'Streams that either end opened.', 'streams'),
  byRole('quic_packets_sent_total', 'Packets sent.', 'packetsSent'),
  byRole('quic_packets_received_total', 'Packets received.', 'packetsReceived'),
  byRole('quic_packets_lost_total', 'Packets declared lost (RFC 9002).', 'packetsLost'),
  byRole('quic_bytes_sent_total', 'UDP payload sent.', 'bytesSent'),
  byRole('quic_bytes_received_total', 'UDP payload received.', 'bytesReceived'),
];
