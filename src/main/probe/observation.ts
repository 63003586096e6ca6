/**
 * What a server tells of its own end of a connection: records on the stream of an ObserveRequest, as bytes. Each is its type,
 * one byte, its length, four bytes, and that much content. docs/probe-protocol.md describes them.
 */
import { z } from 'zod';
import type { CongestionSeries } from '../../shared/congestion-series.ts';
import { Controller, ControllerParameters } from '../../shared/domain.ts';
import { LabError } from '../../shared/errors.ts';
import { ProbeTransport } from '../../shared/probes.ts';
import { decodeSeries, encodeSeries } from '../../shared/series-codec.ts';
import type { ConnectionStats } from '../quic/udp/api.ts';

/** The controller a client would have the server use. */
const ControllerWish = z.strictObject({ name: Controller, parameters: ControllerParameters });
export type ControllerWish = z.infer<typeof ControllerWish>;

const MAX_NAME_CHARS = 64;
const Told = ProbeTransport.omit({ vantage: true }).extend({
  controller: z.string().max(MAX_NAME_CHARS).nullable(),
});

export type Observation =
  /** First of all: the controller's name, as in force now. */
  | { type: 'controller'; name: string }
  /** Ahead even of it: the client's wish is not followed. */
  | { type: 'declined' }
  | { type: 'series'; series: CongestionSeries }
  /** Before the stream ends. */
  | { type: 'transport'; transport: ProbeTransport };

const TYPES = { controller: 1, series: 2, transport: 3, declined: 4 } as const;
const HEADER_BYTES = 5;
const MAX_RECORD_BYTES = 1_048_576;

export const encodeWish = (wish: ControllerWish): Buffer => Buffer.from(JSON.stringify(wish));

/** Null for what is no wish for a controller of this version. */
export function decodeWish(bytes: Buffer): ControllerWish | null {
  return parsed(ControllerWish, bytes);
}

export function encodeObservation(observation: Observation): Buffer {
  const content = contentOf(observation);
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = TYPES[observation.type];
  header.writeUInt32BE(content.length, 1);
  return Buffer.concat([header, content]);
}

function contentOf(observation: Observation): Buffer {
  switch (observation.type) {
    case 'controller':
      return Buffer.from(observation.name);
    case 'declined':
      return Buffer.alloc(0);
    case 'series':
      return Buffer.from(encodeSeries(observation.series));
    case 'transport': {
      const { vantage, ...told } = observation.transport;
      return Buffer.from(JSON.stringify(told));
    }
  }
}

/** Reads records off a stream, however it is cut. Throws LabError RL_PEER_CLOSED for what is none. */
export class ObservationReader {
  #rest: Buffer = Buffer.alloc(0);

  push(data: Buffer): Observation[] {
    this.#rest = Buffer.concat([this.#rest, data]);
    const observations: Observation[] = [];
    while (this.#rest.length >= HEADER_BYTES) {
      const length = this.#rest.readUInt32BE(1);
      if (length > MAX_RECORD_BYTES) throw unreadable();
      const end = HEADER_BYTES + length;
      if (this.#rest.length < end) break;
      observations.push(read(this.#rest[0]!, this.#rest.subarray(HEADER_BYTES, end)));
      this.#rest = this.#rest.subarray(end);
    }
    return observations;
  }
}

function read(type: number, content: Buffer): Observation {
  if (type === TYPES.controller)
    return { type: 'controller', name: content.toString().slice(0, MAX_NAME_CHARS) };
  if (type === TYPES.declined) return { type: 'declined' };
  if (type === TYPES.series) {
    try {
      return { type: 'series', series: decodeSeries(content) };
    } catch (error) {
      throw unreadable(error);
    }
  }
  const told = type === TYPES.transport ? parsed(Told, content) : null;
  if (told === null) throw unreadable();
  return { type: 'transport', transport: { vantage: 'server', ...told } };
}

function parsed<T>(schema: z.ZodType<T>, bytes: Buffer): T | null {
  try {
    return schema.parse(JSON.parse(bytes.toString()));
  } catch {
    return null;
  }
}

const unreadable = (cause?: unknown): LabError =>
  new LabError('RL_PEER_CLOSED', 'The server told something unreadable of its congestion controller', {
    cause,
  });

export function transportOf(vantage: ProbeTransport['vantage'], stats: ConnectionStats): ProbeTransport {
  return {
    vantage,
    controller: stats.controller,
    cwndBytes: stats.cwndBytes,
    pacingBps: stats.pacingBps,
    inFlightBytes: stats.bytesInFlight,
    datagramBytes: stats.datagramBytes,
    minRttUs: stats.minRttUs,
    smoothedRttUs: stats.smoothedRttUs,
    rttVarUs: stats.rttVarUs,
    packetsSent: stats.packetsSent,
    packetsReceived: stats.packetsReceived,
    packetsLost: stats.packetsLost,
    bytesLost: stats.bytesLost,
    spuriousLosses: stats.spuriousLosses,
    congestionEvents: stats.congestionEvents,
    persistentCongestions: stats.persistentCongestions,
    ptos: stats.ptoCount,
    retransmitRatio:
      stats.streamBytesSent === 0 ? null : stats.streamBytesRetransmitted / stats.streamBytesSent,
    deliveryRateBps: stats.deliveryRateBps,
    isAppLimited: stats.isAppLimited,
    migrations: stats.migrations,
    congestionResets: stats.congestionResets,
  };
}
