import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Http3Code, Http3Error } from '../../../src/main/quic/http3/errors.ts';
import {
  DecoderStream,
  decodeFieldSection,
  encodeFieldSection,
  fieldSectionSize,
  readEncoderStream,
} from '../../../src/main/quic/http3/qpack.ts';
import { type Field, STATIC_TABLE } from '../../../src/main/quic/http3/static-table.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const decode = (data: Buffer): Field[] | null => decodeFieldSection(data, 1e6);
const codeOf = (act: () => unknown): number => {
  try {
    act();
  } catch (error) {
    if (error instanceof Http3Error) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
};

const latin1 = fc.uint8Array({ maxLength: 40 }).map((octets) => Buffer.from(octets).toString('latin1'));
const field: fc.Arbitrary<Field> = fc.oneof(
  fc.constantFrom(...STATIC_TABLE),
  fc.tuple(fc.constantFrom(...STATIC_TABLE.map(([name]) => name)), latin1),
  fc.tuple(latin1, latin1),
);

describe('a QPACK field section', () => {
  it('reads back as it was written', () => {
    fc.assert(
      fc.property(fc.array(field), (fields) => {
        expect(decode(encodeFieldSection(fields))).toEqual(fields);
      }),
    );
  });

  it('of any octets is fields, or fails to decompress', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), (data) => {
        try {
          decode(Buffer.concat([Buffer.from([0, 0]), data]));
        } catch (error) {
          if (!(error instanceof Http3Error)) throw error;
          expect(error.code).toBe(Http3Code.QPACK_DECOMPRESSION_FAILED);
        }
      }),
      { numRuns: 5000 },
    );
  });

  it('reads the example of RFC 9204 §B.1', () => {
    expect(decode(hex('0000 510b 2f69 6e64 6578 2e68 746d 6c'))).toEqual([[':path', '/index.html']]);
  });

  it('is written with static references, and Huffman strings where they are shorter', () => {
    const fields: Field[] = [
      [':method', 'GET'],
      [':authority', 'www.example.com'],
      ['custom-key', '\x01'],
    ];
    // Index 17; name 0 with a value of 12 octets; a Huffman name, a plain value.
    expect(encodeFieldSection(fields)).toEqual(
      hex('0000 d1 508c f1e3 c2e5 f23a 6ba0 ab90 f4ff 2f01 25a8 49e9 5ba9 7d7f 0101'),
    );
  });

  it('marks what nobody on the way may put into a table', () => {
    const section = encodeFieldSection([
      ['authorization', 'Basic'],
      ['proxy-authorization', 'x'],
    ]);
    // Static name 84 with N; a literal name with N.
    expect(section.subarray(2, 4)).toEqual(hex('7f45'));
    expect(section.indexOf(0x3f)).toBeGreaterThan(0);
    expect(decode(section)).toHaveLength(2);
  });

  it('is measured as RFC 9114 §4.2.2, and not decoded beyond the limit', () => {
    const fields: Field[] = [
      ['a', 'bc'],
      ['server', ''],
    ];
    const size = 3 + 32 + 6 + 32;
    expect(fieldSectionSize(fields)).toBe(size);
    expect(decodeFieldSection(encodeFieldSection(fields), size)).toEqual(fields);
    expect(decodeFieldSection(encodeFieldSection(fields), size - 1)).toBeNull();
  });

  it.each([
    ['that waits for insertions', '0381 10'],
    ['with a negative base', '0080 d1'],
    ['with an indexed dynamic field', '0000 80'],
    ['with a dynamic name', '0000 4001 61'],
    ['with a post-base index', '0000 10'],
    ['with a post-base name', '0000 0001 61'],
    ['with a static index that is none', '0000 ff24'],
    ['with an endless integer', '0000 ff80 8080 8080 8080 8080 80'],
    ['that is cut off in a string', '0000 510b 2f'],
    ['that is cut off in its prefix', '00'],
    ['of nothing', ''],
    ['with a Huffman string that is none', '0000 5181 06'],
  ])('%s fails', (_, text) => {
    expect(codeOf(() => decode(hex(text)))).toBe(Http3Code.QPACK_DECOMPRESSION_FAILED);
  });

  it('takes any base, where nothing is inserted', () => {
    expect(decode(hex('00 7f01 d1'))).toEqual([[':method', 'GET']]);
  });
});

describe('the static table', () => {
  it('has the 99 fields of RFC 9204 Appendix A', () => {
    expect(STATIC_TABLE).toHaveLength(99);
    for (const [index, ...field] of [
      [0, ':authority', ''],
      [15, ':method', 'CONNECT'],
      [24, ':status', '103'],
      [31, 'accept-encoding', 'gzip, deflate, br'],
      [63, ':status', '100'],
      [98, 'x-frame-options', 'sameorigin'],
    ] as const) {
      expect(STATIC_TABLE[index]).toEqual(field);
    }
  });

  it('is referred to with the first index of a name, and the index of each field', () => {
    STATIC_TABLE.forEach((entry, index) => {
      if (entry[0] === 'authorization' || entry[0] === 'cookie' || entry[0] === 'set-cookie') return;
      const reference = index < 63 ? [0, 0, 0xc0 | index] : [0, 0, 0xff, index - 63];
      expect(encodeFieldSection([entry])).toEqual(Buffer.from(reference));
    });
    expect(encodeFieldSection([[':status', '599']]).subarray(0, 4)).toEqual(hex('0000 5f09'));
  });
});

describe('the QPACK streams', () => {
  it('carry a capacity of 0, and no instruction for a table that has no room', () => {
    readEncoderStream(hex('20 20'));
    for (const text of ['3fbd01', 'c0', '4a', '02', '21']) {
      expect(codeOf(() => readEncoderStream(hex(text)))).toBe(Http3Code.QPACK_ENCODER_STREAM_ERROR);
    }
  });

  it('carry cancellations, however they are cut, and no acknowledgement', () => {
    for (const text of ['44', '7f 80 01', '7f 00 44']) {
      const stream = new DecoderStream();
      for (const octet of hex(text)) stream.push(Buffer.from([octet]));
    }
    for (const text of ['84', '00', '01', '44 01', '7f 8080 8080 8080 8080 8080 8001']) {
      expect(codeOf(() => new DecoderStream().push(hex(text)))).toBe(Http3Code.QPACK_DECODER_STREAM_ERROR);
    }
  });
});
