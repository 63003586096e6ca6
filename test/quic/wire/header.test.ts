import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Writer } from '../../../src/main/quic/wire/cursor.ts';
import {
  decodePacketNumber,
  packetNumberLength,
  parseHeader,
  patchLength,
  QUIC_V1,
  writeLongHeader,
  writeShortHeader,
  writeVersionNegotiation,
} from '../../../src/main/quic/wire/header.ts';

const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((data) => Buffer.from(data));
const pnLength = fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const);

describe('long headers', () => {
  it('parse as they were written, also behind another packet', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('initial' as const, '0rtt' as const, 'handshake' as const),
        bytes(20),
        bytes(20),
        bytes(80),
        fc.nat(0xffff_ffff),
        pnLength,
        fc.integer({ min: 0, max: 1300 }),
        fc.integer({ min: 0, max: 60 }),
        fc.integer({ min: 0, max: 40 }),
        (type, dcid, scid, token, packetNumber, length, payload, start, after) => {
          const w = new Writer(Buffer.alloc(2000), start);
          const { pnOffset, lengthOffset } = writeLongHeader(w, {
            type,
            version: QUIC_V1,
            dcid,
            scid,
            token,
            packetNumber,
            pnLength: length,
          });
          expect(w.pos).toBe(pnOffset + length);
          const end = w.pos + payload;
          patchLength(w.buf, lengthOffset, end - pnOffset);
          expect(parseHeader(w.buf.subarray(0, end + after), start, 8)).toEqual({
            form: 'long',
            type,
            version: QUIC_V1,
            dcid,
            scid,
            token: type === 'initial' ? token : Buffer.alloc(0),
            start,
            pnOffset,
            end,
          });
          expect(w.buf.readUIntBE(pnOffset, length)).toBe(packetNumber % 2 ** (8 * length));
        },
      ),
    );
  });

  it('that claim more bytes than the datagram has are dropped', () => {
    const w = new Writer(Buffer.alloc(100));
    const { pnOffset, lengthOffset } = writeLongHeader(w, {
      type: 'handshake',
      version: QUIC_V1,
      dcid: Buffer.alloc(8),
      scid: Buffer.alloc(8),
      packetNumber: 0,
      pnLength: 1,
    });
    patchLength(w.buf, lengthOffset, 100 - pnOffset);
    expect(parseHeader(w.buf, 0, 8)).not.toBeNull();
    expect(parseHeader(w.buf.subarray(0, 99), 0, 8)).toBeNull();
  });

  it('of version 1 with a connection ID over 20 bytes or without the fixed bit are dropped (RFC 9000 §17.2)', () => {
    const packet = (first: number, dcidLength: number) =>
      Buffer.concat([
        Buffer.from([first, 0, 0, 0, 1, dcidLength]),
        Buffer.alloc(dcidLength),
        Buffer.from([0, 0, 1, 0]),
      ]);
    expect(parseHeader(packet(0xc0, 20), 0, 8)).toMatchObject({ type: 'initial' });
    expect(parseHeader(packet(0xc0, 21), 0, 8)).toBeNull();
    expect(parseHeader(packet(0x80, 20), 0, 8)).toBeNull();
  });

  it('of an unknown version give what RFC 8999 fixes, connection IDs of any length included', () => {
    const dcid = Buffer.alloc(255, 1);
    const scid = Buffer.alloc(30, 2);
    const packet = Buffer.concat([
      Buffer.from([0x80, 0xfa, 0xce, 0xb0, 0x02, 255]),
      dcid,
      Buffer.from([30]),
      scid,
      Buffer.alloc(10),
    ]);
    expect(parseHeader(packet, 0, 8)).toEqual({
      form: 'unknown-version',
      version: 0xfaceb002,
      dcid,
      scid,
      start: 0,
      end: packet.length,
    });
  });

  it('of the Retry in RFC 9001 §A.4 give its token', () => {
    const retry = Buffer.from(
      'ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba',
      'hex',
    );
    expect(parseHeader(retry, 0, 8)).toMatchObject({
      type: 'retry',
      dcid: Buffer.alloc(0),
      scid: Buffer.from('f067a5502a4262b5', 'hex'),
      token: Buffer.from('token'),
      pnOffset: retry.length - 16,
      end: retry.length,
    });
    expect(parseHeader(retry.subarray(0, 30), 0, 8)).toBeNull();
  });
});

describe('version negotiation', () => {
  it('parses as it was written', () => {
    fc.assert(
      fc.property(
        bytes(255),
        bytes(255),
        fc.array(fc.nat(0xffff_ffff), { minLength: 1, maxLength: 10 }),
        (dcid, scid, versions) => {
          const packet = writeVersionNegotiation(dcid, scid, versions);
          expect(parseHeader(packet, 0, 8)).toEqual({
            form: 'version',
            dcid,
            scid,
            versions,
            start: 0,
            end: packet.length,
          });
        },
      ),
    );
  });

  it('without a whole list of versions is dropped', () => {
    expect(parseHeader(writeVersionNegotiation(Buffer.alloc(8), Buffer.alloc(8), []), 0, 8)).toBeNull();
    const packet = writeVersionNegotiation(Buffer.alloc(8), Buffer.alloc(8), [1, 2]);
    expect(parseHeader(packet.subarray(0, packet.length - 1), 0, 8)).toBeNull();
  });
});

describe('short headers', () => {
  it('parse as they were written', () => {
    fc.assert(
      fc.property(
        bytes(20),
        fc.constantFrom(0 as const, 1 as const),
        fc.constantFrom(0 as const, 1 as const),
        fc.nat(0xffff_ffff),
        pnLength,
        fc.integer({ min: 0, max: 60 }),
        (dcid, keyPhase, spin, packetNumber, length, start) => {
          const w = new Writer(Buffer.alloc(200), start);
          const { pnOffset } = writeShortHeader(w, { dcid, keyPhase, spin, packetNumber, pnLength: length });
          expect(w.pos).toBe(pnOffset + length);
          expect(w.buf[start]).toBe(0x40 | (spin << 5) | (keyPhase << 2) | (length - 1));
          expect(parseHeader(w.buf, start, dcid.length)).toEqual({
            form: 'short',
            dcid,
            start,
            pnOffset,
            end: 200,
          });
        },
      ),
    );
  });

  it('without the fixed bit, or shorter than the connection ID, are dropped', () => {
    expect(parseHeader(Buffer.alloc(40, 0x3f), 0, 8)).toBeNull();
    expect(parseHeader(Buffer.alloc(8, 0x40), 0, 8)).toBeNull();
    expect(parseHeader(Buffer.alloc(9, 0x40), 0, 8)).toMatchObject({ pnOffset: 9, end: 9 });
  });
});

it('parseHeader takes arbitrary bytes without throwing, and ends within them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(130), fc.nat(20), (data, start, length) => {
      const header = parseHeader(Buffer.from(data), start, length);
      if (header === null) return;
      expect(header.start).toBe(start);
      expect(header.end).toBeGreaterThan(start);
      expect(header.end).toBeLessThanOrEqual(data.length);
      if ('pnOffset' in header) expect(header.pnOffset).toBeLessThanOrEqual(header.end);
    }),
    { numRuns: 3000 },
  );
});

describe('packet numbers', () => {
  it('take as many bytes as RFC 9000 §A.2 says', () => {
    expect(packetNumberLength(0xac5c02, 0xabe8b3)).toBe(2);
    expect(packetNumberLength(0xace8fe, 0xabe8b3)).toBe(3);
    expect(packetNumberLength(0, -1)).toBe(1);
    expect(packetNumberLength(127, -1)).toBe(1);
    expect(packetNumberLength(128, -1)).toBe(2);
  });

  it('decode the sample of RFC 9000 §A.3', () => {
    expect(decodePacketNumber(0x9b32, 2, 0xa82f30ea)).toBe(0xa82f9b32);
  });

  it('are restored by any receiver that has seen no more than half a window ahead and all that was acknowledged', () => {
    fc.assert(
      fc.property(fc.nat(2 ** 31 - 1), fc.nat(2 ** 31 - 2), fc.nat(2 ** 31 - 1), (base, ahead, seen) => {
        const largestAcked = base - 1;
        const full = largestAcked + 1 + ahead;
        const length = packetNumberLength(full, largestAcked);
        // The receiver has seen at least what was acknowledged and at most the packet before this one.
        const largestReceived = largestAcked + (seen % (ahead + 1));
        expect(decodePacketNumber(full % 2 ** (8 * length), length, largestReceived)).toBe(full);
      }),
      { numRuns: 2000 },
    );
  });
});
