/** Which packets are taken, which are dropped, and how large the ones sent are (RFC 9000 §5.2, §8, §12, §14). */
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { KeyPhases } from '../../../src/main/quic/connection/key-phases.ts';
import { QuicError } from '../../../src/main/quic/wire/errors.ts';
import { isAckEliciting } from '../../../src/main/quic/wire/frames.ts';
import { PacketProtection } from '../../../src/main/quic/wire/protection.ts';
import { ReceivedPackets } from '../../../src/main/recovery/received-packets.ts';
import { certificate } from './pair.ts';
import { Wiretap } from './wiretap.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

function connected(options: ConstructorParameters<typeof Wiretap>[0] = {}): Wiretap {
  const tap = new Wiretap(options);
  tap.pair.connect();
  tap.pair.run(200_000);
  return tap;
}

describe('a server', () => {
  it('discards Initial packets that came in datagrams under 1200 bytes', () => {
    // The client falls silent after its first datagram, so the server stays in the handshake.
    const tap = new Wiretap({ drop: (direction, n) => direction === 'up' && n > 0 });
    tap.pair.run(50_000);
    const before = tap.pair.server!.stats().packetsReceived;
    tap.inject('up', 'initial', [{ type: 'ping' }], 600);
    expect(tap.pair.server!.stats().packetsReceived).toBe(before);
    tap.inject('up', 'initial', [{ type: 'ping' }], 1200);
    expect(tap.pair.server!.stats().packetsReceived).toBe(before + 1);
  });

  it('sends Initial packets that ask for an answer in 1200 bytes or not at all, however little credit is left', () => {
    // A chain so long that what its flight leaves of the credit is less than a full datagram.
    const chain = Array.from({ length: 5 }, () => certificate).flat();
    const tap = new Wiretap({
      drop: (direction, n) => direction === 'up' && n > 0,
      server: { certificate: chain },
    });
    tap.pair.run(20_000_000);
    const small = tap.packets.filter(
      ({ direction, space, frames, datagramBytes }) =>
        direction === 'down' &&
        space === 'initial' &&
        datagramBytes < 1200 &&
        frames.some(({ type }) => isAckEliciting(type)),
    );
    expect(small).toEqual([]);
  });

  it('forgets a client that never answers well before the idle timeout', () => {
    const tap = new Wiretap({
      drop: (direction, n) => direction === 'up' && n > 0,
      server: { idleTimeoutMs: 600_000 },
    });
    tap.pair.run(25_000_000);
    expect(tap.pair.server!.isTerminated).toBe(true);
  });
});

describe('a datagram', () => {
  it('loses the packets that are for another connection id than its first', () => {
    const tap = new Wiretap({ drop: (direction, n) => direction === 'up' && n > 0 });
    tap.pair.run(50_000);
    const server = tap.pair.server!;
    const before = server.stats().packetsReceived;
    const initial = tap.forge('up', 'initial', [{ type: 'ping' }], 1200);
    const other = Buffer.from(initial);
    // Another connection's packet first: it is dropped, and what follows it does not belong here either.
    other[6]! ^= 0xff;
    tap.pair.inject('up', Buffer.concat([other, initial]));
    expect(server.stats().packetsReceived).toBe(before);
  });
});

describe('PATH_CHALLENGE', () => {
  it('is answered with its data in a datagram of at least 1200 bytes', () => {
    const tap = connected();
    const data = Buffer.from('12345678');
    tap.inject('up', 'application', [{ type: 'path_challenge', data }]);
    tap.pair.run(50_000);
    const answers = tap.packets.filter(({ frames }) => frames.some(({ type }) => type === 'path_response'));
    expect(answers).toHaveLength(1);
    expect(answers[0]!.frames).toContainEqual({ type: 'path_response', data });
    expect(answers[0]!.datagramBytes).toBeGreaterThanOrEqual(1200);
  });

  it('in a flood leaves only the newest few to answer', () => {
    const tap = connected();
    const flood = Array.from({ length: 100 }, (_, i) => ({
      type: 'path_challenge' as const,
      data: Buffer.alloc(8, i),
    }));
    tap.inject('up', 'application', flood);
    tap.pair.run(50_000);
    const answers = tap.frames('down', 'path_response');
    expect(answers.length).toBeLessThanOrEqual(8);
    expect(answers.at(-1)!.data).toEqual(Buffer.alloc(8, 99));
  });
});

describe('the limits of the AEAD', () => {
  const withLimits = (limits: { integrityLimit?: number; confidentialityLimit?: number }): void => {
    const original = PacketProtection.fromSecret.bind(PacketProtection);
    vi.spyOn(PacketProtection, 'fromSecret').mockImplementation((suite, secret) =>
      Object.assign(original(suite, secret), limits),
    );
  };

  it('on packets that fail to open close the connection with AEAD_LIMIT_REACHED', () => {
    withLimits({ integrityLimit: 5 });
    const tap = connected();
    for (let i = 0; i < 5; i++) {
      expect(tap.pair.closed('server')).toBeUndefined();
      const bad = tap.forge('up', 'application', [{ type: 'ping' }], 60);
      bad[bad.length - 1]! ^= 1;
      tap.pair.inject('up', bad);
    }
    expect(tap.pair.closed('server')).toMatchObject({ by: 'local', code: 0xf });
  });

  it('on packets sealed close the connection while there is still a packet to say so', () => {
    withLimits({ confidentialityLimit: 400 });
    // A peer that acknowledges no packet of the last update stands in the way of the next.
    vi.spyOn(KeyPhases.prototype, 'mayUpdate').mockReturnValue(false);
    const tap = connected();
    const id = tap.pair.client.openStream(true)!;
    tap.pair.client.write(id, Buffer.alloc(1 << 20));
    tap.pair.run(5_000_000);
    expect(tap.pair.closed('client')).toMatchObject({ by: 'local', code: 0xf });
    expect(tap.pair.closed('server')).toMatchObject({ by: 'peer', code: 0xf });
  });
});

describe('acknowledgements', () => {
  it('of a lone packet leave early enough for a late timer to keep the announced max_ack_delay', () => {
    const tap = connected();
    tap.packets.length = 0;
    const sentAtUs = tap.pair.nowUs;
    tap.pair.client.sendDatagram(Buffer.from('one'));
    tap.pair.run(100_000);
    const ack = tap.packets.find(({ direction }) => direction === 'down')!;
    expect(ack.atUs - sentAtUs - 10_000).toBeLessThanOrEqual(20_000);
  });

  it('are acknowledged now and then, so that a receiver does not repeat old ranges for ever', () => {
    const tap = connected({ drop: (direction, n) => direction === 'down' && n > 30 && n % 20 === 0 });
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    pair.client.finish(id);
    pair.run(12_000);
    pair.server!.write(id, Buffer.alloc(4 << 20));
    pair.server!.finish(id);
    pair.run(60_000_000, () => pair.client.read(id, () => undefined).end);
    const ranges = tap.frames('up', 'ack').map((ack) => ack.ranges.length);
    expect(Math.max(...ranges)).toBeLessThan(32);
    // A receiver that only acknowledges measures the path too.
    expect(tap.frames('up', 'ping').length).toBeGreaterThan(0);
  });

  it('come for at most ten packets once a transfer is under way, and at once when one is missing', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    pair.client.finish(id);
    pair.run(12_000);
    pair.server!.write(id, Buffer.alloc(4 << 20));
    pair.server!.finish(id);
    pair.run(60_000_000, () => pair.client.read(id, () => undefined).end);
    const data = tap.packets.filter(({ direction }) => direction === 'down').length;
    const acks = tap.frames('up', 'ack').length;
    expect(acks).toBeLessThan(data / 4);
    // A burst that arrives in one piece is answered once, for all of it.
    expect(acks).toBeGreaterThan(data / 16);
  });
});

describe('packet numbers', () => {
  it('are skipped now and then, and an acknowledgement of one that was never sent ends the connection', () => {
    const tap = connected();
    const { pair } = tap;
    const id = pair.client.openStream(true)!;
    pair.client.write(id, Buffer.alloc(4 << 20));
    pair.run(3_000_000, () => {
      pair.server!.read(id, () => undefined);
      return false;
    });
    const sent = (): number[] =>
      tap.packets
        .filter(({ direction, space }) => direction === 'up' && space === 'application')
        .map(({ packetNumber }) => packetNumber);
    const skipped = Math.max(...sent()) + 1 - new Set(sent()).size;
    expect(skipped).toBeGreaterThan(2);
    expect(skipped).toBeLessThan(sent().length / 100);
    expect(pair.closed('client')).toBeUndefined();
    // An optimistic receiver (RFC 9000 §21.4) acknowledges what it has not seen.
    tap.lose = (direction) => direction === 'down';
    pair.client.write(pair.client.openStream(true)!, Buffer.alloc(2 << 20));
    pair.run(60_000);
    const ranges = [{ first: 0, last: Math.max(...sent()) }];
    tap.inject('down', 'application', [{ type: 'ack', delay: 0, ranges }]);
    expect(pair.closed('client')).toMatchObject({ by: 'local', code: 0xa });
  });
});

describe('authentic packets of any content', () => {
  it('never meet a defect: what they break is told as a QUIC error', () => {
    const varint = fc.oneof(fc.nat(63), fc.nat(20_000), fc.maxSafeNat());
    const id = fc.oneof(fc.nat(20), varint);
    const data = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
    const frame = fc.oneof(
      fc.record({ type: fc.constant('ping' as const) }),
      fc.record({ type: fc.constant('handshake_done' as const) }),
      fc.record({
        type: fc.constant('ack' as const),
        delay: varint,
        ranges: fc
          .tuple(fc.nat(300), fc.nat(300))
          .map(([a, b]) => [{ first: Math.min(a, b), last: Math.max(a, b) }]),
      }),
      fc.record({ type: fc.constant('crypto' as const), offset: varint, data }),
      fc.record({ type: fc.constant('stream' as const), id, offset: varint, fin: fc.boolean(), data }),
      fc.record({ type: fc.constant('reset_stream' as const), id, code: varint, finalSize: varint }),
      fc.record({ type: fc.constant('stop_sending' as const), id, code: varint }),
      fc.record({ type: fc.constant('max_data' as const), max: varint }),
      fc.record({ type: fc.constant('max_stream_data' as const), id, max: varint }),
      fc.record({
        type: fc.constant('max_streams' as const),
        bidirectional: fc.boolean(),
        max: fc.nat(1_000_000),
      }),
      fc.record({ type: fc.constant('stream_data_blocked' as const), id, limit: varint }),
      fc.record({
        type: fc.constant('new_connection_id' as const),
        sequence: fc.nat(12),
        retirePriorTo: fc.constant(0),
        connectionId: fc.uint8Array({ minLength: 8, maxLength: 8 }).map((bytes) => Buffer.from(bytes)),
        statelessResetToken: fc.constant(Buffer.alloc(16)),
      }),
      fc.record({ type: fc.constant('retire_connection_id' as const), sequence: fc.nat(3) }),
      fc.record({ type: fc.constant('path_challenge' as const), data: fc.constant(Buffer.alloc(8)) }),
      fc.record({ type: fc.constant('datagram' as const), data }),
    );
    const packet = fc.record({
      direction: fc.constantFrom('up' as const, 'down' as const),
      frames: fc.array(frame, { minLength: 1, maxLength: 6 }),
      waitUs: fc.nat(30_000),
    });
    fc.assert(
      fc.property(fc.array(packet, { maxLength: 12 }), (packets) => {
        const tap = connected();
        const { pair } = tap;
        const near = pair.client.openStream(false)!;
        pair.client.write(near, Buffer.alloc(3_000));
        for (const { direction, frames, waitUs } of packets) {
          tap.inject(direction, 'application', frames);
          pair.run(waitUs);
          pair.server!.read(near, () => undefined);
          pair.client.read(near, () => undefined);
        }
        pair.run(2_000_000);
        for (const side of ['client', 'server'] as const) {
          const cause = pair.closed(side)?.cause;
          if (cause !== undefined) expect(cause).toBeInstanceOf(QuicError);
        }
      }),
      { numRuns: 150 },
    );
  });
});

describe('an unexpected failure inside', () => {
  it('closes the one connection with INTERNAL_ERROR and keeps its cause', () => {
    const tap = new Wiretap();
    const broken = new Error('broken');
    tap.pair.run(0);
    vi.spyOn(ReceivedPackets.prototype, 'onReceived').mockImplementation(() => {
      throw broken;
    });
    expect(() => tap.pair.run(30_000)).not.toThrow();
    expect(tap.pair.closed('server')).toMatchObject({ by: 'local', code: 0x1, cause: broken });
  });
});
