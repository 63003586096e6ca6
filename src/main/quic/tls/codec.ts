/**
 * TLS presentation language (RFC 8446 §3) over the wire room's Reader: vectors with a length prefix, and one
 * place where a truncated or oversized field becomes decode_error.
 */
import { Reader } from '../wire/cursor.ts';
import { QuicError } from '../wire/errors.ts';
import { Alert } from './alerts.ts';
import { TlsAlert } from './types.ts';

type LengthBytes = 1 | 2 | 3;

/** Parses all of `bytes`. Throws TlsAlert decode_error when a field is cut off or bytes are left over (§6.2). */
export function decode<T>(bytes: Buffer, what: string, parse: (r: Reader) => T): T {
  const reader = new Reader(bytes);
  let value: T;
  try {
    value = parse(reader);
  } catch (error) {
    if (error instanceof QuicError) throw malformed(`${what} is truncated`);
    throw error;
  }
  if (reader.remaining > 0) throw malformed(`${reader.remaining} bytes left over in ${what}`);
  return value;
}

export const malformed = (message: string): TlsAlert => new TlsAlert(Alert.decode_error, message);

const readLength = (r: Reader, lengthBytes: LengthBytes): number =>
  lengthBytes === 1 ? r.u8() : lengthBytes === 2 ? r.u16() : r.u24();

/** `opaque x<min..2^n-1>` as a view. */
export function opaque(r: Reader, lengthBytes: LengthBytes, min = 0): Buffer {
  const length = readLength(r, lengthBytes);
  if (length < min) throw malformed(`vector of ${length} bytes where at least ${min} are required`);
  return r.bytes(length);
}

/** `T x<min..2^n-1>`: reads items until the vector is used up; an item that crosses its end is decode_error. */
export function list<T>(r: Reader, lengthBytes: LengthBytes, min: number, item: (r: Reader) => T): T[] {
  const inner = new Reader(opaque(r, lengthBytes, min));
  const items: T[] = [];
  while (inner.remaining > 0) items.push(item(inner));
  return items;
}

export function uint(value: number, length: LengthBytes): Buffer {
  const out = Buffer.allocUnsafe(length);
  out.writeUIntBE(value, 0, length);
  return out;
}

/** The parts behind one length prefix. */
export function vector(lengthBytes: LengthBytes, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  return Buffer.concat([uint(length, lengthBytes), ...parts]);
}
