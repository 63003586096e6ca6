/** The end of a connection (RFC 9000 §10). */
import { describe, expect, it } from 'vitest';
import { Wiretap } from './wiretap.ts';

function connected(options: ConstructorParameters<typeof Wiretap>[0] = {}): Wiretap {
  const tap = new Wiretap(options);
  tap.pair.connect();
  tap.pair.run(200_000);
  return tap;
}

describe('CONNECTION_CLOSE', () => {
  it('goes out with as much of its reason as fits, cut between characters', () => {
    const tap = connected();
    tap.pair.client.close(5, 'ö'.repeat(5_000), tap.pair.nowUs);
    tap.pair.run(100_000);
    const info = tap.pair.closed('server')!;
    expect(info).toMatchObject({ by: 'peer', code: 5, application: true });
    expect(info.reason).toMatch(/^ö+$/);
  });

  it('brings nothing onto a terminal that is not text', () => {
    const tap = connected();
    tap.pair.client.close(1, 'a\u001b[31mb\u202ec\r\n', tap.pair.nowUs);
    tap.pair.run(100_000);
    expect(tap.pair.closed('server')!.reason).toBe('a[31mbc');
  });

  it('during the handshake goes out at every level the peer may read, without the application’s words', () => {
    const tap = new Wiretap();
    // Until the server has sent its flight and heard nothing back.
    tap.pair.run(12_000);
    tap.pair.server!.close(99, 'private', tap.pair.nowUs);
    tap.pair.run(0);
    const closes = tap.packets.filter(({ frames }) => frames.some(({ type }) => type === 'connection_close'));
    expect(closes.map(({ space }) => space)).toEqual(['initial', 'handshake']);
    for (const { frames } of closes) {
      expect(frames).toContainEqual({
        type: 'connection_close',
        code: 0xc,
        application: false,
        frameType: 0,
        reason: '',
      });
    }
    tap.pair.run(100_000);
    expect(tap.pair.closed('client')).toMatchObject({ by: 'peer', code: 0xc });
  });

  it('from a client that heard nothing yet fills a datagram of 1200 bytes', () => {
    const tap = new Wiretap({ drop: () => true });
    tap.pair.run(1_000);
    tap.pair.client.close(1, '', tap.pair.nowUs);
    tap.pair.run(0);
    const close = tap.packets.find(({ frames }) => frames.some(({ type }) => type === 'connection_close'))!;
    expect(close).toMatchObject({ space: 'initial' });
    expect(close.datagramBytes).toBeGreaterThanOrEqual(1200);
  });

  it('is answered to packets that keep coming, ever more rarely', () => {
    const tap = connected();
    const { pair } = tap;
    tap.lose = (direction) => direction === 'up';
    pair.client.close(1, '', pair.nowUs);
    pair.run(0);
    for (let i = 0; i < 64; i++) tap.inject('down', 'application', [{ type: 'ping' }]);
    expect(tap.frames('up', 'connection_close')).toHaveLength(1 + 7);
  });

  it('of the peer silences an endpoint that was closing itself', () => {
    const tap = connected();
    const { pair } = tap;
    pair.client.close(1, '', pair.nowUs);
    pair.server!.close(2, '', pair.nowUs);
    pair.run(20_000);
    tap.packets.length = 0;
    tap.inject('down', 'application', [{ type: 'ping' }]);
    pair.run(10_000_000);
    expect(tap.packets).toEqual([]);
    expect(pair.events.client.filter(({ type }) => type === 'closed')).toHaveLength(1);
    expect(pair.client.isTerminated && pair.server!.isTerminated).toBe(true);
  });
});

describe('HANDSHAKE_DONE', () => {
  it('is sent until it is acknowledged, one copy at a time', () => {
    const tap = new Wiretap();
    let lost = 0;
    tap.lose = (direction, packets) =>
      direction === 'down' &&
      packets.some(({ frames }) => frames.some(({ type }) => type === 'handshake_done')) &&
      lost++ < 4;
    tap.pair.connect();
    tap.pair.run(20_000_000);
    const carriers = tap.packets.filter(({ frames }) => frames.some(({ type }) => type === 'handshake_done'));
    expect(carriers.length).toBeGreaterThan(4);
    for (const { frames } of carriers) {
      expect(frames.filter(({ type }) => type === 'handshake_done')).toHaveLength(1);
    }
    // Nothing is left to probe for.
    const { ptoCount } = tap.pair.client.stats();
    tap.pair.run(5_000_000);
    expect(tap.pair.client.stats().ptoCount).toBe(ptoCount);
  });
});

describe('the idle timer', () => {
  it('is the smaller of both offers', () => {
    const tap = connected({ client: { idleTimeoutMs: 60_000 }, server: { idleTimeoutMs: 4_000 } });
    tap.pair.run(6_000_000);
    expect(tap.pair.closed('client')).toMatchObject({ by: 'timeout' });
    expect(tap.pair.closed('server')).toMatchObject({ by: 'timeout' });
  });

  it('is not restarted by what is sent into silence', () => {
    const tap = connected({ client: { idleTimeoutMs: 4_000 } });
    tap.lose = () => true;
    for (let i = 0; i < 12; i++) {
      tap.pair.client.sendDatagram(Buffer.from('anyone?'));
      tap.pair.run(500_000);
    }
    expect(tap.pair.closed('client')).toMatchObject({ by: 'timeout' });
  });

  it('ends an idle connection in silence', () => {
    const tap = connected({ client: { idleTimeoutMs: 4_000 } });
    tap.packets.length = 0;
    tap.pair.run(10_000_000);
    expect(tap.packets).toEqual([]);
    expect(tap.pair.client.isTerminated).toBe(true);
  });
});

describe('keeping a connection alive', () => {
  it.each(['client', 'server'] as const)(
    'has the %s send a PING each time half the idle timeout is over',
    (side) => {
      const tap = connected({
        client: { idleTimeoutMs: 4_000, ...(side === 'client' && { keepAliveMs: 60_000 }) },
        server: { ...(side === 'server' && { keepAliveMs: 60_000 }) },
      });
      tap.packets.length = 0;
      tap.pair.run(60_000_000);
      expect(tap.pair.closed('client')).toBeUndefined();
      expect(tap.pair.closed('server')).toBeUndefined();
      const pings = tap.frames(side === 'client' ? 'up' : 'down', 'ping').length;
      expect(pings).toBeGreaterThan(25);
      expect(pings).toBeLessThanOrEqual(30);
      // The other end only acknowledges.
      expect(tap.frames(side === 'client' ? 'down' : 'up', 'ping').length).toBeLessThan(5);
    },
  );

  it('sends them as often as was asked for', () => {
    const tap = connected({ client: { keepAliveMs: 1_000 } });
    tap.packets.length = 0;
    tap.pair.run(20_500_000);
    expect(tap.frames('up', 'ping').length).toBeGreaterThanOrEqual(18);
  });

  it('sends none while the peer is heard of', () => {
    const tap = connected({ client: { keepAliveMs: 1_000 } });
    tap.packets.length = 0;
    for (let i = 0; i < 20; i++) {
      tap.pair.server!.sendDatagram(Buffer.from('here'));
      tap.pair.run(500_000);
    }
    expect(tap.frames('up', 'ping').length).toBeLessThan(3);
  });

  it('does not keep one whose peer is gone', () => {
    const tap = connected({ client: { idleTimeoutMs: 4_000, keepAliveMs: 1_000 } });
    tap.lose = () => true;
    tap.pair.run(12_000_000);
    expect(tap.pair.closed('client')).toMatchObject({ by: 'timeout' });
  });
});
