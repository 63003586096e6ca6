import { expect, it } from 'vitest';
import { type LongHeader, parseHeader } from '../../../src/main/quic/wire/header.ts';
import { isRetryAuthentic, writeRetry } from '../../../src/main/quic/wire/retry.ts';

const originalDcid = Buffer.from('8394c8f03e515708', 'hex');
/** RFC 9001 §A.4. */
const sample = Buffer.from('ff000000010008f067a5502a4262b5746f6b656e04a265ba2eff4d829058fb3f0f2496ba', 'hex');

it('takes the Retry of RFC 9001 §A.4 as authentic, for its own Initial only', () => {
  const header = parseHeader(sample, 0, 8) as LongHeader;
  expect(header).toMatchObject({ type: 'retry', token: Buffer.from('token') });
  expect(isRetryAuthentic(sample, header, originalDcid)).toBe(true);
  expect(isRetryAuthentic(sample, header, Buffer.from('8394c8f03e515709', 'hex'))).toBe(false);
});

it('writes the same but for the bits that are arbitrary', () => {
  const written = writeRetry({
    dcid: Buffer.alloc(0),
    scid: Buffer.from('f067a5502a4262b5', 'hex'),
    token: Buffer.from('token'),
    originalDcid,
  });
  expect(written.subarray(1, -16)).toEqual(sample.subarray(1, -16));
  const header = parseHeader(written, 0, 8) as LongHeader;
  expect(isRetryAuthentic(written, header, originalDcid)).toBe(true);
});

it('finds every changed byte', () => {
  for (let at = 0; at < sample.length; at++) {
    const changed = Buffer.from(sample);
    changed[at]! ^= 0x01;
    const header = parseHeader(changed, 0, 8);
    if (header?.form !== 'long' || header.type !== 'retry') continue;
    expect(isRetryAuthentic(changed, header, originalDcid)).toBe(false);
  }
});
