import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hmac } from '../../../src/main/quic/tls/suites.ts';

describe('hmac', () => {
  it('is that of OpenSSL for every key up to a block of its hash', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('sha256' as const, 'sha384' as const),
        fc.uint8Array({ maxLength: 64 }),
        fc.uint8Array({ maxLength: 300 }),
        (hash, key, data) => {
          expect(hmac(hash, key, data)).toEqual(createHmac(hash, key).update(data).digest());
        },
      ),
    );
  });

  it('takes no longer key, which would have to be hashed first', () => {
    expect(() => hmac('sha256', Buffer.alloc(65), Buffer.alloc(1))).toThrow(RangeError);
    expect(() => hmac('sha384', Buffer.alloc(129), Buffer.alloc(1))).toThrow(RangeError);
  });
});
