import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  HUFFMAN_CODES,
  huffmanDecode,
  huffmanEncode,
  huffmanSize,
} from '../../../src/main/quic/http3/huffman.ts';

const bits = ({ code, bits }: { code: number; bits: number }): string => code.toString(2).padStart(bits, '0');

describe('the Huffman code', () => {
  it('is prefix-free and complete', () => {
    const words = HUFFMAN_CODES.map(bits).sort();
    expect(words).toHaveLength(257);
    // In sorted order a prefix stands right before what it begins.
    words.forEach((word, i) => {
      if (i > 0) expect(word.startsWith(words[i - 1]!)).toBe(false);
    });
    expect(HUFFMAN_CODES.reduce((sum, code) => sum + 2 ** -code.bits, 0)).toBe(1);
  });

  it.each([
    [0, 0x1ff8, 13],
    [10, 0x3ffffffc, 30],
    [32, 0x14, 6],
    [48, 0x0, 5],
    [92, 0x7fff0, 19],
    [97, 0x3, 5],
    [127, 0xffffffc, 28],
    [128, 0xfffe6, 20],
    [199, 0x1ffffec, 25],
    [249, 0xffffffe, 28],
    [255, 0x3ffffee, 26],
    [256, 0x3fffffff, 30],
  ])('gives symbol %i the code of RFC 7541 Appendix B', (symbol, code, bits) => {
    expect(HUFFMAN_CODES[symbol]).toEqual({ code, bits });
  });

  it.each([
    ['www.example.com', 'f1e3c2e5f23a6ba0ab90f4ff'],
    ['no-cache', 'a8eb10649cbf'],
    ['custom-key', '25a849e95ba97d7f'],
    ['custom-value', '25a849e95bb8e8b4bf'],
    ['302', '6402'],
    ['private', 'aec3771a4b'],
    ['Mon, 21 Oct 2013 20:13:21 GMT', 'd07abe941054d444a8200595040b8166e082a62d1bff'],
    ['https://www.example.com', '9d29ad171863c78f0b97c8e9ae82ae43d3'],
    ['307', '640eff'],
    ['Mon, 21 Oct 2013 20:13:22 GMT', 'd07abe941054d444a8200595040b8166e084a62d1bff'],
    ['gzip', '9bd9ab'],
    [
      'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1',
      '94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ],
  ])('writes and reads %j as RFC 7541 Appendix C', (text, hex) => {
    expect(huffmanEncode(Buffer.from(text)).toString('hex')).toBe(hex);
    expect(huffmanDecode(Buffer.from(hex, 'hex'))?.toString()).toBe(text);
  });

  it('reads back what it wrote, in the size it said', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (data) => {
        const encoded = huffmanEncode(data);
        expect(encoded).toHaveLength(huffmanSize(data));
        expect(huffmanDecode(encoded)).toEqual(Buffer.from(data));
      }),
    );
  });

  it('reads any octets as null or as what encodes to them again', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        const decoded = huffmanDecode(data);
        if (decoded) expect(huffmanEncode(decoded)).toEqual(Buffer.from(data));
      }),
      { numRuns: 5000 },
    );
  });

  it.each([
    ['eight bits of padding', '07ff'],
    ['padding with a zero in it', '06'],
    ['EOS', 'ffffffff'],
  ])('refuses %s', (_, hex) => {
    expect(huffmanDecode(Buffer.from(hex, 'hex'))).toBeNull();
  });
});
