import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader, varintSize, Writer } from '../../../src/main/quic/wire/cursor.ts';
import { QuicError, TransportError } from '../../../src/main/quic/wire/errors.ts';

describe('variable-length integers', () => {
  it('decode the samples of RFC 9000 §A.1', () => {
    const samples: [string, number][] = [
      ['9d7f3e7d', 494_878_333],
      ['7bbd', 15_293],
      ['25', 37],
      ['4025', 37],
    ];
    for (const [hex, value] of samples) expect(new Reader(Buffer.from(hex, 'hex')).varint()).toBe(value);
    // 151,288,809,941,952,652 needs 58 bits: more than a number holds exactly.
    expect(new Reader(Buffer.from('c2197c5eff14e88c', 'hex')).varint()).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('read back as written, in the shortest form', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 53 }), (n, shift) => {
        const value = Math.floor(n / 2 ** shift);
        const w = new Writer(Buffer.alloc(8));
        w.varint(value);
        expect(w.pos).toBe(varintSize(value));
        const r = new Reader(w.buf, 0, w.pos);
        expect(r.varint()).toBe(value);
        expect(r.remaining).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('keep the boundaries of each size', () => {
    for (const [value, size] of [
      [63, 1],
      [64, 2],
      [16_383, 2],
      [16_384, 4],
      [1_073_741_823, 4],
      [1_073_741_824, 8],
      [Number.MAX_SAFE_INTEGER, 8],
    ] as const) {
      const w = new Writer(Buffer.alloc(8));
      w.varint(value);
      expect(w.pos).toBe(size);
      expect(new Reader(w.buf).varint()).toBe(value);
    }
  });

  it('saturate just above 2^53-1', () => {
    expect(new Reader(Buffer.from('c01fffffffffffff', 'hex')).varint()).toBe(Number.MAX_SAFE_INTEGER);
    expect(new Reader(Buffer.from('c020000000000000', 'hex')).varint()).toBe(Number.MAX_SAFE_INTEGER);
    expect(new Reader(Buffer.from('ffffffffffffffff', 'hex')).varint()).toBe(Number.MAX_SAFE_INTEGER);
  });

  it('that are cut off throw FRAME_ENCODING_ERROR with the frame being read', () => {
    const r = new Reader(Buffer.from('c2197c5eff14e8', 'hex'));
    r.frameType = 0x10;
    expect(r.tryVarint()).toBe(-1);
    expect(r.pos).toBe(0);
    try {
      r.varint();
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(QuicError);
      expect(error).toMatchObject({ code: TransportError.FRAME_ENCODING_ERROR, frameType: 0x10 });
    }
  });

  it('can be forced to two bytes', () => {
    const w = new Writer(Buffer.alloc(2));
    w.varint2(5);
    expect(w.buf.toString('hex')).toBe('4005');
  });
});

describe('fixed-width fields', () => {
  it('read back as written', () => {
    const w = new Writer(Buffer.alloc(12));
    w.u8(0xfe);
    w.u16(0xfedc);
    w.u24(0xfedcba);
    w.u32(0xfedcba98);
    w.bytes(Buffer.from([1, 2]));
    expect(w.room).toBe(0);
    const r = new Reader(w.buf);
    expect([r.u8(), r.u16(), r.u24(), r.u32()]).toEqual([0xfe, 0xfedc, 0xfedcba, 0xfedcba98]);
    expect(r.bytes(2)).toEqual(Buffer.from([1, 2]));
    expect(r.remaining).toBe(0);
  });

  it('stop at the end given, though the buffer goes on', () => {
    const r = new Reader(Buffer.alloc(10), 2, 4);
    expect(r.remaining).toBe(2);
    expect(() => r.u24()).toThrow(QuicError);
    expect(() => r.bytes(3)).toThrow(QuicError);
    expect(r.u16()).toBe(0);
    expect(() => r.u8()).toThrow(QuicError);
    const w = new Writer(Buffer.alloc(10), 2, 4);
    expect(() => w.u24(1)).toThrow(RangeError);
    expect(() => w.bytes(Buffer.alloc(3))).toThrow(RangeError);
    expect(w.pos).toBe(2);
  });
});
