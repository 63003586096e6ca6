import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  decodeEcho,
  decodeGreeting,
  decodeReport,
  decodeRequest,
  encodeEcho,
  encodeGreeting,
  encodeReport,
  encodeRequest,
  Prefix,
  REQUEST_BYTES,
  type TransferRequest,
} from '../../src/main/probe/protocol.ts';

const count = fc.maxSafeNat();
const request: fc.Arbitrary<TransferRequest> = fc
  .record({
    kind: fc.constantFrom('download' as const, 'upload' as const, 'echo' as const),
    bytes: count,
    durationMs: fc.nat(0xffff_ffff),
  })
  .filter(({ bytes, durationMs }) => bytes + durationMs > 0);

describe('routelab/1 codec', () => {
  it('reads back every request it writes', () => {
    fc.assert(
      fc.property(request, (r) => {
        expect(decodeRequest(encodeRequest(r))).toEqual(r);
      }),
    );
  });

  it('reads back every report and every echo it writes', () => {
    fc.assert(
      fc.property(count, count, fc.integer({ min: 8, max: 1200 }), (bytes, durationUs, length) => {
        expect(decodeReport(encodeReport({ bytes, durationUs }))).toEqual({ bytes, durationUs });
        expect(decodeEcho(encodeEcho(bytes, length))).toBe(bytes);
      }),
    );
  });

  it('reads back every greeting it writes, of names that a kernel can have', () => {
    const name = fc.option(fc.stringMatching(/^[a-z0-9_-]{1,15}$/));
    fc.assert(
      fc.property(fc.nat(255), name, (code, congestion) => {
        expect(decodeGreeting(encodeGreeting({ code, congestion }))).toEqual({ code, congestion });
      }),
    );
    expect(decodeGreeting(Buffer.alloc(15))).toBeNull();
    expect(decodeGreeting(Buffer.alloc(16, 0xff))).toBeNull();
  });

  it('never throws, whatever the bytes, and accepts only what it would write', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40 }), (bytes) => {
        const data = Buffer.from(bytes);
        decodeEcho(data);
        const report = decodeReport(data);
        if (report !== null) expect(encodeReport(report)).toEqual(data);
        const decoded = decodeRequest(data);
        if (decoded !== null) expect(encodeRequest(decoded)).toEqual(data);
      }),
    );
  });

  it('refuses unknown kinds, reserved bits, missing limits and numbers beyond 2^53', () => {
    const valid = encodeRequest({ kind: 'download', bytes: 1, durationMs: 0 });
    const altered = (offset: number, value: number): Buffer => {
      const copy = Buffer.from(valid);
      copy[offset] = value;
      return copy;
    };
    expect(decodeRequest(altered(0, 3))).toBeNull();
    expect(decodeRequest(altered(2, 1))).toBeNull();
    expect(decodeRequest(altered(15, 0))).toBeNull();
    expect(decodeRequest(altered(8, 0x80))).toBeNull();
    expect(decodeRequest(valid.subarray(1))).toBeNull();
  });

  it('collects a header however the stream is cut', () => {
    fc.assert(
      fc.property(request, fc.array(fc.nat(6), { maxLength: 30 }), (r, cuts) => {
        const stream = Buffer.concat([encodeRequest(r), Buffer.from('payload')]);
        const prefix = new Prefix(REQUEST_BYTES);
        let at = 0;
        for (const cut of [...cuts, stream.length]) {
          const piece = stream.subarray(at, at + cut);
          at += piece.length;
          const split = prefix.push(piece);
          if (split === null) continue;
          expect(decodeRequest(split.head)).toEqual(r);
          expect(Buffer.concat([split.rest, stream.subarray(at)]).toString()).toBe('payload');
          return;
        }
      }),
    );
  });
});
