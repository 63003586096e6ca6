import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Link } from '../../src/main/path/link.ts';
import { Rng } from '../../src/main/path/rng.ts';
import type { LinkSettings } from '../../src/shared/domain.ts';
import { burst, CLEAR, drain, fateOf, link, play } from './traffic.ts';

describe('rate and delay', () => {
  test('an unlimited link only delays', () => {
    const l = link({ delayMs: 40 });
    expect(
      play(
        l,
        [0, 5].map((atUs) => ({ bytes: 1500, atUs })),
      ),
    ).toEqual([40_000, 40_005]);
    expect(l.queuedBytes(5)).toBe(0);
  });

  test('a packet arrives after its serialisation and the delay', () => {
    // 1250 bytes at 10 Mbit/s take 1 ms.
    expect(fateOf(link({ rateBps: 10e6, delayMs: 20 }), 1250, 100)).toBe(21_100);
  });

  test('nothing is received before its moment, and everything then', () => {
    const l = link({ rateBps: 10e6 });
    expect(l.deadlineUs).toBe(Number.POSITIVE_INFINITY);
    for (let i = 0; i < 3; i++) l.send(i, 1250, 0);
    expect([l.deadlineUs, l.receive(999.9), l.heldBytes]).toEqual([1000, undefined, 3750]);
    expect([l.receive(2000), l.receive(2000), l.receive(2000)]).toEqual([0, 1, undefined]);
    expect([l.deadlineUs, l.heldBytes]).toEqual([3000, 1250]);
  });

  test('packets offered together leave one serialisation time apart', () => {
    const l = link({ rateBps: 10e6 });
    for (let i = 0; i < 3; i++) l.send(i, 1250, 0);
    expect([0, 1000, 2000].map((atUs) => l.queuedBytes(atUs))).toEqual([2500, 1250, 0]);
    expect(drain(l).map(({ atUs }) => atUs)).toEqual([1000, 2000, 3000]);
  });

  test('an idle link starts afresh', () => {
    const l = link({ rateBps: 10e6 });
    l.send(0, 1250, 0);
    expect(fateOf(l, 1250, 50_000)).toBe(51_000);
  });

  test('what is known of late keeps its place in the queue, and is no faster for it than the path', () => {
    const settings = { rateBps: 10e6, delayMs: 20, jitterMs: 0, lossRatio: 0, bufferBytes: null };
    const l = new Link<{ knownUs: number }>(settings, Rng.fromSeed(1), { knownUs: ({ knownUs }) => knownUs });
    // Three that came while nobody looked, 2 ms apart, and one in time.
    for (const atUs of [2000, 4000, 6000]) l.send({ knownUs: 8000 }, 1250, atUs);
    l.send({ knownUs: 8500 }, 1250, 8500);
    const came = [];
    while (l.deadlineUs < Number.POSITIVE_INFINITY) {
      came.push(l.deadlineUs);
      l.receive(l.deadlineUs);
    }
    expect(came).toEqual([29_000, 29_000, 29_000, 29_500]);
  });
});

describe('droptail queue', () => {
  test('holds its bytes beside the packet in transmission, and no more', () => {
    const l = link({ rateBps: 10e6, bufferBytes: 2500 });
    expect(burst(4, 1250).map(({ bytes }, i) => l.send(i, bytes, 0))).toEqual([null, null, null, 'queue']);
    expect(l.counters).toMatchObject({ packetsIn: 4, packetsOut: 3, queueDrops: 1, bytesOut: 3750 });
    // The first waiting packet enters transmission at 1000 and leaves room for one.
    expect([l.send(4, 1250, 1000), l.send(5, 1, 1000)]).toEqual([null, 'queue']);
    expect(drain(l).map(({ atUs }) => atUs)).toEqual([1000, 2000, 3000, 4000]);
  });

  test('an idle link takes a packet larger than its buffer', () => {
    expect(fateOf(link({ rateBps: 8e6, bufferBytes: 1 }), 1000, 0)).toBe(1000);
  });

  test('is one bandwidth-delay product by default, at least 64 kB', () => {
    const accepted = (settings: Partial<LinkSettings>): number => {
      const l = link(settings);
      while (l.send(0, 1000, 0) !== 'queue');
      return l.counters.bytesOut;
    };
    expect(accepted({ rateBps: 4e6, delayMs: 250 })).toBe(250_000 + 1000);
    expect(accepted({ rateBps: 4e6, delayMs: 10 })).toBe(64_000 + 1000);
  });

  test('passes the link rate, no less, when more is offered for long', () => {
    const l = link({ rateBps: 20e6, bufferBytes: 64_000 });
    // 40 Mbit/s in 1000-byte packets for 10 s.
    for (let now = 0; now < 10e6; now += 200) l.send(0, 1000, now);
    const carried = 20e6 * 10;
    expect(l.counters.bytesOut * 8).toBeGreaterThanOrEqual(carried);
    expect(l.counters.bytesOut * 8).toBeLessThanOrEqual(carried + (64_000 + 1000) * 8);
  });
});

describe('loss', () => {
  test.each([0.001, 0.01, 0.02, 0.15])('of ratio %f drops within five standard errors of it', (lossRatio) => {
    const l = link({ lossRatio });
    const n = 100_000;
    for (let i = 0; i < n; i++) l.send(i, 1200, i);
    const error = Math.sqrt((lossRatio * (1 - lossRatio)) / n);
    expect(Math.abs(l.counters.lost / n - lossRatio)).toBeLessThan(5 * error);
  });

  test('of 0 drops nothing and of 1 everything', () => {
    const none = link({ lossRatio: 0 });
    const all = link({ lossRatio: 1 });
    for (let i = 0; i < 1000; i++) {
      expect(fateOf(none, 100, i)).toBe(i);
      expect(fateOf(all, 100, i)).toBe('loss');
    }
  });

  test('is independent of what came before', () => {
    const l = link({ lossRatio: 0.5 });
    const n = 100_000;
    let runs = 1;
    let before = l.send(0, 1, 0);
    for (let i = 1; i < n; i++) {
      const now = l.send(i, 1, 0);
      if (now !== before) runs++;
      before = now;
    }
    // Wald–Wolfowitz: about n/2 runs with a standard deviation of √n/2.
    expect(Math.abs(runs - n / 2)).toBeLessThan(5 * (Math.sqrt(n) / 2));
  });

  test('takes no room in the queue', () => {
    const l = link({ lossRatio: 1, rateBps: 1000 });
    l.send(0, 1500, 0);
    l.configure({ ...CLEAR, rateBps: 12e6 });
    expect(fateOf(l, 1500, 0)).toBe(1000);
  });

  test('hits the same packets whatever the jitter', () => {
    const lost = (jitterMs: number): boolean[] => {
      const l = link({ lossRatio: 0.1, delayMs: 10, jitterMs });
      return Array.from({ length: 1000 }, (_, i) => l.send(i, 100, i) === 'loss');
    };
    expect(lost(5)).toEqual(lost(0));
  });
});

test('jitter is uniform around the delay for packets far apart', () => {
  const l = link({ delayMs: 50, jitterMs: 10 });
  const n = 50_000;
  let sum = 0;
  let squares = 0;
  let furthest = 0;
  for (let i = 0; i < n; i++) {
    const offset = (fateOf(l, 100, i * 100_000) as number) - i * 100_000 - 50_000;
    furthest = Math.max(furthest, Math.abs(offset));
    sum += offset;
    squares += offset * offset;
  }
  expect(furthest).toBeLessThanOrEqual(10_000);
  const deviation = 10_000 / Math.sqrt(3);
  expect(Math.abs(sum / n)).toBeLessThan((5 * deviation) / Math.sqrt(n));
  expect(Math.sqrt(squares / n) / deviation).toBeCloseTo(1, 1);
});

describe('outages', () => {
  const cut = link({ delayMs: 30 }, 1, { outages: { periodUs: 10e6, downUs: 2e6, originUs: 5e6 } });
  test.each([
    [5e6, 5e6 + 30_000],
    [12_999_999, 13_029_999],
    [13e6, 'outage'],
    [14_999_999, 'outage'],
    [15e6, 15_030_000],
    [23e6, 'outage'],
  ])('at %d µs the link answers %s', (now, answer) => {
    expect(fateOf(cut, 100, now)).toBe(answer);
  });
});

describe('settings changed at run time', () => {
  test('hold for the packets that follow; the others keep their times and their room', () => {
    const l = link({ rateBps: 10e6, bufferBytes: 5000 });
    for (let i = 0; i < 3; i++) l.send(i, 1250, 0);
    l.configure({ ...CLEAR, rateBps: 1e6, bufferBytes: 5000 });
    expect(l.queuedBytes(0)).toBe(2500);
    l.send(3, 1250, 0);
    expect(drain(l).map(({ atUs }) => atUs)).toEqual([1000, 2000, 3000, 13_000]);
  });

  test('a shorter delay lets no packet overtake', () => {
    const l = link({ delayMs: 100 });
    l.send(0, 100, 0);
    l.configure({ ...CLEAR, delayMs: 1 });
    l.send(1, 100, 10);
    expect(drain(l)).toEqual([
      { item: 0, atUs: 100_000 },
      { item: 1, atUs: 100_000 },
    ]);
    expect(fateOf(l, 100, 200_000)).toBe(201_000);
  });
});

describe('for any settings and any traffic', () => {
  const settings: fc.Arbitrary<LinkSettings> = fc.record({
    rateBps: fc.option(fc.double({ min: 1000, max: 1e9, noNaN: true })),
    delayMs: fc.double({ min: 0, max: 10_000, noNaN: true }),
    jitterMs: fc.double({ min: 0, max: 5000, noNaN: true }),
    lossRatio: fc.double({ min: 0, max: 1, noNaN: true }),
    bufferBytes: fc.option(fc.integer({ min: 1, max: 1e6 })),
  });
  const traffic = fc
    .array(fc.record({ gapUs: fc.nat(20_000), bytes: fc.integer({ min: 29, max: 65_535 }) }), {
      maxLength: 300,
    })
    .map((packets) => {
      let atUs = 0;
      return packets.map(({ gapUs, bytes }) => {
        atUs += gapUs;
        return { bytes, atUs };
      });
    });

  test('the same seed gives the same result', () => {
    fc.assert(
      fc.property(settings, traffic, fc.nat(), (s, packets, seed) => {
        expect(play(link(s, seed), packets)).toEqual(play(link(s, seed), packets));
      }),
    );
  });

  test('order is kept, and nothing arrives before it could', () => {
    fc.assert(
      fc.property(settings, traffic, (s, packets) => {
        let last = 0;
        play(link(s), packets).forEach((fate, i) => {
          if (typeof fate !== 'number') return;
          const { bytes, atUs } = packets[i]!;
          const soonest =
            atUs + Math.max(0, s.delayMs - s.jitterMs) * 1e3 + (bytes * 8e6) / (s.rateBps ?? Infinity);
          expect(fate).toBeGreaterThanOrEqual(soonest * (1 - 1e-12) - 1e-6);
          expect(fate).toBeGreaterThanOrEqual(last);
          last = fate;
        });
      }),
    );
  });

  test('every packet is counted once, and the queue keeps within its buffer', () => {
    fc.assert(
      fc.property(settings, traffic, (s, packets) => {
        const l = link(s);
        for (const { bytes, atUs } of packets) {
          l.send(0, bytes, atUs);
          if (s.bufferBytes !== null) expect(l.queuedBytes(atUs)).toBeLessThanOrEqual(s.bufferBytes);
        }
        const c = l.counters;
        expect(c.packetsIn).toBe(packets.length);
        expect(c.packetsOut + c.lost + c.queueDrops + c.outageDrops).toBe(c.packetsIn);
        expect(drain(l)).toHaveLength(c.packetsOut);
        expect(l.queuedBytes(Number.MAX_SAFE_INTEGER)).toBe(0);
      }),
    );
  });
});
