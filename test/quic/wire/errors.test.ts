import { expect, it } from 'vitest';
import { describeTransportError, QuicError, TransportError } from '../../../src/main/quic/wire/errors.ts';

it('names transport errors, TLS alerts and codes it does not know', () => {
  expect(describeTransportError(TransportError.FLOW_CONTROL_ERROR)).toBe('FLOW_CONTROL_ERROR');
  expect(describeTransportError(0x100 + 42)).toBe('CRYPTO_ERROR (alert 42 bad_certificate)');
  expect(describeTransportError(0x100)).toBe('CRYPTO_ERROR (alert 0 close_notify)');
  expect(describeTransportError(0x1ff)).toBe('CRYPTO_ERROR (alert 255 unknown)');
  expect(describeTransportError(0x200)).toBe('error 0x200');
});

it('a QuicError carries the code and the frame type that close the connection', () => {
  expect(new QuicError(TransportError.PROTOCOL_VIOLATION, 'why', 0x1e)).toMatchObject({
    code: 0xa,
    frameType: 0x1e,
    message: 'why',
  });
  expect(new QuicError(TransportError.PROTOCOL_VIOLATION, 'why').frameType).toBe(0);
});
