import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Reader, Writer } from '../../../src/main/quic/wire/cursor.ts';
import { QuicError, TransportError } from '../../../src/main/quic/wire/errors.ts';
import {
  type Frame,
  frameAllowed,
  frameSize,
  isAckEliciting,
  readFrame,
  streamHeaderSize,
  writeAck,
  writeFrame,
  writeStreamHeader,
} from '../../../src/main/quic/wire/frames.ts';
import { frame, offset, ranges, varint } from './arbitrary.ts';

const read = (...values: number[]): Frame => readFrame(new Reader(Buffer.from(values)));

function codeOf(run: () => unknown): number {
  try {
    run();
  } catch (error) {
    if (error instanceof QuicError) return error.code;
    throw error;
  }
  throw new Error('did not throw');
}

describe('frames', () => {
  it('read back as they were written, in the size announced', () => {
    fc.assert(
      fc.property(frame, (original) => {
        const w = new Writer(Buffer.alloc(4000));
        writeFrame(w, original);
        expect(w.pos).toBe(frameSize(original));
        const r = new Reader(w.buf, 0, w.pos);
        expect(readFrame(r)).toEqual(original);
        expect(r.remaining).toBe(0);
      }),
      { numRuns: 2000 },
    );
  });

  it('read one after the other from a packet', () => {
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 12 }), (frames) => {
        // Two neighbouring paddings read as one.
        const originals = frames.filter((f, i) => f.type !== 'padding' || frames[i - 1]?.type !== 'padding');
        const w = new Writer(Buffer.alloc(50_000));
        for (const f of originals) writeFrame(w, f);
        const r = new Reader(w.buf, 0, w.pos);
        const got: Frame[] = [];
        while (r.remaining > 0) got.push(readFrame(r));
        expect(got).toEqual(originals);
      }),
    );
  });

  it('cut off anywhere throw FRAME_ENCODING_ERROR', () => {
    fc.assert(
      fc.property(frame, fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }), (original, at) => {
        const w = new Writer(Buffer.alloc(4000));
        writeFrame(w, original);
        const cut = Math.floor(at * w.pos);
        if (original.type === 'padding') return;
        expect(codeOf(() => readFrame(new Reader(w.buf, 0, cut)))).toBe(TransportError.FRAME_ENCODING_ERROR);
      }),
    );
  });

  it('never throw anything but QuicError on arbitrary bytes, and always move forward', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (data) => {
        const r = new Reader(Buffer.from(data));
        try {
          while (r.remaining > 0) {
            const before = r.pos;
            readFrame(r);
            expect(r.pos).toBeGreaterThan(before);
          }
        } catch (error) {
          expect(error).toBeInstanceOf(QuicError);
        }
      }),
      { numRuns: 3000 },
    );
  });

  it('give data as views into the packet', () => {
    const packet = Buffer.from([0x0a, 0x04, 0x03, 1, 2, 3]);
    const f = readFrame(new Reader(packet));
    packet[3] = 9;
    expect(f).toMatchObject({ type: 'stream', id: 4, offset: 0, data: Buffer.from([9, 2, 3]) });
  });

  it('of STREAM and DATAGRAM without a length reach to the end of the packet', () => {
    expect(read(0x0d, 0x04, 0x40, 0x50, 1, 2)).toEqual({
      type: 'stream',
      id: 4,
      offset: 0x50,
      fin: true,
      data: Buffer.from([1, 2]),
    });
    expect(read(0x30, 7, 8)).toEqual({ type: 'datagram', data: Buffer.from([7, 8]) });
    expect(read(0x30)).toEqual({ type: 'datagram', data: Buffer.alloc(0) });
  });

  it('of an unknown type are a FRAME_ENCODING_ERROR that names the type', () => {
    try {
      read(0x40, 0xff);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code: TransportError.FRAME_ENCODING_ERROR, frameType: 0xff });
    }
  });

  it('whose type is not in its shortest form are a PROTOCOL_VIOLATION (RFC 9000 §12.4)', () => {
    expect(codeOf(() => read(0x40, 0x01))).toBe(TransportError.PROTOCOL_VIOLATION);
    expect(codeOf(() => read(0x80, 0, 0, 0x01))).toBe(TransportError.PROTOCOL_VIOLATION);
  });

  it('of ACK reaching below packet 0 are a FRAME_ENCODING_ERROR (RFC 9000 §19.3.1)', () => {
    expect(read(0x02, 5, 0, 0, 5)).toMatchObject({ ranges: [{ first: 0, last: 5 }] });
    expect(codeOf(() => read(0x02, 5, 0, 0, 6))).toBe(TransportError.FRAME_ENCODING_ERROR);
    expect(read(0x02, 5, 0, 1, 1, 1, 1)).toMatchObject({
      ranges: [
        { first: 4, last: 5 },
        { first: 0, last: 1 },
      ],
    });
    expect(codeOf(() => read(0x02, 5, 0, 1, 1, 1, 2))).toBe(TransportError.FRAME_ENCODING_ERROR);
    expect(codeOf(() => read(0x02, 5, 0, 1, 1, 3, 0))).toBe(TransportError.FRAME_ENCODING_ERROR);
  });

  it('of NEW_CONNECTION_ID must have 1 to 20 bytes and not retire beyond themselves (RFC 9000 §19.15)', () => {
    const rest = new Array<number>(40).fill(7);
    expect(codeOf(() => read(0x18, 1, 2, 8, ...rest))).toBe(TransportError.FRAME_ENCODING_ERROR);
    expect(codeOf(() => read(0x18, 2, 1, 0, ...rest))).toBe(TransportError.FRAME_ENCODING_ERROR);
    expect(codeOf(() => read(0x18, 2, 1, 21, ...rest))).toBe(TransportError.FRAME_ENCODING_ERROR);
    expect(read(0x18, 2, 1, 20, ...rest)).toMatchObject({ sequence: 2, retirePriorTo: 1 });
  });

  it('of NEW_TOKEN must not be empty (RFC 9000 §19.7)', () => {
    expect(codeOf(() => read(0x07, 0))).toBe(TransportError.FRAME_ENCODING_ERROR);
  });

  it('of MAX_STREAMS and STREAMS_BLOCKED allow 2^60 and not one more (RFC 9000 §4.6)', () => {
    for (const type of [0x12, 0x13, 0x16, 0x17]) {
      expect(() => read(type, 0xd0, 0, 0, 0, 0, 0, 0, 0)).not.toThrow();
      expect(codeOf(() => read(type, 0xd0, 0, 0, 0, 0, 0, 0, 1))).toBe(TransportError.FRAME_ENCODING_ERROR);
    }
  });

  it('of STREAM and CRYPTO past every offset we could hold close with the code for it', () => {
    const max = new Array<number>(8).fill(0xff);
    expect(codeOf(() => read(0x0e, 0, ...max, 1, 0))).toBe(TransportError.FLOW_CONTROL_ERROR);
    expect(codeOf(() => read(0x06, ...max, 1, 0))).toBe(TransportError.CRYPTO_BUFFER_EXCEEDED);
  });

  it('of CONNECTION_CLOSE survive a reason that is not UTF-8', () => {
    expect(read(0x1d, 0, 2, 0xff, 0x41)).toMatchObject({ reason: '\ufffdA', application: true });
  });
});

describe('writeAck', () => {
  it('leaves out the oldest ranges that do not fit', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 0, max: 200 }), (all, room) => {
        const w = new Writer(Buffer.alloc(room));
        const count = writeAck(w, all, 100);
        if (count === 0) {
          expect(w.pos).toBe(0);
          expect(frameSize({ type: 'ack', ranges: all.slice(0, 1), delay: 100 })).toBeGreaterThan(room);
          return;
        }
        expect(readFrame(new Reader(w.buf, 0, w.pos))).toEqual({
          type: 'ack',
          ranges: all.slice(0, count),
          delay: 100,
        });
        if (count < all.length) {
          const more = all.slice(0, count + 1);
          expect(frameSize({ type: 'ack', ranges: more, delay: 100 })).toBeGreaterThan(room);
        }
      }),
    );
  });
});

describe('writeStreamHeader', () => {
  it('carries the length always and the offset unless it is 0, in the size announced', () => {
    fc.assert(
      fc.property(
        varint,
        offset,
        fc.integer({ min: 0, max: 20_000 }),
        fc.boolean(),
        (id, at, length, fin) => {
          const w = new Writer(Buffer.alloc(30_000));
          writeStreamHeader(w, id, at, length, fin);
          expect(w.pos).toBe(streamHeaderSize(id, at, length));
          expect(w.buf[0]).toBe(0x0a | (at > 0 ? 4 : 0) | (fin ? 1 : 0));
          const f = readFrame(new Reader(w.buf, 0, w.pos + length));
          expect(f).toMatchObject({ type: 'stream', id, offset: at, fin });
        },
      ),
    );
  });
});

describe('frameAllowed', () => {
  /** Column “Pkts” of table 3 in RFC 9000 §12.4; RFC 9221 §5 for DATAGRAM; draft-ietf-quic-ack-frequency §3. */
  const table: Record<Frame['type'], string> = {
    padding: 'IH01',
    ping: 'IH01',
    ack: 'IH1',
    reset_stream: '01',
    stop_sending: '01',
    crypto: 'IH1',
    new_token: '1',
    stream: '01',
    max_data: '01',
    max_stream_data: '01',
    max_streams: '01',
    data_blocked: '01',
    stream_data_blocked: '01',
    streams_blocked: '01',
    new_connection_id: '01',
    retire_connection_id: '01',
    path_challenge: '01',
    path_response: '1',
    connection_close: 'IH01',
    handshake_done: '1',
    datagram: '01',
    ack_frequency: '1',
    immediate_ack: '1',
  };
  const packets = { initial: 'I', handshake: 'H', '0rtt': '0', '1rtt': '1' } as const;

  it('is table 3 of RFC 9000', () => {
    for (const [type, allowed] of Object.entries(table)) {
      for (const [packet, letter] of Object.entries(packets)) {
        expect(
          frameAllowed(type as Frame['type'], packet as keyof typeof packets),
          `${type} in ${packet}`,
        ).toBe(allowed.includes(letter));
      }
    }
  });

  it('keeps an application close out of Initial and Handshake packets', () => {
    expect(frameAllowed('connection_close', 'initial', true)).toBe(false);
    expect(frameAllowed('connection_close', 'handshake', true)).toBe(false);
    expect(frameAllowed('connection_close', '1rtt', true)).toBe(true);
  });

  it('and only ACK, PADDING and CONNECTION_CLOSE elicit no acknowledgement', () => {
    const silent = Object.keys(table).filter((type) => !isAckEliciting(type as Frame['type']));
    expect(silent).toEqual(['padding', 'ack', 'connection_close']);
  });
});
