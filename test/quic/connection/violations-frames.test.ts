/** Frames that are malformed, or that their sender may not send in the state things are in (RFC 9000 §19). */
import { describe, expect, it } from 'vitest';
import { WINDOWS } from '../../../src/main/quic/connection/config.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import type { Frame } from '../../../src/main/quic/wire/frames.ts';
import { readAll } from './pair.ts';
import { connected, expectClose, hex, type Side, taking, towards } from './violations.ts';

const {
  FRAME_ENCODING_ERROR,
  FLOW_CONTROL_ERROR,
  STREAM_LIMIT_ERROR,
  STREAM_STATE_ERROR,
  FINAL_SIZE_ERROR,
  PROTOCOL_VIOLATION,
  CONNECTION_ID_LIMIT_ERROR,
  CRYPTO_BUFFER_EXCEEDED,
} = TransportError;
const data = Buffer.from('12345678');
const token = Buffer.alloc(16, 7);

describe.each(['client', 'server'] as const)('at the %s, a frame', (side) => {
  it.each([
    ['ACK with a first range below packet number 0', '02 05 00 00 06'],
    ['ACK with a gap that reaches below packet number 0', '02 05 00 01 00 04 00'],
    ['ACK with a range that reaches below packet number 0', '02 05 00 01 00 00 04'],
    ['ACK whose ranges are cut off', '02 05 00 09 00'],
    ['ACK without its ECN counts', '03 05 00 00 00 01'],
    ['RESET_STREAM that is cut off', '04 00 00'],
    ['STOP_SENDING that is cut off', '05 00'],
    ['CRYPTO longer than its packet', '06 00 44 00 61'],
    ['NEW_TOKEN that is empty', '07 00'],
    ['NEW_TOKEN longer than its packet', '07 44 00 61'],
    ['STREAM longer than its packet', '0a 00 44 00 61'],
    ['STREAM whose offset is cut off', '0c 00 c0 00'],
    ['MAX_DATA that is cut off', '10'],
    ['MAX_STREAM_DATA that is cut off', '11 00'],
    ['MAX_STREAMS for more than 2^60 streams', '12 d0 00 00 00 00 00 00 01'],
    ['MAX_STREAMS of the other kind, too', '13 d0 00 00 00 00 00 00 01'],
    ['STREAMS_BLOCKED at more than 2^60 streams', '16 d0 00 00 00 00 00 00 01'],
    ['STREAMS_BLOCKED of the other kind, too', '17 d0 00 00 00 00 00 00 01'],
    ['NEW_CONNECTION_ID with an id of no bytes', `18 01 00 00 ${'00'.repeat(16)}`],
    ['NEW_CONNECTION_ID with an id of 21 bytes', `18 01 00 15 ${'00'.repeat(21 + 16)}`],
    ['NEW_CONNECTION_ID that retires more than it has issued', `18 01 02 04 aabbccdd ${'00'.repeat(16)}`],
    ['NEW_CONNECTION_ID whose reset token is cut off', '18 01 00 04 aabbccdd 00000000'],
    ['RETIRE_CONNECTION_ID that is cut off', '19'],
    ['PATH_CHALLENGE of seven bytes', '1a 01020304050607'],
    ['PATH_RESPONSE of seven bytes', '1b 01020304050607'],
    ['CONNECTION_CLOSE whose reason is longer than its packet', '1c 00 00 44 00 61'],
    ['DATAGRAM longer than its packet', '31 44 00 61'],
    ['ACK_FREQUENCY that is cut off', '40af 00 09 4400'],
  ])('%s is a FRAME_ENCODING_ERROR', (_what, bytes) => {
    const tap = connected();
    tap.inject(towards(side), 'application', [hex(bytes)]);
    expectClose(tap, side, FRAME_ENCODING_ERROR);
  });

  /** The lowest ids of the four kinds of streams, from the point of view of `side`. */
  const ids =
    side === 'server'
      ? { ours: 1, oursUni: 3, theirs: 0, theirsUni: 2 }
      : { ours: 0, oursUni: 2, theirs: 1, theirsUni: 3 };
  const BEYOND = 4 * 128;
  it.each<[string, (Frame | Buffer)[], number]>([
    ['STREAM on a stream of ours that does not exist', [stream(ids.ours)], STREAM_STATE_ERROR],
    ['STREAM on one that only we send on', [stream(ids.oursUni)], STREAM_STATE_ERROR],
    ['RESET_STREAM of one that only we send on', [reset(ids.oursUni, 0)], STREAM_STATE_ERROR],
    ['RESET_STREAM of one of ours that does not exist', [reset(ids.ours, 0)], STREAM_STATE_ERROR],
    ['STOP_SENDING of one that only the peer sends on', [stop(ids.theirsUni)], STREAM_STATE_ERROR],
    ['STOP_SENDING of one of ours that does not exist', [stop(ids.ours)], STREAM_STATE_ERROR],
    [
      'MAX_STREAM_DATA for one that only the peer sends on',
      [{ type: 'max_stream_data', id: ids.theirsUni, max: 1 }],
      STREAM_STATE_ERROR,
    ],
    [
      'MAX_STREAM_DATA for one of ours that does not exist',
      [{ type: 'max_stream_data', id: ids.ours, max: 1 }],
      STREAM_STATE_ERROR,
    ],
    [
      'STREAM_DATA_BLOCKED on one that only we send on',
      [{ type: 'stream_data_blocked', id: ids.oursUni, limit: 1 }],
      STREAM_STATE_ERROR,
    ],
    ['STREAM beyond the number of streams', [stream(ids.theirs + BEYOND)], STREAM_LIMIT_ERROR],
    ['STREAM beyond that of the other kind', [stream(ids.theirsUni + BEYOND)], STREAM_LIMIT_ERROR],
    ['RESET_STREAM beyond the number of streams', [reset(ids.theirs + BEYOND, 0)], STREAM_LIMIT_ERROR],
    ['STOP_SENDING beyond the number of streams', [stop(ids.theirs + BEYOND)], STREAM_LIMIT_ERROR],
    [
      'MAX_STREAM_DATA beyond the number of streams',
      [{ type: 'max_stream_data', id: ids.theirs + BEYOND, max: 1 }],
      STREAM_LIMIT_ERROR,
    ],
    [
      'STREAM_DATA_BLOCKED beyond the number of streams',
      [{ type: 'stream_data_blocked', id: ids.theirs + BEYOND, limit: 1 }],
      STREAM_LIMIT_ERROR,
    ],
    ['STREAM past the window of its stream', [stream(ids.theirs, WINDOWS.stream)], FLOW_CONTROL_ERROR],
    ['STREAM past any offset', [hex(`0c 4000 ffffffffffffffff 61`)], FLOW_CONTROL_ERROR],
    ['RESET_STREAM past the window of its stream', [reset(ids.theirs, 2 ** 40)], FLOW_CONTROL_ERROR],
    [
      'STREAM past the window of the connection',
      [0, 1, 2].map((n) => stream(ids.theirs + 4 * n, WINDOWS.stream - data.length)),
      FLOW_CONTROL_ERROR,
    ],
    [
      'RESET_STREAM past the window of the connection',
      [
        ...[0, 1].map((n) => stream(ids.theirs + 4 * n, WINDOWS.stream - data.length)),
        reset(ids.theirs + 8, WINDOWS.stream),
      ],
      FLOW_CONTROL_ERROR,
    ],
    ['STREAM past its FIN', [stream(ids.theirs, 0, true), stream(ids.theirs, 1)], FINAL_SIZE_ERROR],
    ['STREAM with another FIN', [stream(ids.theirs, 0, true), stream(ids.theirs, 8, true)], FINAL_SIZE_ERROR],
    [
      'STREAM with a FIN before what was received',
      [stream(ids.theirs, 8), stream(ids.theirs, 0, true)],
      FINAL_SIZE_ERROR,
    ],
    [
      'RESET_STREAM with another size than the FIN',
      [stream(ids.theirs, 0, true), reset(ids.theirs, 9)],
      FINAL_SIZE_ERROR,
    ],
    [
      'RESET_STREAM below what was received',
      [stream(ids.theirs, 8), reset(ids.theirs, 15)],
      FINAL_SIZE_ERROR,
    ],
    [
      'RESET_STREAM with another size than the one before',
      [stream(ids.theirs, 8), reset(ids.theirs, 20), reset(ids.theirs, 21)],
      FINAL_SIZE_ERROR,
    ],
    ['NEW_CONNECTION_ID beyond the announced number', [1, 2, 3, 4, 5].map((n) => newId(n + 9)), 0x09],
    [
      'NEW_CONNECTION_ID with another id under a known number',
      [newId(10), { ...newId(10), connectionId: Buffer.alloc(8, 99) }],
      PROTOCOL_VIOLATION,
    ],
    [
      'NEW_CONNECTION_ID with a known id under another number',
      [newId(10), { ...newId(11), connectionId: Buffer.alloc(8, 10) }],
      PROTOCOL_VIOLATION,
    ],
    [
      'NEW_CONNECTION_ID with another reset token for a known id',
      [newId(10, 10), { ...newId(10, 10), statelessResetToken: token }],
      PROTOCOL_VIOLATION,
    ],
    [
      'NEW_CONNECTION_ID that has us retire more than we can remember',
      Array.from({ length: 20 }, (_, n) => newId(n + 10, n + 10)),
      CONNECTION_ID_LIMIT_ERROR,
    ],
    [
      'RETIRE_CONNECTION_ID of an id never issued',
      [{ type: 'retire_connection_id', sequence: 9 }],
      PROTOCOL_VIOLATION,
    ],
    [
      'RETIRE_CONNECTION_ID of the id its packet goes to',
      [{ type: 'retire_connection_id', sequence: 0 }],
      PROTOCOL_VIOLATION,
    ],
    [
      'RETIRE_CONNECTION_ID of an id that has not been sent yet',
      [1, 2, 3, 4].map((sequence) => ({ type: 'retire_connection_id', sequence })),
      PROTOCOL_VIOLATION,
    ],
    ['ACK_FREQUENCY with a delay below what we announced', [frequency(999)], PROTOCOL_VIOLATION],
    ['ACK_FREQUENCY with a delay of 2^14 ms', [frequency(2 ** 14 * 1000)], PROTOCOL_VIOLATION],
    ['PATH_RESPONSE without a challenge', [{ type: 'path_response', data }], PROTOCOL_VIOLATION],
    ['CRYPTO beyond what is buffered', [{ type: 'crypto', offset: 2 ** 20, data }], CRYPTO_BUFFER_EXCEEDED],
    ['CRYPTO past any offset', [hex('06 ffffffffffffffff 01 61')], CRYPTO_BUFFER_EXCEEDED],
    // RFC 9001 §6: the key phase updates keys, no TLS message does.
    [
      'CRYPTO with a KeyUpdate',
      [{ type: 'crypto', offset: 0, data: hex('18 000001 00') }],
      TransportError.CRYPTO_ERROR + 10,
    ],
  ])('%s is an error of the right kind', (_what, frames, code) => {
    const tap = connected();
    tap.inject(towards(side), 'application', frames);
    expectClose(tap, side, code);
  });
});

describe('a server is not sent', () => {
  it.each<[string, Frame]>([
    ['NEW_TOKEN', { type: 'new_token', token: data }],
    ['HANDSHAKE_DONE', { type: 'handshake_done' }],
  ])('%s', (_type, frame) => {
    const tap = connected();
    tap.inject('up', 'application', [frame]);
    expectClose(tap, 'server', PROTOCOL_VIOLATION);
  });
});

describe('CRYPTO', () => {
  it.each(['initial', 'handshake'] as const)('beyond what is buffered, in the %s space, is told', (space) => {
    for (const side of ['client', 'server'] as const) {
      const tap = taking(side, space);
      tap.inject(towards(side), space, [{ type: 'crypto', offset: 2 ** 20, data }], 1200);
      expectClose(tap, side, CRYPTO_BUFFER_EXCEEDED);
    }
  });

  // RFC 9001 §4.1.3: nothing may follow in a level that TLS has left.
  it('of a level that is over is a PROTOCOL_VIOLATION', () => {
    const tap = taking('server', 'initial');
    const sent = tap
      .frames('up', 'crypto')
      .reduce((end, { offset, data }) => Math.max(end, offset + data.length), 0);
    tap.inject('up', 'initial', [{ type: 'crypto', offset: sent, data }], 1200);
    expectClose(tap, 'server', PROTOCOL_VIOLATION);
  });

  it('that repeats what was received is not', () => {
    const tap = taking('server', 'initial');
    tap.inject('up', 'initial', [tap.frames('up', 'crypto')[0]!], 1200);
    expect(tap.pair.closed('server')).toBeUndefined();
  });
});

describe('streams that are over', () => {
  it.each(['client', 'server'] as const)(
    'do not end the connection of the %s when they are spoken of',
    (side) => {
      const tap = connected();
      const [near, far] = sides(tap.pair, side);
      const id = far.openStream(true)!;
      far.write(id, data);
      far.finish(id);
      tap.pair.run(100_000);
      expect(readAll(near, id, [])).toBe(true);
      tap.pair.run(100_000);
      tap.inject(towards(side), 'application', [stream(id), reset(id, 8)]);
      expect(tap.pair.closed(side)).toBeUndefined();
    },
  );
});

function stream(id: number, offset = 0, fin = false): Frame {
  return { type: 'stream', id, offset, fin, data };
}

function reset(id: number, finalSize: number): Frame {
  return { type: 'reset_stream', id, code: 0, finalSize };
}

function stop(id: number): Frame {
  return { type: 'stop_sending', id, code: 0 };
}

function frequency(maxAckDelayUs: number): Frame {
  return { type: 'ack_frequency', sequence: 0, threshold: 1, maxAckDelayUs, reorderingThreshold: 1 };
}

function newId(sequence: number, retirePriorTo = 4): Extract<Frame, { type: 'new_connection_id' }> {
  return {
    type: 'new_connection_id',
    sequence,
    retirePriorTo,
    connectionId: Buffer.alloc(8, sequence),
    statelessResetToken: Buffer.alloc(16),
  };
}

function sides(pair: ReturnType<typeof connected>['pair'], side: Side) {
  return side === 'server' ? ([pair.server!, pair.client] as const) : ([pair.client, pair.server!] as const);
}
