/** FEC datagrams as bytes; docs/probe-protocol.md describes them, this file is their only encoder and decoder. */
import { MOST_REPAIR, MOST_SOURCE } from './code.ts';

export interface FecDatagram {
  /** Of a group's k source packets, or of its r repair symbols. */
  kind: 'source' | 'repair';
  group: number;
  index: number;
  k: number;
  r: number;
  /** A source packet as it is, or a repair symbol. */
  content: Uint8Array;
}

const HEADER_BYTES = 10;
/** Of a source packet; a repair symbol also covers its length. */
const MOST_CONTENT = 1400;
export const LENGTH_BYTES = 2;

/** First byte: that of an echo, a sequence number of at most 2⁵³, is 0. */
const KINDS = { source: 1, repair: 2 } as const;

export function encodeDatagram({ kind, group, index, k, r, content }: FecDatagram): Buffer {
  const out = Buffer.allocUnsafe(HEADER_BYTES + content.length);
  out[0] = KINDS[kind];
  out[1] = index;
  out[2] = k;
  out[3] = r;
  out.writeUInt32BE(group, 4);
  out.writeUInt16BE(content.length, 8);
  out.set(content, HEADER_BYTES);
  return out;
}

/** Whether it is one of FEC, well or badly made, and not an echo. */
export const isFecDatagram = (payload: Uint8Array): boolean =>
  payload[0] === KINDS.source || payload[0] === KINDS.repair;

/** Null for what is none. `content` is part of `payload`. */
export function decodeDatagram(payload: Buffer): FecDatagram | null {
  if (payload.length < HEADER_BYTES || !isFecDatagram(payload)) return null;
  const kind = payload[0] === KINDS.source ? 'source' : 'repair';
  const [index, k, r] = [payload[1]!, payload[2]!, payload[3]!];
  const group = payload.readUInt32BE(4);
  const content = payload.subarray(HEADER_BYTES);
  if (k < 1 || k > MOST_SOURCE || r > MOST_REPAIR || index >= (kind === 'source' ? k : r)) return null;
  const most = kind === 'source' ? MOST_CONTENT : MOST_CONTENT + LENGTH_BYTES;
  const least = kind === 'source' ? 0 : LENGTH_BYTES;
  if (payload.readUInt16BE(8) !== content.length || content.length > most || content.length < least)
    return null;
  return { kind, group, index, k, r, content };
}
