/** SETTINGS (RFC 9114 §7.2.4, RFC 9204 §5). */
import { Reader, varintSize, Writer } from '../wire/cursor.ts';
import { Http3Code, Http3Error } from './errors.ts';

export const Setting = {
  QPACK_MAX_TABLE_CAPACITY: 0x1,
  MAX_FIELD_SECTION_SIZE: 0x6,
  QPACK_BLOCKED_STREAMS: 0x7,
} as const;

/** RFC 9114 §7.2.4.1: settings of HTTP/2 that are an error here. */
const HTTP2_ONLY: readonly number[] = [0x0, 0x2, 0x3, 0x4, 0x5];

export type Settings = ReadonlyMap<number, number>;

/** The payload of a SETTINGS frame. */
export function encodeSettings(settings: Settings): Buffer {
  const size = [...settings].reduce((sum, [id, value]) => sum + varintSize(id) + varintSize(value), 0);
  const w = new Writer(Buffer.alloc(size));
  for (const [id, value] of settings) {
    w.varint(id);
    w.varint(value);
  }
  return w.buf;
}

/** Unknown settings are kept: they mean nothing. @throws Http3Error SETTINGS_ERROR, FRAME_ERROR */
export function decodeSettings(payload: Buffer): Settings {
  const settings = new Map<number, number>();
  const r = new Reader(payload);
  while (r.remaining > 0) {
    const id = r.tryVarint();
    const value = r.tryVarint();
    if (id < 0 || value < 0) throw new Http3Error(Http3Code.FRAME_ERROR, 'a setting is cut off');
    if (HTTP2_ONLY.includes(id)) throw new Http3Error(Http3Code.SETTINGS_ERROR, `setting ${id} of HTTP/2`);
    if (settings.has(id)) throw new Http3Error(Http3Code.SETTINGS_ERROR, `setting ${id} comes twice`);
    settings.set(id, value);
  }
  return settings;
}
