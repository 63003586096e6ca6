/** Random frames, for properties that hold of every one. */
import fc from 'fast-check';
import type { Frame, PacketRange } from '../../../src/main/quic/wire/frames.ts';

export const varint = fc.oneof(
  fc.integer({ min: 0, max: 0x3f }),
  fc.integer({ min: 0x40, max: 0x3fff }),
  fc.integer({ min: 0x4000, max: 0x3fff_ffff }),
  fc.integer({ min: 0x4000_0000, max: Number.MAX_SAFE_INTEGER }),
);
const bytes = (minLength: number, maxLength: number) =>
  fc.uint8Array({ minLength, maxLength }).map((data) => Buffer.from(data));
export const offset = fc.integer({ min: 0, max: 2 ** 52 });

/** Descending, with at least one missing packet between neighbours. */
export const ranges = fc
  .array(fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 2, max: 5000 })), {
    minLength: 1,
    maxLength: 40,
  })
  .map((steps) => {
    const ascending: PacketRange[] = [];
    let next = 0;
    for (const [length, missing] of steps) {
      ascending.push({ first: next, last: next + length });
      next += length + missing;
    }
    return ascending.reverse();
  });

/** Any frame of those that can be written. */
export const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({ type: fc.constant('padding' as const), length: fc.integer({ min: 1, max: 1200 }) }),
  fc.constantFrom<Frame>({ type: 'ping' }, { type: 'handshake_done' }, { type: 'immediate_ack' }),
  fc.record({ type: fc.constant('ack' as const), ranges, delay: varint }),
  fc.record({
    type: fc.constant('ack' as const),
    ranges,
    delay: varint,
    ecn: fc.record({ ect0: varint, ect1: varint, ce: varint }),
  }),
  fc.record({ type: fc.constant('reset_stream' as const), id: varint, code: varint, finalSize: varint }),
  fc.record({ type: fc.constant('stop_sending' as const), id: varint, code: varint }),
  fc.record({ type: fc.constant('crypto' as const), offset, data: bytes(0, 1200) }),
  fc.record({ type: fc.constant('new_token' as const), token: bytes(1, 100) }),
  fc.record({
    type: fc.constant('stream' as const),
    id: varint,
    offset,
    fin: fc.boolean(),
    data: bytes(0, 1200),
  }),
  fc.record({ type: fc.constant('max_data' as const), max: varint }),
  fc.record({ type: fc.constant('max_stream_data' as const), id: varint, max: varint }),
  fc.record({ type: fc.constant('max_streams' as const), bidirectional: fc.boolean(), max: varint }),
  fc.record({ type: fc.constant('data_blocked' as const), limit: varint }),
  fc.record({ type: fc.constant('stream_data_blocked' as const), id: varint, limit: varint }),
  fc.record({ type: fc.constant('streams_blocked' as const), bidirectional: fc.boolean(), limit: varint }),
  fc.tuple(varint, varint, bytes(1, 20), bytes(16, 16)).map(
    ([a, b, connectionId, statelessResetToken]): Frame => ({
      type: 'new_connection_id',
      sequence: Math.max(a, b),
      retirePriorTo: Math.min(a, b),
      connectionId,
      statelessResetToken,
    }),
  ),
  fc.record({ type: fc.constant('retire_connection_id' as const), sequence: varint }),
  fc.record({
    type: fc.constantFrom('path_challenge' as const, 'path_response' as const),
    data: bytes(8, 8),
  }),
  fc.record({
    type: fc.constant('connection_close' as const),
    code: varint,
    application: fc.constant(false),
    frameType: varint,
    reason: fc.string({ unit: 'grapheme', maxLength: 60 }),
  }),
  fc.record({
    type: fc.constant('connection_close' as const),
    code: varint,
    application: fc.constant(true),
    frameType: fc.constant(0),
    reason: fc.string({ unit: 'grapheme', maxLength: 60 }),
  }),
  fc.record({ type: fc.constant('datagram' as const), data: bytes(0, 1200) }),
  fc.record({
    type: fc.constant('ack_frequency' as const),
    sequence: varint,
    threshold: varint,
    maxAckDelayUs: varint,
    reorderingThreshold: varint,
  }),
);
