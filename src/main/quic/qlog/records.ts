/** Parts of qlog records: the header of draft-ietf-quic-qlog-main-schema-14, data types of draft-ietf-quic-qlog-quic-events-13 §8. */
import type { ObservedPacket } from '../connection/observer.ts';
import type { PathAddress } from '../connection/paths.ts';
import { QUIC_V1 } from '../wire/header.ts';
import { type Json, qlogFrames } from './frames.ts';

const HEADER = {
  file_schema: 'urn:ietf:params:qlog:file:sequential',
  serialization_format: 'application/qlog+json-seq',
} as const;
/** quic-events-13 §2.1: the number of the draft is part of the name. */
const EVENT_SCHEMA = 'urn:ietf:params:qlog:events:quic-13';
export const VERSION = version(QUIC_V1);

export const PACKET_TYPE = {
  initial: 'initial',
  '0rtt': '0RTT',
  handshake: 'handshake',
  '1rtt': '1RTT',
} as const;

/** main-schema-14 §5, §7.1. */
export function header({ odcid, vantage, unixMs }: { odcid: string; vantage: string; unixMs: number }): Json {
  return {
    ...HEADER,
    title: `RouteLab ${vantage}`,
    trace: {
      common_fields: {
        group_id: odcid,
        time_format: 'relative_to_epoch',
        reference_time: {
          clock_type: 'monotonic',
          epoch: 'unknown',
          wall_clock_time: new Date(unixMs).toISOString(),
        },
      },
      vantage_point: { name: 'RouteLab', type: vantage },
      event_schemas: [EVENT_SCHEMA],
    },
  };
}

/** §8.8 of quic-events-13; raw as main-schema-14 §10 has it, the payload without its tag. */
export function packetData(packet: ObservedPacket, datagram_id: number, ackDelayExponent: number): Json {
  const { scid, token, keyPhase, length, payload } = packet;
  return {
    header: {
      packet_type: PACKET_TYPE[packet.type],
      packet_number: packet.packetNumber,
      ...(scid && { version: VERSION, scid: scid.toString('hex'), dcid: packet.dcid.toString('hex') }),
      ...(length !== null && { length }),
      // Which kind it is the client knows by what went before; its bytes are a secret of the server's.
      ...(token && token.length > 0 && { token: { raw: { length: token.length } } }),
      ...(keyPhase !== null && { key_phase: keyPhase }),
    },
    frames: qlogFrames(payload, ackDelayExponent),
    raw: { length: packet.bytes, payload_length: payload.length },
    datagram_id,
  };
}

/** §8.5. */
export function endpoint({ address, port }: PathAddress): Json {
  return address.includes(':') ? { ip_v6: address, port_v6: port } : { ip_v4: address, port_v4: port };
}

/** §8.1. */
export function version(number: number): string {
  return number.toString(16).padStart(8, '0');
}
