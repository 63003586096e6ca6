/** What a packet may hold, by its type (RFC 9000 §12.4, table 3), and how it has to look (§17). */
import { describe, expect, it } from 'vitest';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import type { Frame } from '../../../src/main/quic/wire/frames.ts';
import { expectClose, hex, taking, towards } from './violations.ts';

const data = Buffer.from('12345678');
/** Frames that only 0-RTT and 1-RTT packets may hold, by their row in table 3; RFC 9221 §4 for DATAGRAM. */
const APPLICATION_ONLY: readonly Frame[] = [
  { type: 'reset_stream', id: 0, code: 0, finalSize: 0 },
  { type: 'stop_sending', id: 0, code: 0 },
  { type: 'new_token', token: data },
  { type: 'stream', id: 0, offset: 0, fin: false, data },
  { type: 'max_data', max: 1 },
  { type: 'max_stream_data', id: 0, max: 1 },
  { type: 'max_streams', bidirectional: true, max: 1 },
  { type: 'max_streams', bidirectional: false, max: 1 },
  { type: 'data_blocked', limit: 1 },
  { type: 'stream_data_blocked', id: 0, limit: 1 },
  { type: 'streams_blocked', bidirectional: true, limit: 1 },
  { type: 'streams_blocked', bidirectional: false, limit: 1 },
  {
    type: 'new_connection_id',
    sequence: 1,
    retirePriorTo: 0,
    connectionId: data,
    statelessResetToken: Buffer.alloc(16),
  },
  { type: 'retire_connection_id', sequence: 0 },
  { type: 'path_challenge', data },
  { type: 'path_response', data },
  { type: 'connection_close', code: 0, application: true, frameType: 0, reason: '' },
  { type: 'handshake_done' },
  { type: 'datagram', data },
  { type: 'ack_frequency', sequence: 0, threshold: 1, maxAckDelayUs: 25_000, reorderingThreshold: 1 },
  { type: 'immediate_ack' },
];

const EARLY = [
  ['client', 'initial'],
  ['client', 'handshake'],
  ['server', 'initial'],
  ['server', 'handshake'],
] as const;
const ALL = [...EARLY, ['client', 'application'], ['server', 'application']] as const;

describe.each(EARLY)('at the %s, a packet of the %s space', (side, space) => {
  it.each(APPLICATION_ONLY.map((frame) => [frame.type, frame] as const))(
    'that holds %s is a PROTOCOL_VIOLATION',
    (_type, frame) => {
      const tap = taking(side, space);
      tap.inject(towards(side), space, [frame], 1200);
      expectClose(tap, side, TransportError.PROTOCOL_VIOLATION);
    },
  );

  it.each([
    ['PADDING', { type: 'padding', length: 30 }],
    ['PING', { type: 'ping' }],
  ] as const)('may hold %s', (_type, frame) => {
    const tap = taking(side, space);
    tap.inject(towards(side), space, [frame], 1200);
    expect(tap.pair.closed(side)).toBeUndefined();
  });

  it('may hold a CONNECTION_CLOSE of the transport', () => {
    const tap = taking(side, space);
    const close = {
      type: 'connection_close',
      code: 2,
      application: false,
      frameType: 0,
      reason: '',
    } as const;
    tap.inject(towards(side), space, [close], 1200);
    expect(tap.pair.closed(side)).toMatchObject({ by: 'peer', application: false, code: 2 });
  });
});

describe.each(ALL)('at the %s, a packet of the %s space', (side, space) => {
  it('without a frame is a PROTOCOL_VIOLATION', () => {
    const tap = taking(side, space);
    const packet = tap.forge(towards(side), space, []);
    // A server takes Initial packets only in datagrams of 1200 bytes; what follows the packet is noise to it.
    const noise = space === 'application' ? 0 : 1200 - packet.length;
    tap.pair.inject(towards(side), Buffer.concat([packet, Buffer.alloc(noise)]));
    expectClose(tap, side, TransportError.PROTOCOL_VIOLATION);
  });

  it.each(space === 'application' ? ['0x08', '0x10'] : ['0x04', '0x08'])(
    'with the reserved bit %s set is a PROTOCOL_VIOLATION',
    (digits) => {
      const bits = Number(digits);
      const tap = taking(side, space);
      tap.pair.inject(towards(side), tap.forge(towards(side), space, [{ type: 'ping' }], 1200, { bits }));
      expectClose(tap, side, TransportError.PROTOCOL_VIOLATION);
    },
  );

  it.each([
    ['0x20', '20'],
    ['0x21', '21'],
    ['0x2f', '2f'],
    ['0x32', '32'],
    ['a grease type of four bytes', '80abcdef'],
    ['the largest there is', 'ffffffffffffffff'],
  ])('with a frame of an unknown type, %s, is a FRAME_ENCODING_ERROR', (_name, type) => {
    const tap = taking(side, space);
    tap.inject(towards(side), space, [hex(type)], 1200);
    expectClose(tap, side, TransportError.FRAME_ENCODING_ERROR);
  });

  it.each([
    ['two', '4001'],
    ['four', '80000001'],
    ['eight', 'c000000000000001'],
  ])('with a frame type in %s bytes that needs one is a PROTOCOL_VIOLATION', (_count, type) => {
    const tap = taking(side, space);
    tap.inject(towards(side), space, [hex(type)], 1200);
    expectClose(tap, side, TransportError.PROTOCOL_VIOLATION);
  });

  it('that acknowledges a packet never sent is a PROTOCOL_VIOLATION', () => {
    const tap = taking(side, space);
    tap.inject(towards(side), space, [{ type: 'ack', delay: 0, ranges: [{ first: 900, last: 900 }] }], 1200);
    expectClose(tap, side, TransportError.PROTOCOL_VIOLATION);
  });
});
