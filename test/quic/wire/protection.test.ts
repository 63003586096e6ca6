import { getCiphers } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  AES_128_GCM_SHA256,
  AES_256_GCM_SHA384,
  CHACHA20_POLY1305_SHA256,
  supportedSuites,
} from '../../../src/main/quic/tls/suites.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import { decodePacketNumber, parseHeader } from '../../../src/main/quic/wire/header.ts';
import { HeaderBatch } from '../../../src/main/quic/wire/header-protection.ts';
import { PacketProtection } from '../../../src/main/quic/wire/protection.ts';
import { CHACHA20_SHORT, CLIENT_DCID, CLIENT_INITIAL, SERVER_INITIAL } from './rfc9001.ts';

interface Sample {
  header: Buffer;
  pnOffset: number;
  pnLength: number;
  packetNumber: number;
  payload: Buffer;
  packet: Buffer;
}

function seal(keys: PacketProtection, sample: Sample): Buffer {
  const buf = Buffer.alloc(2000);
  sample.header.copy(buf);
  const payloadEnd = sample.header.length + sample.payload.copy(buf, sample.header.length);
  const end = keys.seal(buf, 0, sample.pnOffset, sample.pnLength, payloadEnd, sample.packetNumber);
  return buf.subarray(0, end);
}

function expectOpens(keys: PacketProtection, sample: Sample): void {
  const buf = Buffer.from(sample.packet);
  const header = keys.unprotectHeader(buf, 0, sample.pnOffset, buf.length);
  expect(header).toEqual({
    firstByte: sample.header[0],
    pnLength: sample.pnLength,
    truncated: sample.packetNumber % 2 ** (8 * sample.pnLength),
  });
  expect(buf.subarray(0, sample.header.length)).toEqual(sample.header);
  expect(keys.open(buf, 0, sample.header.length, buf.length, sample.packetNumber)).toEqual(sample.payload);
}

const clientInitial: Sample = {
  ...CLIENT_INITIAL,
  payload: Buffer.concat([CLIENT_INITIAL.crypto], CLIENT_INITIAL.payloadLength),
};
const chacha20 = getCiphers().includes('chacha20-poly1305');

describe('the samples of RFC 9001 Appendix A', () => {
  it('§A.2: the client’s Initial seals to the published packet and opens again', () => {
    const keys = PacketProtection.initial(CLIENT_DCID).client;
    expect(seal(keys, clientInitial)).toEqual(CLIENT_INITIAL.packet);
    expectOpens(keys, clientInitial);
    expect(parseHeader(CLIENT_INITIAL.packet, 0, 8)).toMatchObject({
      type: 'initial',
      dcid: CLIENT_DCID,
      pnOffset: 18,
      end: 1200,
    });
  });

  it('§A.3: the server’s Initial seals to the published packet and opens again', () => {
    const keys = PacketProtection.initial(CLIENT_DCID).server;
    expect(seal(keys, SERVER_INITIAL)).toEqual(SERVER_INITIAL.packet);
    expectOpens(keys, SERVER_INITIAL);
  });

  it.skipIf(!chacha20)(
    '§A.5: the ChaCha20-Poly1305 short header seals to the published packet and opens again',
    () => {
      const keys = PacketProtection.fromSecret(CHACHA20_POLY1305_SHA256, CHACHA20_SHORT.secret);
      expect(seal(keys, CHACHA20_SHORT)).toEqual(CHACHA20_SHORT.packet);
      expectOpens(keys, CHACHA20_SHORT);
      expect(decodePacketNumber(0x00bff4, 3, CHACHA20_SHORT.packetNumber - 1)).toBe(
        CHACHA20_SHORT.packetNumber,
      );
    },
  );

  it.skipIf(!chacha20)(
    '§A.5: the next key phase has the published secret, and keeps the header protection',
    () => {
      const next = PacketProtection.fromSecret(CHACHA20_POLY1305_SHA256, CHACHA20_SHORT.secret).next();
      const fresh = PacketProtection.fromSecret(CHACHA20_POLY1305_SHA256, CHACHA20_SHORT.updatedSecret);
      const viaNext = seal(next, CHACHA20_SHORT);
      const viaSecret = seal(fresh, CHACHA20_SHORT);
      expect(viaNext.subarray(4)).toEqual(viaSecret.subarray(4));
      expect(viaNext.subarray(0, 4)).not.toEqual(viaSecret.subarray(0, 4));
      const old = PacketProtection.fromSecret(CHACHA20_POLY1305_SHA256, CHACHA20_SHORT.secret);
      expect(old.unprotectHeader(viaNext, 0, 1, viaNext.length)).toMatchObject({
        firstByte: 0x42,
        truncated: 0xbff4,
      });
      expect(old.open(viaNext, 0, 4, viaNext.length, CHACHA20_SHORT.packetNumber)).toBeNull();
      expect(next.open(viaNext, 0, 4, viaNext.length, CHACHA20_SHORT.packetNumber)).toEqual(Buffer.from([1]));
    },
  );
});

describe.each(supportedSuites().map((suite) => [suite.name, suite] as const))('%s', (_, suite) => {
  const keys = PacketProtection.fromSecret(suite, Buffer.alloc(suite.hashLength, 7));
  const peer = PacketProtection.fromSecret(suite, Buffer.alloc(suite.hashLength, 7));

  it('opens what it sealed, anywhere in a datagram, with any packet number', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 40 }),
        fc.boolean(),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 1, max: 4 }),
        fc.uint8Array({ minLength: 4, maxLength: 1400 }),
        fc.maxSafeNat(),
        (start, long, middle, pnLength, payload, packetNumber) => {
          const buf = Buffer.alloc(2000, 0xee);
          const pnOffset = start + 1 + middle;
          const headerEnd = pnOffset + pnLength;
          buf[start] = (long ? 0xc0 : 0x40) | (pnLength - 1);
          for (let i = 0; i < pnLength; i++) {
            buf[pnOffset + i] = Math.floor(packetNumber / 256 ** (pnLength - 1 - i)) % 256;
          }
          buf.set(payload, headerEnd);
          const plain = Buffer.from(buf.subarray(start, headerEnd));
          const end = keys.seal(buf, start, pnOffset, pnLength, headerEnd + payload.length, packetNumber);
          expect(end).toBe(headerEnd + payload.length + keys.tagLength);
          expect(buf[end]).toBe(0xee);
          expect(peer.unprotectHeader(buf, start, pnOffset, end)).toEqual({
            firstByte: plain[0],
            pnLength,
            truncated: packetNumber % 256 ** pnLength,
          });
          expect(buf.subarray(start, headerEnd)).toEqual(plain);
          expect(peer.open(buf, start, headerEnd, end, packetNumber)).toEqual(Buffer.from(payload));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('protects the headers of many packets as it does each by itself, whatever keys they are sealed with', () => {
    const other = PacketProtection.fromSecret(suite, Buffer.alloc(suite.hashLength, 8));
    const batch = new HeaderBatch();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 1, max: 4 }), fc.integer({ min: 4, max: 60 })), {
          maxLength: 40,
        }),
        (packets) => {
          const together = packets.map(([own, pnLength, length], number) => {
            const buf = Buffer.alloc(200, number);
            buf[0] = 0x40 | (pnLength - 1);
            const alone = Buffer.from(buf);
            const by = own ? keys : other;
            by.seal(alone, 0, 9, pnLength, 9 + pnLength + length, number);
            by.seal(buf, 0, 9, pnLength, 9 + pnLength + length, number, batch);
            return { buf, alone };
          });
          batch.protect();
          for (const { buf, alone } of together) expect(buf).toEqual(alone);
        },
      ),
    );
  });

  it('does not open a packet with any bit changed, nor under another packet number', () => {
    const plain = Buffer.alloc(64, 1);
    plain[0] = 0x43;
    const sealed = Buffer.from(plain);
    const end = keys.seal(sealed, 0, 9, 4, 48, 5);
    const open = (packet: Buffer, packetNumber: number): Buffer | null => {
      const header = peer.unprotectHeader(packet, 0, 9, end)!;
      return peer.open(packet, 0, 9 + header.pnLength, end, packetNumber);
    };
    expect(open(Buffer.from(sealed), 5)).toEqual(plain.subarray(13, 48));
    expect(open(Buffer.from(sealed), 6)).toBeNull();
    // Beyond 2^32 the upper half of the number counts too.
    expect(open(Buffer.from(sealed), 5 + 2 ** 32)).toBeNull();
    for (let bit = 0; bit < end * 8; bit++) {
      const damaged = Buffer.from(sealed);
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      expect(open(damaged, 5), `bit ${bit}`).toBeNull();
    }
  });
});

describe('a packet too short', () => {
  const keys = PacketProtection.fromSecret(AES_256_GCM_SHA384, Buffer.alloc(48));

  it('to sample is dropped on receipt (RFC 9001 §5.4.2)', () => {
    expect(keys.unprotectHeader(Buffer.alloc(28), 0, 9, 28)).toBeNull();
    expect(keys.unprotectHeader(Buffer.alloc(29), 0, 9, 29)).not.toBeNull();
  });

  it('for its tag does not open', () => {
    expect(keys.open(Buffer.alloc(30), 0, 15, 30, 0)).toBeNull();
  });

  it('is refused by seal: the caller pads', () => {
    expect(() => keys.seal(Buffer.alloc(60), 0, 9, 1, 12, 0)).toThrow(RangeError);
    expect(keys.seal(Buffer.alloc(60), 0, 9, 1, 13, 0)).toBe(29);
  });
});

describe('AEAD limits (RFC 9001 §6.6)', () => {
  it('are those of the AEAD, counted per key', () => {
    const keys = PacketProtection.fromSecret(AES_128_GCM_SHA256, Buffer.alloc(32));
    expect(keys.confidentialityLimit).toBe(2 ** 23);
    expect(keys.integrityLimit).toBe(2 ** 52);
    keys.seal(Buffer.alloc(60), 0, 9, 1, 30, 0);
    expect(keys.packetsSealed).toBe(1);
    expect(keys.next().packetsSealed).toBe(0);
    const chacha = PacketProtection.fromSecret(CHACHA20_POLY1305_SHA256, Buffer.alloc(32));
    expect(chacha.confidentialityLimit).toBe(Number.POSITIVE_INFINITY);
    expect(chacha.integrityLimit).toBe(2 ** 36);
  });

  it('stop seal with AEAD_LIMIT_REACHED', () => {
    const keys = PacketProtection.fromSecret(AES_128_GCM_SHA256, Buffer.alloc(32));
    Object.defineProperty(keys, 'confidentialityLimit', { value: 2 });
    for (const pn of [0, 1]) keys.seal(Buffer.alloc(60), 0, 9, 1, 30, pn);
    expect(() => keys.seal(Buffer.alloc(60), 0, 9, 1, 30, 2)).toThrow(
      expect.objectContaining({ code: TransportError.AEAD_LIMIT_REACHED }),
    );
  });
});
