import { isDeepStrictEqual } from 'node:util';
import { Reader, Writer } from '../../src/main/quic/wire/cursor.ts';
import { QuicError } from '../../src/main/quic/wire/errors.ts';
import { type Frame, frameSize, readFrame, writeFrame } from '../../src/main/quic/wire/frames.ts';
import type { FuzzTarget } from './target.ts';

/** Reads a packet's payload; each frame that reads must write in the size announced, and read the same again. */
function run(data: Buffer): void {
  const r = new Reader(data);
  while (r.remaining > 0) {
    const at = r.pos;
    let frame: Frame;
    try {
      frame = readFrame(r);
    } catch (error) {
      if (error instanceof QuicError) return;
      throw error;
    }
    if (r.pos <= at || r.pos > data.length) throw new Error('reader out of bounds');
    const w = new Writer(Buffer.alloc(frameSize(frame)));
    writeFrame(w, frame);
    if (w.room !== 0) throw new Error(`${frame.type}: frameSize is ${w.room} bytes too large`);
    const again = readFrame(new Reader(w.buf));
    if (!isDeepStrictEqual(again, frame)) throw new Error(`${frame.type} does not read as it was written`);
  }
}

const data = Buffer.from('some data');
const FRAMES: readonly Frame[] = [
  { type: 'padding', length: 3 },
  { type: 'ping' },
  { type: 'ack', ranges: [{ first: 900, last: 1000 }], delay: 25 },
  {
    type: 'ack',
    ranges: [
      { first: 70_000, last: 70_010 },
      { first: 69_000, last: 69_990 },
      { first: 0, last: 5 },
    ],
    delay: 3000,
    ecn: { ect0: 1, ect1: 200, ce: 30_000 },
  },
  { type: 'reset_stream', id: 4, code: 7, finalSize: 100_000 },
  { type: 'stop_sending', id: 8, code: 70 },
  { type: 'crypto', offset: 1200, data },
  { type: 'new_token', token: data },
  { type: 'stream', id: 0, offset: 0, fin: false, data },
  { type: 'stream', id: 400, offset: 2 ** 40, fin: true, data },
  { type: 'max_data', max: 2 ** 24 },
  { type: 'max_stream_data', id: 4, max: 2 ** 20 },
  { type: 'max_streams', bidirectional: true, max: 100 },
  { type: 'max_streams', bidirectional: false, max: 100 },
  { type: 'data_blocked', limit: 2 ** 24 },
  { type: 'stream_data_blocked', id: 4, limit: 2 ** 20 },
  { type: 'streams_blocked', bidirectional: true, limit: 100 },
  { type: 'streams_blocked', bidirectional: false, limit: 100 },
  {
    type: 'new_connection_id',
    sequence: 3,
    retirePriorTo: 1,
    connectionId: Buffer.alloc(8, 3),
    statelessResetToken: Buffer.alloc(16, 9),
  },
  { type: 'retire_connection_id', sequence: 2 },
  { type: 'path_challenge', data: Buffer.alloc(8, 1) },
  { type: 'path_response', data: Buffer.alloc(8, 2) },
  { type: 'connection_close', code: 0x12a, application: false, frameType: 6, reason: 'bad certificate' },
  { type: 'connection_close', code: 9, application: true, frameType: 0, reason: 'done' },
  { type: 'handshake_done' },
  { type: 'datagram', data },
  { type: 'ack_frequency', sequence: 3, threshold: 9, maxAckDelayUs: 25_000, reorderingThreshold: 3 },
  { type: 'immediate_ack' },
];

const encoded = FRAMES.map((frame) => {
  const w = new Writer(Buffer.alloc(frameSize(frame)));
  writeFrame(w, frame);
  return w.buf;
});

export const frames: FuzzTarget = { name: 'frames', seeds: [...encoded, Buffer.concat(encoded)], run };
