import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { QuicError, TransportError } from '../../../src/main/quic/wire/errors.ts';
import {
  DEFAULT_PARAMETERS,
  decodeTransportParameters,
  encodeTransportParameters,
  type TransportParameters,
} from '../../../src/main/quic/wire/transport-parameters.ts';
import { CLIENT_INITIAL } from './rfc9001.ts';

const any = fc.maxSafeNat();
const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((data) => Buffer.from(data));

const client = {
  maxIdleTimeoutMs: any,
  maxUdpPayloadSize: fc.integer({ min: 1200, max: 65527 }),
  initialMaxData: any,
  initialMaxStreamDataBidiLocal: any,
  initialMaxStreamDataBidiRemote: any,
  initialMaxStreamDataUni: any,
  initialMaxStreamsBidi: any,
  initialMaxStreamsUni: any,
  ackDelayExponent: fc.integer({ min: 0, max: 20 }),
  maxAckDelayMs: fc.integer({ min: 0, max: 2 ** 14 - 1 }),
  disableActiveMigration: fc.boolean(),
  activeConnectionIdLimit: fc.integer({ min: 2, max: 1000 }),
  initialSourceConnectionId: bytes(0, 20),
  maxDatagramFrameSize: any,
  minAckDelayUs: fc.constantFrom(0, Number.POSITIVE_INFINITY),
};
const server = {
  ...client,
  originalDestinationConnectionId: bytes(0, 20),
  statelessResetToken: bytes(16, 16),
  retrySourceConnectionId: bytes(0, 20),
};
const fromClient = fc.record(client, { requiredKeys: [] });
const fromServer = fc.record(server, { requiredKeys: [] });

const withDefaults = (given: Partial<TransportParameters>): TransportParameters => ({
  ...DEFAULT_PARAMETERS,
  ...given,
});

function decode(hex: string, from: 'client' | 'server' = 'server'): TransportParameters {
  return decodeTransportParameters(Buffer.from(hex, 'hex'), from);
}

function expectRefused(hex: string, from: 'client' | 'server' = 'server'): void {
  expect(() => decode(hex, from), hex).toThrow(
    expect.objectContaining({ name: 'QuicError', code: TransportError.TRANSPORT_PARAMETER_ERROR }),
  );
}

describe('transport parameters', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(fromServer.map(withDefaults), (tp) => {
        expect(decodeTransportParameters(encodeTransportParameters(tp), 'server')).toEqual(tp);
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(fromClient.map(withDefaults), (tp) => {
        expect(decodeTransportParameters(encodeTransportParameters(tp), 'client')).toEqual(tp);
      }),
    );
  });

  it('at their defaults take no bytes', () => {
    expect(encodeTransportParameters(DEFAULT_PARAMETERS)).toHaveLength(0);
    expect(decode('')).toEqual(DEFAULT_PARAMETERS);
  });

  it('of the ClientHello in RFC 9001 §A.2 decode', () => {
    const hello = CLIENT_INITIAL.crypto;
    const at = hello.indexOf(Buffer.from('00390032', 'hex')) + 4;
    expect(decodeTransportParameters(hello.subarray(at, at + 0x32), 'client')).toEqual(
      withDefaults({
        initialMaxData: Number.MAX_SAFE_INTEGER,
        initialMaxStreamDataBidiLocal: 0xffff,
        initialMaxStreamDataBidiRemote: 0xffff,
        initialMaxStreamDataUni: 0xffff,
        initialMaxStreamsBidi: 16,
        initialMaxStreamsUni: 16,
        maxIdleTimeoutMs: 30_000,
        initialSourceConnectionId: Buffer.from('8394c8f03e515708', 'hex'),
      }),
    );
  });

  it('on arbitrary bytes throw nothing but TRANSPORT_PARAMETER_ERROR', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100 }),
        fc.constantFrom('client' as const, 'server' as const),
        (data, from) => {
          try {
            decodeTransportParameters(Buffer.from(data), from);
          } catch (error) {
            expect(error).toBeInstanceOf(QuicError);
            expect((error as QuicError).code).toBe(TransportError.TRANSPORT_PARAMETER_ERROR);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('given twice are refused', () => {
    expectRefused('040105040105');
    // Unknown ones too, and whatever the encoding of their identifier.
    expectRefused('1b001b00');
    expectRefused('1b00401b00');
  });

  it('that are unknown are ignored, even with identifiers beyond 2^53', () => {
    expect(decode('1b0102c0200000000000000100e0200000000000000100')).toEqual(DEFAULT_PARAMETERS);
  });

  it('that are cut off, or longer than their value, are refused', () => {
    for (const hex of ['04', '0402', '040280', '04024105ff', '04020105', '0400', '05027f'])
      expectRefused(hex);
  });

  it('out of range are refused (RFC 9000 §18.2)', () => {
    expectRefused('030244af'); // max_udp_payload_size 1199
    expect(decode('030244b0').maxUdpPayloadSize).toBe(1200);
    expectRefused('0a0115'); // ack_delay_exponent 21
    expect(decode('0a0114').ackDelayExponent).toBe(20);
    expectRefused('0b0480004000'); // max_ack_delay 2^14
    expect(decode('0b027fff').maxAckDelayMs).toBe(2 ** 14 - 1);
    expectRefused('0e0101'); // active_connection_id_limit 1
    expectRefused('0c0100'); // disable_active_migration with a value
    expectRefused(`020f${'00'.repeat(15)}`); // stateless_reset_token of 15 bytes
    expectRefused(`0f15${'00'.repeat(21)}`); // connection ID of 21 bytes
  });

  it('allow 2^60 streams and not one more (RFC 9000 §4.6)', () => {
    for (const id of ['08', '09']) {
      expect(() => decode(`${id}08d000000000000000`)).not.toThrow();
      expectRefused(`${id}08d000000000000001`);
    }
  });

  it('that are the server’s are refused from a client', () => {
    const preferred = `0d2d${'00'.repeat(24)}04${'00'.repeat(20)}`;
    for (const hex of ['0000', `0210${'00'.repeat(16)}`, '1000', preferred]) {
      expect(() => decode(hex, 'server'), hex).not.toThrow();
      expectRefused(hex, 'client');
    }
  });

  it('with a malformed preferred_address are refused', () => {
    expectRefused(`0d29${'00'.repeat(24)}00${'00'.repeat(16)}`); // empty connection ID
    expectRefused(`0d2c${'00'.repeat(24)}04${'00'.repeat(19)}`); // token cut off
    expectRefused(`0d18${'00'.repeat(24)}`);
    // Of a server that has itself addressed without an id.
    expectRefused(`0f000d2d${'00'.repeat(24)}04${'00'.repeat(20)}`);
  });
});
