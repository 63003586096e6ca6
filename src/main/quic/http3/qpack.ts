/**
 * QPACK (RFC 9204) without its dynamic table: field sections of static references and literals, and the peer's encoder
 * and decoder streams, on which therefore next to nothing may be said. Names and values are octets as latin1 strings.
 */
import { Http3Code, Http3Error } from './errors.ts';
import { huffmanDecode, huffmanEncode, huffmanSize } from './huffman.ts';
import { type Field, STATIC_TABLE, staticField, staticName } from './static-table.ts';

/** RFC 9114 §4.2.2: what each field counts beside its name and value. */
const FIELD_OVERHEAD = 32;
/** Octets of an integer that are read; those of any length or index we take fit in fewer (RFC 7541 §5.1). */
const MAX_INTEGER_OCTETS = 8;
/** RFC 9204 §7.1.3: not to be put into a table by anybody on the way. */
const SENSITIVE = new Set(['authorization', 'proxy-authorization', 'cookie', 'set-cookie']);

/** RFC 9114 §4.2.2: the size that SETTINGS_MAX_FIELD_SECTION_SIZE limits. */
export const fieldSectionSize = (fields: readonly Field[]): number =>
  fields.reduce((sum, [name, value]) => sum + name.length + value.length + FIELD_OVERHEAD, 0);

/** Encodes a field section that refers to no insertion: it can be decoded whatever else was lost. */
export function encodeFieldSection(fields: readonly Field[]): Buffer {
  // RFC 9204 §4.5.1: Required Insert Count 0, Delta Base 0.
  const parts: Buffer[] = [Buffer.from([0, 0])];
  for (const [name, value] of fields) {
    const isSensitive = SENSITIVE.has(name);
    const whole = isSensitive ? undefined : staticField(name, value);
    if (whole !== undefined) {
      // §4.5.2: 1, T = 1.
      parts.push(integer(whole, 6, 0xc0));
      continue;
    }
    const index = staticName(name);
    // §4.5.4: 01, N, T = 1; §4.5.6: 001, N.
    if (index !== undefined) parts.push(integer(index, 4, isSensitive ? 0x70 : 0x50));
    else parts.push(...string(name, 3, isSensitive ? 0x30 : 0x20));
    parts.push(...string(value, 7, 0));
  }
  return Buffer.concat(parts);
}

/** RFC 7541 §5.1: an integer whose first octet has `flags` above `prefix` bits of it. */
function integer(value: number, prefix: number, flags: number): Buffer {
  const full = (1 << prefix) - 1;
  if (value < full) return Buffer.from([flags | value]);
  const octets = [flags | full];
  let rest = value - full;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) octets.push((rest % 0x80) | 0x80);
  octets.push(rest);
  return Buffer.from(octets);
}

/** RFC 9204 §4.1.2: a string literal, with its H bit just above `prefix` bits of length. */
function string(text: string, prefix: number, flags: number): [Buffer, Buffer] {
  const plain = Buffer.from(text, 'latin1');
  const isShorter = huffmanSize(plain) < plain.length;
  const octets = isShorter ? huffmanEncode(plain) : plain;
  return [integer(octets.length, prefix, flags | (isShorter ? 1 << prefix : 0)), octets];
}

const failed = (message: string): Http3Error => new Http3Error(Http3Code.QPACK_DECOMPRESSION_FAILED, message);

/**
 * Decodes a field section; null when it is larger than `maxSize` (as of `fieldSectionSize`). With a table of capacity 0,
 * as we announce it, a reference to the dynamic table cannot be (RFC 9204 §2.2).
 * @throws Http3Error QPACK_DECOMPRESSION_FAILED
 */
export function decodeFieldSection(block: Buffer, maxSize: number): Field[] | null {
  const r = new Cursor(block);
  if (r.integer(8) !== 0) throw failed('a field section waits for insertions');
  // §4.5.1.2: with nothing inserted, a base below it would be negative; any other is of no consequence.
  const isNegative = (r.peek() & 0x80) !== 0;
  r.integer(7);
  if (isNegative) throw failed('negative base');
  const fields: Field[] = [];
  let size = 0;
  while (!r.isAtEnd) {
    const field = readField(r);
    size += field[0].length + field[1].length + FIELD_OVERHEAD;
    if (size > maxSize) return null;
    fields.push(field);
  }
  return fields;
}

function readField(r: Cursor): Field {
  const first = r.peek();
  // §4.5.2: 1, T, index.
  if (first & 0x80) {
    if (!(first & 0x40)) throw failed('reference to the dynamic table');
    return lookUp(r.integer(6));
  }
  // §4.5.4: 01, N, T, index, value.
  if (first & 0x40) {
    if (!(first & 0x10)) throw failed('name in the dynamic table');
    const [name] = lookUp(r.integer(4));
    return [name, r.string(7)];
  }
  // §4.5.6: 001, N, H, name, value.
  if (first & 0x20) {
    const name = r.string(3);
    return [name, r.string(7)];
  }
  // §4.5.3, §4.5.5.
  throw failed('post-base reference to the dynamic table');
}

function lookUp(index: number): Field {
  const field = STATIC_TABLE[index];
  if (!field) throw failed(`no static field ${index}`);
  return field;
}

/** Reads forward over a field section. Every read that would pass its end throws. */
class Cursor {
  readonly #data: Buffer;
  #pos = 0;

  constructor(data: Buffer) {
    this.#data = data;
  }

  get isAtEnd(): boolean {
    return this.#pos === this.#data.length;
  }

  peek(): number {
    if (this.isAtEnd) throw failed('field section is cut off');
    return this.#data[this.#pos]!;
  }

  integer(prefix: number): number {
    const full = (1 << prefix) - 1;
    let value = this.#octet() & full;
    if (value < full) return value;
    let unit = 1;
    for (let octets = 1; octets < MAX_INTEGER_OCTETS; octets++) {
      const octet = this.#octet();
      value += (octet & 0x7f) * unit;
      if (octet < 0x80) return value;
      unit *= 0x80;
    }
    throw failed('integer out of range');
  }

  string(prefix: number): string {
    const isHuffman = (this.peek() & (1 << prefix)) !== 0;
    const length = this.integer(prefix);
    const end = this.#pos + length;
    if (end > this.#data.length) throw failed('string is cut off');
    const octets = this.#data.subarray(this.#pos, end);
    this.#pos = end;
    const plain = isHuffman ? huffmanDecode(octets) : octets;
    if (!plain) throw failed('not a Huffman string');
    return plain.toString('latin1');
  }

  #octet(): number {
    const octet = this.peek();
    this.#pos++;
    return octet;
  }
}

/**
 * Takes what comes on the peer's encoder stream: into a table of capacity 0 nothing can be inserted, and no larger
 * capacity be set (RFC 9204 §3.2.3, §4.3.1).
 * @throws Http3Error QPACK_ENCODER_STREAM_ERROR
 */
export function readEncoderStream(data: Uint8Array): void {
  /** Set Dynamic Table Capacity 0, whole: 001, capacity in five bits. */
  const SET_CAPACITY_0 = 0x20;
  if (data.every((octet) => octet === SET_CAPACITY_0)) return;
  throw new Http3Error(
    Http3Code.QPACK_ENCODER_STREAM_ERROR,
    'an instruction for a dynamic table that has no room',
  );
}

/** The peer's decoder stream: of what we encode nothing needs an acknowledgement, so only cancellations may come. */
export class DecoderStream {
  /** Octets read of a stream id that goes on; 0 between instructions. */
  #octets = 0;

  /** @throws Http3Error QPACK_DECODER_STREAM_ERROR */
  push(data: Uint8Array): void {
    for (const octet of data) {
      if (this.#octets > 0) {
        this.#octets = octet >= 0x80 ? this.#octets + 1 : 0;
        // A stream id has 62 bits.
        if (this.#octets > 10) throw this.#error('integer out of range');
      } else if ((octet & 0xc0) !== 0x40) {
        // §4.4.1, §4.4.3: for what was never sent.
        throw this.#error('acknowledgement of an insertion never made');
      } else if ((octet & 0x3f) === 0x3f) this.#octets = 1;
    }
  }

  #error(message: string): Http3Error {
    return new Http3Error(Http3Code.QPACK_DECODER_STREAM_ERROR, message);
  }
}
