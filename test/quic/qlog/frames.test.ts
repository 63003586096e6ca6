import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { qlogFrames, transportError } from '../../../src/main/quic/qlog/frames.ts';
import { Writer } from '../../../src/main/quic/wire/cursor.ts';
import { type Frame, frameSize, writeFrame } from '../../../src/main/quic/wire/frames.ts';
import { frame } from '../wire/arbitrary.ts';
import { frameSchema } from './schema.ts';

const written = (f: Frame): Buffer => {
  const w = new Writer(Buffer.alloc(frameSize(f)));
  writeFrame(w, f);
  return w.buf;
};

describe('frames in qlog', () => {
  it('every one is as quic-events §8.13 defines it', () => {
    fc.assert(
      fc.property(frame, fc.integer({ min: 0, max: 20 }), (original, exponent) => {
        const [logged, ...more] = qlogFrames(written(original), exponent);
        expect(more).toEqual([]);
        expect(JSON.parse(JSON.stringify(frameSchema.parse(logged)))).toEqual(logged);
        const isExtension = original.type === 'ack_frequency' || original.type === 'immediate_ack';
        expect(logged!['frame_type']).toBe(isExtension ? 'unknown' : original.type);
      }),
    );
  });

  it('whatever a packet holds is logged, and what cannot be read is told', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), (bytes) => {
        for (const logged of qlogFrames(Buffer.from(bytes), 3)) frameSchema.parse(logged);
      }),
    );
    expect(qlogFrames(Buffer.from([0x01, 0x40, 0xaf]), 3)).toEqual([
      { frame_type: 'ping' },
      { frame_type: 'unknown', frame_type_bytes: 0xaf },
    ]);
  });

  it('acknowledgements: single packets alone, the delay in milliseconds', () => {
    const ranges = [
      { first: 10, last: 22 },
      { first: 7, last: 7 },
    ];
    expect(qlogFrames(written({ type: 'ack', ranges, delay: 125 }), 3)).toEqual([
      { frame_type: 'ack', ack_delay: 1, acked_ranges: [[10, 22], [7]] },
    ]);
  });

  it('errors by name, those of TLS by number, others by their code', () => {
    expect(transportError(0x0a)).toEqual({ error: 'protocol_violation' });
    expect(transportError(0x12a)).toEqual({ error: 'crypto_error_0x12a' });
    expect(transportError(0x4242)).toEqual({ error: 'unknown', error_code: 0x4242 });
  });
});
