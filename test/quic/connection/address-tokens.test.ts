/** Address validation with tokens and Retry (RFC 9000 §8.1). */
import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AddressTokens } from '../../../src/main/quic/connection/address-tokens.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import type { LongHeader } from '../../../src/main/quic/wire/header.ts';
import { writeRetry } from '../../../src/main/quic/wire/retry.ts';
import { Pair } from './pair.ts';

const here = { address: '192.0.2.1', port: 4433 };
const dcid = Buffer.from('0011223344556677', 'hex');
const scid = Buffer.from('8899aabbccddeeff', 'hex');
const now = 1_800_000_000_000;

describe('an address token', () => {
  const tokens = new AddressTokens(randomBytes);

  it('of a Retry gives the original id back, to the same address and port, for 15 s', () => {
    const token = tokens.forRetry(here, dcid, scid, now);
    expect(tokens.open(token, here, scid, now + 15_000)).toEqual({ kind: 'retry', originalDcid: dcid });
    expect(tokens.open(token, here, scid, now + 15_001)).toEqual({ kind: 'bad-retry' });
    expect(tokens.open(token, { ...here, port: 4434 }, scid, now)).toEqual({ kind: 'bad-retry' });
    expect(tokens.open(token, { ...here, address: '192.0.2.2' }, scid, now)).toEqual({ kind: 'bad-retry' });
  });

  it('of a Retry is good only for the connection that the Retry made', () => {
    const token = tokens.forRetry(here, dcid, scid, now);
    expect(tokens.open(token, here, dcid, now)).toEqual({ kind: 'bad-retry' });
  });

  it('of NEW_TOKEN validates once (RFC 9000 §8.1.4)', () => {
    const token = tokens.forLater(here, now);
    expect(tokens.claim(token, now)).toBe(true);
    expect(tokens.claim(token, now + 1000)).toBe(false);
    const full = new AddressTokens(randomBytes);
    for (let i = 0; i < 10_000; i++) full.claim(Buffer.from(`${i}`), now);
    expect(full.claim(token, now)).toBe(false);
    expect(full.claim(token, now + 86_400_001)).toBe(true);
  });

  it('of NEW_TOKEN is good for any port of the host, for a day', () => {
    const token = tokens.forLater(here, now);
    expect(tokens.open(token, { ...here, port: 9 }, scid, now + 86_400_000)).toEqual({ kind: 'new' });
    expect(tokens.open(token, here, scid, now + 86_400_001)).toBeNull();
    expect(tokens.open(token, { ...here, address: '192.0.2.2' }, scid, now)).toBeNull();
  });

  it('from the future is worth nothing', () => {
    expect(tokens.open(tokens.forLater(here, now + 1000), here, scid, now)).toBeNull();
  });

  it('of another server is worth nothing', () => {
    const other = new AddressTokens(randomBytes);
    expect(other.open(tokens.forLater(here, now), here, scid, now)).toBeNull();
    expect(other.open(tokens.forRetry(here, dcid, scid, now), here, scid, now)).toEqual({
      kind: 'bad-retry',
    });
  });

  it('that was changed anywhere is never good', () => {
    const token = tokens.forRetry(here, dcid, scid, now);
    fc.assert(
      fc.property(fc.nat(token.length - 1), fc.integer({ min: 1, max: 255 }), (at, bits) => {
        const changed = Buffer.from(token);
        changed[at]! ^= bits;
        expect(tokens.open(changed, here, scid, now)?.kind ?? 'bad-retry').toBe('bad-retry');
      }),
    );
  });

  it('made of any bytes is read without a throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        expect(tokens.open(Buffer.from(bytes), here, scid, now)?.kind ?? 'bad-retry').toBe('bad-retry');
      }),
    );
  });
});

describe('a client that meets a Retry', () => {
  const retrySource = Buffer.from('aabbccddeeff0011', 'hex');

  function meet(change: (retry: Buffer, first: LongHeader) => Buffer = (retry) => retry): Pair {
    const validated: { retryOf: Buffer | null } = { retryOf: null };
    return new Pair({
      validated,
      retry: (first) => {
        validated.retryOf = Buffer.from(first.dcid);
        const retry = writeRetry({
          dcid: first.scid,
          scid: retrySource,
          token: Buffer.from('a token'),
          originalDcid: first.dcid,
        });
        return change(retry, first);
      },
    });
  }

  it('sends its Initial again with the token, and the ids are those of the Retry', () => {
    const pair = meet();
    pair.connect();
    expect(pair.client.handshake().retried).toBe(true);
    expect(pair.server!.handshake().retried).toBe(true);
    expect(pair.has('client', 'connected')).toBe(true);
    // RFC 9000 §14.1: with the token it is still a full datagram.
    expect(pair.sent.up.slice(0, 2).every((bytes) => bytes >= 1200)).toBe(true);
  });

  it('drops one whose tag is wrong', () => {
    const pair = meet((retry) => {
      retry[retry.length - 1]! ^= 1;
      return retry;
    });
    pair.run(3_000_000);
    expect(pair.client.handshake().retried).toBe(false);
  });

  it('closes when the server does not own up to it', () => {
    // The server takes the second Initial for a first one.
    const unaware = new Pair({
      retry: (first) =>
        writeRetry({
          dcid: first.scid,
          scid: retrySource,
          token: Buffer.from('a token'),
          originalDcid: first.dcid,
        }),
    });
    unaware.run(5_000_000);
    expect(unaware.closed('client')).toMatchObject({
      by: 'local',
      code: TransportError.TRANSPORT_PARAMETER_ERROR,
    });
  });

  it('obeys only the first', () => {
    let initial: LongHeader | null = null;
    const pair = meet((retry, first) => {
      initial = { ...first, scid: Buffer.from(first.scid), dcid: Buffer.from(first.dcid) };
      return retry;
    });
    pair.run(1_000_000, () => initial !== null);
    pair.inject(
      'down',
      writeRetry({
        dcid: initial!.scid,
        scid: Buffer.alloc(8, 9),
        token: Buffer.from('another'),
        originalDcid: initial!.dcid,
      }),
    );
    pair.connect();
    expect(pair.has('client', 'connected')).toBe(true);
  });
});

describe('a server', () => {
  it('gives a token for the next connection once the handshake is complete', () => {
    const pair = new Pair({ server: { newToken: () => Buffer.from('for later') } });
    pair.connect();
    pair.run(200_000);
    expect(pair.events.client).toContainEqual({ type: 'token', token: Buffer.from('for later') });
  });
});
