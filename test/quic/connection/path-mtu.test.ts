/** Path MTU discovery (RFC 8899, RFC 9000 §14). */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PathMtu } from '../../../src/main/quic/connection/path-mtu.ts';
import { readAll } from './pair.ts';
import { Wiretap } from './wiretap.ts';

/** Runs the search on a path that passes datagrams up to `path` bytes; returns the sizes probed. */
function search(mtu: PathMtu, path: number): number[] {
  const probes: number[] = [];
  for (let size = mtu.probeDue(0); size !== null; size = mtu.probeDue(0)) {
    probes.push(size);
    mtu.onProbeSent(size);
    expect(mtu.probeDue(0)).toBeNull();
    if (size <= path) mtu.onProbeAcked(size, 0);
    else mtu.onProbeLost(size, 0);
    if (probes.length > 100) throw new Error('the search does not end');
  }
  return probes;
}

describe('the search for the path MTU', () => {
  it('takes one probe where the limit itself passes', () => {
    const mtu = new PathMtu(1350, 16_383);
    expect(search(mtu, 65_000)).toEqual([16_383]);
    expect(mtu.current).toBe(16_383);
  });

  it('finds the sizes of Ethernet after one step', () => {
    const mtu = new PathMtu(1350, 16_383);
    expect(new Set(search(mtu, 1472))).toEqual(
      new Set([16_383, 1472, 8927, 5199, 3335, 2403, 1937, 1704, 1588, 1530, 1501, 1486]),
    );
    expect(mtu.current).toBe(1472);
  });

  it('ends within 16 bytes of any path, and never beyond it', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1350, max: 20_000 }),
        fc.integer({ min: 1350, max: 16_383 }),
        (path, limit) => {
          const mtu = new PathMtu(1350, limit);
          search(mtu, path);
          const best = Math.min(path, limit);
          expect(mtu.current).toBeLessThanOrEqual(best);
          expect(mtu.current).toBeGreaterThan(best - 17);
        },
      ),
    );
  });

  it('tries nothing beyond what it was given', () => {
    expect(new PathMtu(1350, 1200).probeDue(0)).toBeNull();
    expect(new PathMtu(1350, 1350).probeDue(0)).toBeNull();
  });

  it('goes no further at once than the window lets it', () => {
    const mtu = new PathMtu(1350, 16_383);
    expect(mtu.probeDue(0, 6000)).toBe(6000);
    mtu.onProbeSent(6000);
    mtu.onProbeAcked(6000, 0);
    expect(mtu.probeDue(0, 6000)).toBeNull();
    expect(mtu.probeDue(0, 20_000)).toBe(16_383);
  });

  it('sends a size three times before it takes it for lost', () => {
    const mtu = new PathMtu(1350, 1452);
    for (let i = 0; i < 2; i++) {
      mtu.onProbeSent(mtu.probeDue(0)!);
      mtu.onProbeLost(1452, 0);
      expect(mtu.probeDue(0)).toBe(1452);
    }
  });

  it('is done again after ten minutes', () => {
    const mtu = new PathMtu(1350, 1472);
    search(mtu, 1400);
    expect(mtu.probeDue(599_999_999)).toBeNull();
    expect(mtu.probeDue(600_000_001)).toBe(1472);
  });
});

describe('a path that no longer carries large datagrams', () => {
  it('is found out by losses in a row, and the base size used at once', () => {
    const mtu = new PathMtu(1350, 1472);
    search(mtu, 1472);
    for (let i = 0; i < 7; i++) expect(mtu.onLost(1472, i, 1e6)).toBe(false);
    expect(mtu.onLost(1472, 7, 1e6)).toBe(true);
    expect(mtu.current).toBe(1200);
    expect(mtu.probeDue(1e6)).toBeNull();
    expect(mtu.probeDue(2.1e6)).toBeLessThan(1472);
  });

  it('is not mistaken for one that loses some packets, or small ones', () => {
    const mtu = new PathMtu(1350, 1472);
    search(mtu, 1472);
    for (let i = 0; i < 100; i++) {
      expect(mtu.onLost(60, 2 * i, 1e6)).toBe(false);
      expect(mtu.onLost(1472, 2 * i, 1e6)).toBe(false);
      mtu.onAcked(1472, 2 * i + 1);
    }
  });

  it('nor for a full queue, which a later packet of the size got past', () => {
    const mtu = new PathMtu(1350, 1472);
    search(mtu, 1472);
    mtu.onAcked(1472, 20);
    for (let i = 0; i < 20; i++) expect(mtu.onLost(1472, i, 1e6)).toBe(false);
    for (let i = 21; i < 28; i++) expect(mtu.onLost(1472, i, 1e6)).toBe(false);
    expect(mtu.onLost(1472, 28, 1e6)).toBe(true);
  });
});

describe('a connection', () => {
  const limits = { client: { maxDatagramBytes: 9000 }, server: { maxDatagramBytes: 9000 } };

  function transfer(tap: Wiretap, bytes: number): void {
    const { pair } = tap;
    const id = pair.client.openStream(false)!;
    pair.client.write(id, Buffer.alloc(bytes, 'routelab'));
    pair.client.finish(id);
    const received: Buffer[] = [];
    let end = false;
    pair.run(120_000_000, () => {
      end ||= readAll(pair.server!, id, received);
      return end;
    });
    expect(Buffer.concat(received).length).toBe(bytes);
  }

  it('sends larger datagrams once a probe of their size was acknowledged', () => {
    const tap = new Wiretap(limits);
    tap.pair.connect();
    tap.pair.run(500_000);
    transfer(tap, 500_000);
    expect(tap.pair.client.stats().datagramBytes).toBe(9000);
    expect(Math.max(...tap.pair.sent.up)).toBe(9000);
  });

  it('loses no window to probes that do not pass, and finds what does', () => {
    const tap = new Wiretap({ ...limits, drop: (_direction, _n, datagram) => datagram.length > 2000 });
    tap.pair.connect();
    const before = tap.pair.client.stats().cwndBytes;
    transfer(tap, 500_000);
    tap.pair.run(10_000_000);
    const { datagramBytes, cwndBytes, packetsLost } = tap.pair.client.stats();
    expect(datagramBytes).toBeGreaterThan(1983);
    expect(datagramBytes).toBeLessThanOrEqual(2000);
    expect(cwndBytes).toBeGreaterThanOrEqual(before);
    expect(packetsLost).toBe(0);
  });

  it('does not take a server that is slow to answer its Finished for a path that carries no large datagrams', () => {
    const tap = new Wiretap({ ...limits, drop: (direction, n) => direction === 'up' && n > 0 && n < 8 });
    tap.pair.run(30_000_000);
    expect(tap.pair.client.stats().ptoCount).toBeGreaterThanOrEqual(3);
    expect(tap.pair.client.stats().datagramBytes).toBeGreaterThan(1350);
  });

  it('leaves the first window to a first answer: no probe takes more than an eighth of it', () => {
    const tap = new Wiretap(limits);
    tap.pair.connect();
    tap.pair.run(500_000);
    const { cwndBytes, datagramBytes } = tap.pair.server!.stats();
    expect(datagramBytes).toBeGreaterThan(1350);
    expect(Math.max(...tap.pair.sent.down)).toBeLessThanOrEqual(cwndBytes / 8);
  });

  it('goes on over a path that stops carrying large datagrams in the middle of a transfer', () => {
    let limit = 65_000;
    const tap = new Wiretap({ ...limits, drop: (_direction, _n, datagram) => datagram.length > limit });
    tap.pair.connect();
    transfer(tap, 500_000);
    expect(tap.pair.client.stats().datagramBytes).toBeGreaterThan(5000);
    limit = 1300;
    transfer(tap, 300_000);
    expect(tap.pair.client.stats().datagramBytes).toBeLessThanOrEqual(1300);
  });
});
