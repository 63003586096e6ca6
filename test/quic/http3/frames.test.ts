import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Http3Code, Http3Error } from '../../../src/main/quic/http3/errors.ts';
import {
  encodeFrameHeader,
  encodeGoaway,
  encodeHeaders,
  encodeSettingsFrame,
  FrameReader,
  FrameType,
  type Http3Frame,
} from '../../../src/main/quic/http3/frames.ts';

const LIMIT = 100;

/** Reads whole streams; pieces of one DATA frame are joined. */
function read(kind: 'request' | 'control', chunks: readonly Buffer[]): Http3Frame[] {
  const frames: Http3Frame[] = [];
  const reader = new FrameReader(kind, LIMIT, (frame) => {
    const last = frames.at(-1);
    if (frame.type === 'data' && last?.type === 'data') last.data = Buffer.concat([last.data, frame.data]);
    else frames.push({ ...frame });
  });
  for (const chunk of chunks) reader.push(chunk);
  reader.end();
  return frames;
}

function codeOf(kind: 'request' | 'control', hex: string): number {
  try {
    read(kind, [Buffer.from(hex, 'hex')]);
  } catch (error) {
    if (error instanceof Http3Error) return error.code;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const cut = (data: Buffer, at: readonly number[]): Buffer[] => {
  const ends = [...new Set(at.map((n) => n % (data.length + 1))), data.length].sort((a, b) => a - b);
  return ends.map((end, i) => data.subarray(i === 0 ? 0 : ends[i - 1]!, end));
};
const bytes = (maxLength: number) => fc.uint8Array({ maxLength }).map((data) => Buffer.from(data));
const id = fc.oneof(fc.nat(70_000), fc.maxSafeNat());
const unknownType = fc.nat(1000).map((n) => 0x1f * n + 0x21);

describe('frames', () => {
  it('of a request stream read as they were written, however the stream is cut', () => {
    const element = fc.oneof(
      bytes(LIMIT).map((block): [Http3Frame, Buffer] => [{ type: 'headers', block }, encodeHeaders(block)]),
      fc
        .tuple(unknownType, bytes(300))
        .map(([type, payload]): [Http3Frame, Buffer] => [
          { type: 'unknown' },
          Buffer.concat([encodeFrameHeader(type, payload.length), payload]),
        ]),
      bytes(300).map((data): [Http3Frame, Buffer] => [
        { type: 'data', data },
        Buffer.concat([encodeFrameHeader(FrameType.DATA, data.length), data]),
      ]),
    );
    fc.assert(
      fc.property(fc.array(element, { maxLength: 8 }), fc.array(fc.nat()), (elements, at) => {
        const frames = read('request', cut(Buffer.concat(elements.map(([, data]) => data)), at));
        const expected: Http3Frame[] = [];
        for (const [frame] of elements) {
          const last = expected.at(-1);
          if (frame.type === 'data' && last?.type === 'data')
            last.data = Buffer.concat([last.data, frame.data]);
          else expected.push({ ...frame });
        }
        expect(frames).toEqual(expected);
      }),
    );
  });

  it('of a control stream read as they were written, however the stream is cut', () => {
    const settings = fc
      .array(fc.tuple(fc.integer({ min: 6, max: 1e6 }), id))
      .map((entries) => new Map(entries));
    fc.assert(
      fc.property(settings, id, fc.array(fc.nat()), (settings, id, at) => {
        const data = Buffer.concat([encodeSettingsFrame(settings), encodeGoaway(id)]);
        expect(read('control', cut(data, at))).toEqual([
          { type: 'settings', settings },
          { type: 'goaway', id },
        ]);
      }),
    );
  });

  it('hand on DATA without waiting for its end', () => {
    const pieces: string[] = [];
    const reader = new FrameReader('request', LIMIT, (frame) => {
      if (frame.type === 'data') pieces.push(frame.data.toString());
    });
    reader.push(Buffer.concat([encodeFrameHeader(FrameType.DATA, 1e9), Buffer.from('ab')]));
    reader.push(Buffer.from('cd'));
    expect(pieces).toEqual(['ab', 'cd']);
  });

  it('skip a field section that is too large', () => {
    const data = Buffer.concat([encodeHeaders(Buffer.alloc(LIMIT + 1)), encodeHeaders(Buffer.from('x'))]);
    expect(read('request', [data])).toEqual([
      { type: 'headers', block: null },
      { type: 'headers', block: Buffer.from('x') },
    ]);
  });

  it.each([0x2, 0x6, 0x8, 0x9])('of HTTP/2, type %i, are refused', (type) => {
    const header = encodeFrameHeader(type, 5).toString('hex');
    expect(codeOf('request', header)).toBe(Http3Code.FRAME_UNEXPECTED);
    expect(codeOf('control', header)).toBe(Http3Code.FRAME_UNEXPECTED);
  });

  it.each([
    ['request', '0300'],
    ['request', '0400'],
    ['request', '07'],
    ['request', '0d0100'],
    ['control', '0000'],
    ['control', '01'],
    ['control', '0500'],
  ] as const)('on the wrong stream (%s, %s) are refused before their payload', (kind, hex) => {
    expect(codeOf(kind, hex)).toBe(Http3Code.FRAME_UNEXPECTED);
  });

  it.each([
    ['request', '0005aa', Http3Code.FRAME_ERROR],
    ['request', '01', Http3Code.FRAME_ERROR],
    ['control', '0700', Http3Code.FRAME_ERROR],
    ['control', '070200aa', Http3Code.FRAME_ERROR],
    ['control', '0709', Http3Code.FRAME_ERROR],
    ['control', '04020640', Http3Code.FRAME_ERROR],
    ['control', '04020200', Http3Code.SETTINGS_ERROR],
    ['control', '040406000601', Http3Code.SETTINGS_ERROR],
    ['control', '0480100000', Http3Code.EXCESSIVE_LOAD],
  ] as const)('that are broken (%s, %s) end with code %i', (kind, hex, code) => {
    expect(codeOf(kind, hex)).toBe(code);
  });
});
