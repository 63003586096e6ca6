import { describe, expect, test } from 'vitest';
import { Codel } from '../../src/main/path/codel.ts';
import { PacketRing } from '../../src/main/path/packet-ring.ts';
import { drain, link } from './traffic.ts';

/** A queue of packets of 1000 bytes that came one each ms. */
function standing(packets: number): PacketRing<number> {
  const queue = new PacketRing<number>();
  for (let i = 0; i < packets; i++) queue.push(i * 1000, 1000, i);
  return queue;
}

describe('RFC 8289', () => {
  test('drops the first packet after an INTERVAL above TARGET, then at INTERVAL/√count', () => {
    const codel = new Codel(undefined, undefined);
    // One in and one out each millisecond, 20 ms later: always above TARGET.
    const queue = standing(20);
    const dropsMs: number[] = [];
    for (let ms = 20; ms < 700; ms++) {
      queue.push(ms * 1000, 1000, ms);
      // Each drop is made up for, so that the queue stands.
      for (let n = codel.dropFrom(queue, ms * 1000); n > 0; n--) {
        dropsMs.push(ms);
        queue.push(ms * 1000, 1000, ms);
      }
      queue.shift();
    }
    const expected = [120];
    for (let count = 1, next = 120; expected.length < dropsMs.length; count++) {
      next += 100 / Math.sqrt(count);
      expected.push(Math.ceil(next));
    }
    expect(dropsMs).toEqual(expected);
    expect(dropsMs.length).toBeGreaterThan(10);
  });

  test('leaves alone what has waited for less than TARGET', () => {
    const codel = new Codel(undefined, undefined);
    for (let ms = 0; ms < 1000; ms++) {
      const queue = new PacketRing<number>();
      for (let i = 0; i < 50; i++) queue.push(ms * 1000 - 4999, 1000, i);
      expect(codel.dropFrom(queue, ms * 1000)).toBe(0);
    }
  });

  test('leaves alone a queue with no more than one packet behind its head', () => {
    const codel = new Codel(undefined, undefined);
    for (let ms = 0; ms < 1000; ms++) {
      const queue = new PacketRing<number>();
      queue.push(0, 1500, 0);
      queue.push(0, 1500, 1);
      expect(codel.dropFrom(queue, 1e6 + ms * 1000)).toBe(0);
    }
  });

  test('goes on from the rate that had controlled the queue before, if that was within 16 INTERVALs', () => {
    const drops = (pauseMs: number): number => {
      const codel = new Codel(5, 100);
      const run = (fromMs: number, toMs: number): number => {
        let dropped = 0;
        for (let ms = fromMs; ms < toMs; ms++) {
          const queue = new PacketRing<number>();
          for (let i = 0; i < 9; i++) queue.push((ms - 20) * 1000, 1000, i);
          dropped += codel.dropFrom(queue, ms * 1000);
        }
        return dropped;
      };
      run(0, 1000);
      codel.dropFrom(new PacketRing(), 1e6);
      return run(1000 + pauseMs, 1000 + pauseMs + 300);
    };
    expect(drops(10)).toBeGreaterThan(2 * drops(5000));
    expect(drops(5000)).toBe(1 + 1 + 1);
  });

  test('keeps to a TARGET and an INTERVAL it is given', () => {
    const codel = new Codel(50, 10);
    const queue = standing(100);
    expect([
      codel.dropFrom(queue, 49_000),
      codel.dropFrom(queue, 60_000),
      codel.dropFrom(queue, 69_999),
    ]).toEqual([0, 0, 0]);
    expect(codel.dropFrom(queue, 70_000)).toBe(1);
  });
});

/**
 * A Reno-like load through a link: a window that grows by one packet a round trip and is halved by a loss, at most once a
 * round trip. Mean wait in the queue of the second half, and goodput in bits per second.
 */
function reno(settings: Parameters<typeof link>[0], seconds: number): { waitMs: number; bps: number } {
  const BYTES = 1500;
  const RTT_US = 50_000;
  const l = link(settings);
  let window = 10;
  let sent = 0;
  let acked = 0;
  let recoverUntil = 0;
  let waitUs = 0;
  let counted = 0;
  const sentUs: number[] = [];
  const txUs = (BYTES * 8e6) / settings.rateBps!;
  for (let now = 0; now < seconds * 1e6; now = Math.min(l.deadlineUs, now + 1000)) {
    for (const { item } of drain(l, now)) {
      // A gap is a loss.
      if (item > acked && item >= recoverUntil) {
        window = Math.max(2, window / 2);
        recoverUntil = sent;
      }
      acked = item + 1;
      window += 1 / window;
      if (now > seconds * 5e5) {
        waitUs += now - sentUs[item]! - RTT_US - txUs;
        counted++;
      }
    }
    while (sent - acked < window) {
      sentUs[sent] = now;
      l.send(sent, BYTES, now);
      sent++;
    }
  }
  return { waitMs: waitUs / counted / 1e3, bps: (counted * BYTES * 8) / (seconds / 2) };
}

describe('a standing queue of a Reno-like load', () => {
  const path = { rateBps: 10e6, delayMs: 50, bufferBytes: 500_000 };
  test('fills a droptail and is held near TARGET by CoDel, at no great cost of throughput', () => {
    const droptail = reno(path, 60);
    const codel = reno({ ...path, aqm: 'codel' }, 60);
    expect(droptail.waitMs).toBeGreaterThan(150);
    expect(codel.waitMs).toBeLessThan(2 * 5);
    expect(codel.bps).toBeGreaterThan(0.8 * 10e6);
    expect(droptail.bps).toBeLessThanOrEqual(10.01e6);
  });

  test('is larger for a larger TARGET', () => {
    const small = reno({ ...path, aqm: 'codel' }, 40);
    const large = reno({ ...path, aqm: 'codel', codelTargetMs: 40, codelIntervalMs: 400 }, 40);
    expect(large.waitMs).toBeGreaterThan(3 * small.waitMs);
  });
});
