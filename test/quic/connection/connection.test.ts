import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { WINDOWS } from '../../../src/main/quic/connection/config.ts';
import { TransportError } from '../../../src/main/quic/wire/errors.ts';
import { LabError } from '../../../src/shared/errors.ts';
import { Pair, type PairOptions, readAll } from './pair.ts';

const payload = (bytes: number): Buffer => {
  const out = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) out[i] = (i * 31 + (i >> 8)) & 0xff;
  return out;
};
const digest = (data: Buffer): string => createHash('sha256').update(data).digest('hex');

/** Sends `bytes` from server to client on one stream; returns what arrived. */
function download(pair: Pair, bytes: number, limitUs = 120_000_000): Buffer {
  const id = pair.client.openStream(false)!;
  pair.client.finish(id);
  pair.run(limitUs, () => pair.has('server', 'stream-opened'));
  pair.server!.write(id, payload(bytes));
  pair.server!.finish(id);
  const chunks: Buffer[] = [];
  let ended = false;
  pair.run(limitUs, () => {
    ended ||= readAll(pair.client, id, chunks);
    return ended;
  });
  expect(ended).toBe(true);
  return Buffer.concat(chunks);
}

describe('handshake', () => {
  it('completes in one round trip at the client and confirms at both ends', () => {
    const pair = new Pair({ delayUs: 10_000 });
    pair.connect();
    expect(pair.client.handshake()).toMatchObject({
      alpn: 'test',
      cipherSuite: 'TLS_AES_128_GCM_SHA256',
      group: 'X25519',
    });
    expect(pair.client.handshake().durationUs).toBe(20_000);
    expect(pair.server!.handshake().serverName).toBe('localhost');
  });

  it('pads every client datagram with an Initial packet to 1200 bytes', () => {
    const pair = new Pair();
    pair.connect();
    expect(pair.sent.up[0]).toBeGreaterThanOrEqual(1200);
    expect(pair.sent.down[0]).toBeGreaterThanOrEqual(1200);
  });

  it('never sends more than three times what an unvalidated client sent', () => {
    const pair = new Pair({ drop: (direction, n) => direction === 'up' && n > 0 });
    pair.run(20_000_000);
    const total = pair.sent.down.reduce((sum, bytes) => sum + bytes, 0);
    expect(total).toBeLessThanOrEqual(3 * pair.sent.up[0]!);
    expect(total).toBeGreaterThan(0);
  });

  it('survives the loss of any single early datagram', () => {
    for (const direction of ['up', 'down'] as const) {
      for (let lost = 0; lost < 4; lost++) {
        const pair = new Pair({ drop: (way, n) => way === direction && n === lost });
        pair.connect();
        expect(pair.has('client', 'connected'), `${direction} ${lost}`).toBe(true);
        expect(pair.has('server', 'connected'), `${direction} ${lost}`).toBe(true);
      }
    }
  });

  it('survives heavy loss in both directions', () => {
    const pair = new Pair({ drop: (_direction, n) => n % 3 === 0 });
    pair.connect();
    expect(pair.has('client', 'connected')).toBe(true);
    expect(download(pair, 20_000).length).toBe(20_000);
  });

  it('buffers Handshake packets that overtake the Initial', () => {
    const pair = new Pair({ extraUs: (direction, n) => (direction === 'down' && n === 0 ? 5_000 : 0) });
    pair.connect();
    expect(pair.has('client', 'connected')).toBe(true);
  });

  it('fails with no_application_protocol when no protocol is shared', () => {
    const pair = new Pair({ client: { alpn: ['other'] } });
    pair.run(5_000_000);
    expect(pair.closed('server')?.code).toBe(TransportError.CRYPTO_ERROR + 120);
    expect(pair.closed('client')).toMatchObject({ by: 'peer', code: TransportError.CRYPTO_ERROR + 120 });
  });

  it('refuses a certificate the verifier refuses, and says why', () => {
    const refusal = new LabError('RL_CERT_EXPIRED', 'expired');
    const pair = new Pair({
      client: {
        verify: () => {
          throw refusal;
        },
      },
    });
    pair.run(5_000_000);
    expect(pair.closed('client')).toMatchObject({ by: 'local', cause: refusal });
    expect(pair.closed('server')?.by).toBe('peer');
    expect(pair.has('client', 'connected')).toBe(false);
  });

  it('gives up silently when nothing answers within the idle timeout', () => {
    const pair = new Pair({ drop: () => true, client: { idleTimeoutMs: 5_000 } });
    pair.run(20_000_000);
    expect(pair.closed('client')).toMatchObject({ by: 'timeout' });
    expect(pair.client.isTerminated).toBe(true);
  });
});

describe('streams', () => {
  it('carries a megabyte intact', () => {
    const pair = new Pair();
    pair.connect();
    expect(digest(download(pair, 1_000_000))).toBe(digest(payload(1_000_000)));
  });

  it('carries data intact through random loss and reordering', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1_000_000 }),
        fc.integer({ min: 0, max: 20 }),
        (seed, lossPercent) => {
          let state = seed;
          const random = (): number => {
            state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fffffff;
            return state / 0x7fffffff;
          };
          const options: PairOptions = {
            drop: (_direction, n) => n > 3 && random() * 100 < lossPercent,
            extraUs: () => (random() < 0.1 ? 15_000 : 0),
          };
          const pair = new Pair(options);
          pair.connect();
          expect(digest(download(pair, 200_000))).toBe(digest(payload(200_000)));
        },
      ),
      { numRuns: 25 },
    );
  });

  it('respects the connection window and grows it as data is read', () => {
    const pair = new Pair({ delayUs: 1_000 });
    pair.connect();
    const bytes = 20 * 1024 * 1024;
    expect(download(pair, bytes).length).toBe(bytes);
  });

  it('opens again after the peer’s stream limit when streams finish', () => {
    const pair = new Pair({ delayUs: 1_000 });
    pair.connect();
    let opened = 0;
    for (let round = 0; round < 400; round++) {
      const id = pair.client.openStream(false);
      if (id === null) {
        pair.run(20_000);
        continue;
      }
      opened++;
      pair.client.write(id, Buffer.from('hello'));
      pair.client.finish(id);
      pair.run(3_000);
      const got: Buffer[] = [];
      readAll(pair.server!, id, got);
      expect(Buffer.concat(got).toString()).toBe('hello');
      pair.server!.finish(id);
      pair.run(3_000);
      readAll(pair.client, id, []);
    }
    expect(opened).toBeGreaterThan(300);
  });

  it('tells the peer of a reset and of a refusal to read on', () => {
    const pair = new Pair();
    pair.connect();
    const id = pair.client.openStream(false)!;
    pair.client.write(id, payload(10_000));
    pair.run(50_000);
    pair.server!.stopSending(id, 7);
    pair.client.reset(id, 9);
    pair.run(200_000);
    expect(pair.events.server).toContainEqual({ type: 'stream-reset', id, code: 9 });
  });

  it('holds the sender back while the reader does not read', () => {
    const pair = new Pair({ delayUs: 1_000 });
    pair.connect();
    const id = pair.client.openStream(false)!;
    const chunk = payload(1024 * 1024);
    let waits = 0;
    for (let i = 0; i < 12; i++) if (!pair.client.write(id, chunk)) waits++;
    pair.run(5_000_000);
    expect(waits).toBeGreaterThan(0);
    // One stream's window went out; the rest waits here.
    expect(pair.client.unsentBytes(id)).toBe(12 * 1024 * 1024 - WINDOWS.stream);
    const chunks: Buffer[] = [];
    pair.run(60_000_000, () => {
      readAll(pair.server!, id, chunks);
      return pair.client.unsentBytes(id) === 0;
    });
    expect(pair.has('client', 'stream-writable')).toBe(true);
  });
});

describe('datagrams', () => {
  it('arrive once, with the time they arrived at', () => {
    const pair = new Pair({ delayUs: 10_000 });
    pair.connect();
    const sentAtUs = pair.nowUs;
    expect(pair.client.sendDatagram(Buffer.from('ping'))).toBe(true);
    pair.run(100_000);
    const arrived = pair.events.server.filter((event) => event.type === 'datagram');
    expect(arrived).toHaveLength(1);
    expect(arrived[0]).toMatchObject({ data: Buffer.from('ping'), atUs: sentAtUs + 10_000 });
  });

  it('are not sent again when lost', () => {
    let cut = false;
    const pair = new Pair({ drop: (direction) => cut && direction === 'up' });
    pair.connect();
    pair.run(100_000);
    cut = true;
    pair.client.sendDatagram(Buffer.from('lost'));
    pair.run(5_000);
    cut = false;
    pair.run(5_000_000);
    expect(pair.has('server', 'datagram')).toBe(false);
  });

  it('are refused when larger than a packet', () => {
    const pair = new Pair();
    pair.connect();
    const max = pair.client.maxDatagramPayload;
    expect(max).toBeGreaterThan(1200);
    expect(pair.client.sendDatagram(Buffer.alloc(max + 1))).toBe(false);
    expect(pair.client.sendDatagram(Buffer.alloc(max))).toBe(true);
    pair.run(100_000);
    expect(pair.has('server', 'datagram')).toBe(true);
  });
});

describe('recovery', () => {
  it('estimates the round trip from acknowledgements', () => {
    const pair = new Pair({ delayUs: 40_000 });
    pair.connect();
    download(pair, 300_000);
    const { smoothedRttUs, minRttUs } = pair.server!.stats();
    expect(minRttUs).toBe(80_000);
    expect(smoothedRttUs!).toBeGreaterThanOrEqual(80_000);
    expect(smoothedRttUs!).toBeLessThan(90_000);
  });

  it('counts the packets that were lost', () => {
    const pair = new Pair({ drop: (direction, n) => direction === 'down' && n > 20 && n % 50 === 0 });
    pair.connect();
    download(pair, 1_000_000);
    const dropped = pair.sent.down.filter((_size, n) => n > 20 && n % 50 === 0).length;
    expect(pair.server!.stats().packetsLost).toBe(dropped);
  });

  it('paces: no more than one quantum leaves at one instant once the RTT is known', () => {
    const times: number[] = [];
    const pair: Pair = new Pair({
      drop: (direction) => {
        if (direction === 'down') times.push(pair.nowUs);
        return false;
      },
    });
    pair.connect();
    download(pair, 2_000_000);
    const perInstant = new Map<number, number>();
    for (const at of times.slice(20)) perInstant.set(at, (perInstant.get(at) ?? 0) + 1);
    expect(Math.max(...perInstant.values())).toBeLessThanOrEqual(48);
  });
});

describe('closing', () => {
  it('tells code and reason to the peer, and both ends terminate', () => {
    const pair = new Pair();
    pair.connect();
    pair.client.close(42, 'enough', pair.nowUs);
    pair.run(10_000_000);
    expect(pair.closed('server')).toMatchObject({
      by: 'peer',
      code: 42,
      application: true,
      reason: 'enough',
    });
    expect(pair.closed('client')).toMatchObject({ by: 'local', code: 42 });
    expect(pair.client.isTerminated && pair.server!.isTerminated).toBe(true);
  });

  it('repeats CONNECTION_CLOSE when the peer goes on sending', () => {
    let lost = 0;
    const pair = new Pair({ drop: (direction) => direction === 'up' && closing && lost++ < 1 });
    let closing = false;
    pair.connect();
    pair.run(100_000);
    closing = true;
    pair.client.close(1, '', pair.nowUs);
    pair.run(0);
    const id = pair.server!.openStream(false)!;
    pair.server!.write(id, payload(5_000));
    pair.run(60_000);
    expect(pair.closed('server')).toMatchObject({ by: 'peer', code: 1 });
  });

  it('ends by silence when the peer is gone', () => {
    let cut = false;
    const pair = new Pair({ drop: () => cut, client: { idleTimeoutMs: 3_000 } });
    pair.connect();
    cut = true;
    pair.client.sendDatagram(Buffer.from('anyone?'));
    pair.run(60_000_000);
    expect(pair.closed('client')).toMatchObject({ by: 'timeout' });
    expect(pair.closed('server')).toMatchObject({ by: 'timeout' });
  });
});

describe('hostile input', () => {
  it('ignores datagrams that are noise or mutations', () => {
    const pair = new Pair();
    pair.connect();
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 1400 }), fc.boolean(), (bytes, up) => {
        pair.inject(up ? 'up' : 'down', Buffer.from(bytes));
      }),
      { numRuns: 500 },
    );
    expect(pair.closed('client')).toBeUndefined();
    expect(download(pair, 10_000).length).toBe(10_000);
  });
});
