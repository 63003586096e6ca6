import { isDeepStrictEqual } from 'node:util';
import { Http3Error } from '../../src/main/quic/http3/errors.ts';
import {
  encodeFrameHeader,
  encodeGoaway,
  encodeHeaders,
  encodeSettingsFrame,
  FrameReader,
} from '../../src/main/quic/http3/frames.ts';
import {
  DecoderStream,
  decodeFieldSection,
  encodeFieldSection,
  readEncoderStream,
} from '../../src/main/quic/http3/qpack.ts';
import { Setting } from '../../src/main/quic/http3/settings.ts';
import type { FuzzTarget } from './target.ts';

const LIMIT = 4096;

/** What `act` returns, or undefined after an error of HTTP/3. */
function attempt<T>(act: () => T): T | undefined {
  try {
    return act();
  } catch (error) {
    if (error instanceof Http3Error) return undefined;
    throw error;
  }
}

const sections = [
  encodeFieldSection([
    [':method', 'GET'],
    [':scheme', 'https'],
    [':authority', 'www.example.com'],
    [':path', '/index.html'],
    ['custom-key', 'custom-value'],
    ['cookie', '\x01\x02'],
  ]),
  encodeFieldSection([
    [':status', '200'],
    ['content-type', 'text/plain'],
    ['content-length', '1000'],
  ]),
];

/** As a field section that decodes: the same fields come of what they are encoded to. As QPACK streams: no other error. */
export const qpack: FuzzTarget = {
  name: 'qpack',
  seeds: [...sections, Buffer.from('3fbd01c00f7777', 'hex'), Buffer.from('447f8001', 'hex')],
  run: (data) => {
    const fields = attempt(() => decodeFieldSection(data, LIMIT));
    if (fields && !isDeepStrictEqual(decodeFieldSection(encodeFieldSection(fields), LIMIT), fields))
      throw new Error('a section does not read as it was written');
    attempt(() => readEncoderStream(data));
    attempt(() => new DecoderStream().push(data));
  },
};

const streams = [
  Buffer.concat([
    encodeHeaders(sections[0]!),
    encodeFrameHeader(0, 5),
    Buffer.from('hello'),
    encodeFrameHeader(0x21, 3),
    Buffer.from('abc'),
    encodeHeaders(sections[1]!),
  ]),
  Buffer.concat([
    encodeSettingsFrame(
      new Map([
        [Setting.QPACK_MAX_TABLE_CAPACITY, 0],
        [Setting.MAX_FIELD_SECTION_SIZE, 16_384],
        [0x1f * 7 + 0x21, 2 ** 40],
      ]),
    ),
    encodeGoaway(2 ** 20),
    Buffer.from('0d0105', 'hex'),
  ]),
];

/** The frames in a stream do not depend on how it is cut, whatever is in it. */
export const http3Frames: FuzzTarget = {
  name: 'http3-frames',
  seeds: streams,
  run: (data) => {
    for (const kind of ['request', 'control'] as const) {
      const read = (size: number): string => {
        let seen = '';
        attempt(() => {
          const reader = new FrameReader(kind, LIMIT, (frame) => {
            if (frame.type === 'data') seen += frame.data.toString('hex');
            else if (frame.type === 'headers') seen += ` headers ${frame.block?.toString('hex')} `;
            else if (frame.type === 'settings') seen += ` settings ${[...frame.settings].join(' ')} `;
            else seen += ` ${Object.values(frame).join(' ')} `;
          });
          for (let at = 0; at < data.length; at += size) reader.push(data.subarray(at, at + size));
          reader.end();
          seen += ' end';
        });
        return seen;
      };
      const whole = read(Number.MAX_SAFE_INTEGER);
      if (read(1) !== whole || read(7) !== whole) throw new Error(`a ${kind} stream depends on its cuts`);
    }
  },
};
