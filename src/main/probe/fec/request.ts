/** The request that begins FEC in one direction of a connection, and the records on its stream, as bytes: docs/probe-protocol.md. */
import { z } from 'zod';
import { FecCounts } from '../../../shared/fec.ts';
import { Spread } from '../../../shared/spread.ts';
import { MOST_REPAIR, MOST_SOURCE, type Scheme } from './code.ts';

/** Kind of the request. */
export const FEC = 5;

export interface FecRequest {
  kind: 'fec';
  /** `up`: the client sends. `down`: the server. */
  direction: 'up' | 'down';
  scheme: Scheme;
  /** Source packets of a group, and repair packets at first. */
  k: number;
  r: number;
  /** The sender changes r by what the receiver reports. */
  adaptive: boolean;
  durationMs: number;
  /** Source packets per second, to three decimals. */
  ratePerS: number;
  /** Bytes of a source packet. */
  packetBytes: number;
}

/** The sending time that each packet begins with, microseconds of the sender's clock. */
export const STAMP_BYTES = 8;
const FEC_LIMITS = {
  ratePerS: { least: 1, most: 5000 },
  packetBytes: { least: 16, most: 1200 },
  /** Of the source packets of one group. */
  spanMs: 10_000,
} as const;

const SCHEME_CODES = { xor: 1, rs: 2 } as const satisfies Record<Scheme, number>;
const DIRECTIONS = { up: 1, down: 2 } as const;
const ADAPTIVE = 0x80;

export function encodeFecRequest(request: FecRequest): Buffer {
  const out = Buffer.alloc(16);
  out[0] = FEC;
  out[1] = SCHEME_CODES[request.scheme] | (request.adaptive ? ADAPTIVE : 0);
  out[2] = request.k;
  out[3] = request.r;
  out.writeUInt32BE(request.durationMs, 4);
  out.writeUInt32BE(Math.round(request.ratePerS * 1000), 8);
  out.writeUInt16BE(request.packetBytes, 12);
  out[14] = DIRECTIONS[request.direction];
  return out;
}

/** Reads the 16 bytes of a request of kind FEC; null when it is none that is served. */
export function decodeFecRequest(header: Buffer): FecRequest | null {
  const code = header[1]! & ~ADAPTIVE;
  const scheme = code === SCHEME_CODES.xor ? 'xor' : code === SCHEME_CODES.rs ? 'rs' : null;
  const direction = header[14] === DIRECTIONS.up ? 'up' : header[14] === DIRECTIONS.down ? 'down' : null;
  const [k, r] = [header[2]!, header[3]!];
  const durationMs = header.readUInt32BE(4);
  const ratePerS = header.readUInt32BE(8) / 1000;
  const packetBytes = header.readUInt16BE(12);
  if (scheme === null || direction === null || header[15] !== 0) return null;
  if (k < 1 || k > MOST_SOURCE || r > MOST_REPAIR || durationMs === 0) return null;
  const { ratePerS: rates, packetBytes: sizes, spanMs } = FEC_LIMITS;
  if (ratePerS < rates.least || ratePerS > rates.most || (k / ratePerS) * 1000 > spanMs) return null;
  if (packetBytes < sizes.least || packetBytes > sizes.most) return null;
  const adaptive = (header[1]! & ADAPTIVE) !== 0;
  return { kind: 'fec', direction, scheme, k, r, adaptive, durationMs, ratePerS, packetBytes };
}

/** How long a receiver keeps a group open: what its sources take twice over, and a second for the path. */
export const holdMs = ({ k, ratePerS }: Pick<FecRequest, 'k' | 'ratePerS'>): number =>
  (2000 * k) / ratePerS + 1000;

/** All packets that a sender may make, in groups; the last is filled up. */
export const mostGroups = ({ k, ratePerS, durationMs }: FecRequest): number =>
  Math.ceil(((durationMs / 1000) * ratePerS + 1) / k) + 1;

const whole = z.number().int().min(0);
const FecRecord = z.discriminatedUnion('type', [
  /** The server: it is served. */
  z.object({ type: z.literal('ready') }),
  /** The receiver, now and then, and last of all. */
  z.object({
    type: z.literal('report'),
    counts: FecCounts,
    /** Source packets that have not come, of groups that are open and not the newest: most likely they are lost. */
    missing: whole.default(0),
    extraDelayUs: Spread.nullable(),
  }),
  /** The sender, after its last packet. */
  z.object({
    type: z.literal('end'),
    source: whole,
    repair: whole,
    skipped: whole,
    groups: whole,
    lastK: whole,
    groupsByRepair: z.array(whole).max(MOST_REPAIR + 1),
  }),
]);
export type FecRecord = z.infer<typeof FecRecord>;
export type FecSent = Extract<FecRecord, { type: 'end' }>;
export type FecReport = Extract<FecRecord, { type: 'report' }>;

const LENGTH_BYTES = 2;
const MOST_BYTES = 2048;

export function encodeRecord(record: FecRecord): Buffer {
  const content = Buffer.from(JSON.stringify(record));
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt16BE(content.length);
  return Buffer.concat([length, content]);
}

/** Reads records off a stream, however it is cut. */
export class RecordReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Null, from then on too, for what is no record. */
  push(data: Buffer): FecRecord[] | null {
    this.#rest = Buffer.concat([this.#rest, data]);
    const records: FecRecord[] = [];
    while (this.#rest.length >= LENGTH_BYTES) {
      const end = LENGTH_BYTES + this.#rest.readUInt16BE(0);
      if (end > LENGTH_BYTES + MOST_BYTES) return null;
      if (this.#rest.length < end) break;
      const record = parse(this.#rest.subarray(LENGTH_BYTES, end));
      if (record === null) return null;
      records.push(record);
      this.#rest = this.#rest.subarray(end);
    }
    return records;
  }
}

function parse(content: Buffer): FecRecord | null {
  try {
    return FecRecord.parse(JSON.parse(content.toString()));
  } catch {
    return null;
  }
}
