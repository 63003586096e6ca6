import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeDatagram, encodeDatagram, type FecDatagram } from '../../../src/main/probe/fec/datagram.ts';
import {
  decodeFecRequest,
  encodeFecRequest,
  encodeRecord,
  type FecRequest,
  RecordReader,
} from '../../../src/main/probe/fec/request.ts';
import { encodeEcho } from '../../../src/main/probe/protocol.ts';
import { FEC_SCHEMES } from '../../../src/shared/fec.ts';

const request = fc.record({
  kind: fc.constant('fec' as const),
  direction: fc.constantFrom('up' as const, 'down' as const),
  scheme: fc.constantFrom(...FEC_SCHEMES),
  k: fc.integer({ min: 1, max: 10 }),
  r: fc.integer({ min: 0, max: 32 }),
  adaptive: fc.boolean(),
  durationMs: fc.integer({ min: 1, max: 0xffff_ffff }),
  ratePerS: fc.integer({ min: 1000, max: 5_000_000 }).map((milli) => milli / 1000),
  packetBytes: fc.integer({ min: 16, max: 1200 }),
});

describe('FEC on the wire', () => {
  it('requests read as they were written', () => {
    fc.assert(
      fc.property(request, (each: FecRequest) => {
        expect(decodeFecRequest(encodeFecRequest(each))).toEqual(each);
      }),
    );
  });

  it('datagrams read as they were written, and no part of one is one', () => {
    const datagram: fc.Arbitrary<FecDatagram> = fc
      .tuple(
        fc.constantFrom('source' as const, 'repair' as const),
        fc.nat(0xffff_ffff),
        fc.uint8Array({ minLength: 2, maxLength: 100 }),
      )
      .map(([kind, group, content]) => ({
        kind,
        group,
        index: 1,
        k: 5,
        r: 2,
        content: Buffer.from(content),
      }));
    fc.assert(
      fc.property(datagram, (each) => {
        const bytes = encodeDatagram(each);
        expect(decodeDatagram(bytes)).toEqual(each);
        for (let length = 0; length < bytes.length; length++)
          expect(decodeDatagram(bytes.subarray(0, length))).toBeNull();
      }),
    );
  });

  it('an echo is never one of FEC', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 8, max: 64 }), (sequence, length) => {
        expect(decodeDatagram(encodeEcho(sequence, length))).toBeNull();
      }),
    );
  });

  it('records come off a stream however it is cut, and what is none is refused', () => {
    const bytes = Buffer.concat([
      encodeRecord({ type: 'ready' }),
      encodeRecord({
        type: 'end',
        source: 10,
        repair: 2,
        skipped: 0,
        groups: 1,
        lastK: 10,
        groupsByRepair: [0, 0, 1],
      }),
    ]);
    const reader = new RecordReader();
    const got = [...bytes].flatMap((octet) => reader.push(Buffer.from([octet])) ?? []);
    expect(got.map(({ type }) => type)).toEqual(['ready', 'end']);
    fc.assert(fc.property(fc.uint8Array(), (data) => void new RecordReader().push(Buffer.from(data))));
    expect(new RecordReader().push(Buffer.from([0, 2, 0x7b, 0x7d]))).toBeNull();
  });
});
