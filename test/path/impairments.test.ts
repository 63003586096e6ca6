import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LinkSettings } from '../../src/shared/domain.ts';
import { burst, drain, link, play } from './traffic.ts';

const everyMs = (count: number, ms: number) =>
  Array.from({ length: count }, (_, i) => ({ bytes: 1000, atUs: i * ms * 1e3 }));
const withinFive = (seen: number, n: number, ratio: number): void => {
  expect(Math.abs(seen / n - ratio)).toBeLessThan(5 * Math.sqrt((ratio * (1 - ratio)) / n));
};

describe('duplication', () => {
  test('brings as many packets twice as asked for, the copy behind its original', () => {
    const l = link({ duplicateRatio: 0.02, rateBps: 8e6 });
    for (let i = 0; i < 20_000; i++) l.send(i, 1000, i * 10_000);
    const items = drain(l).map(({ item }) => item);
    expect(items).toEqual(items.toSorted((a, b) => a - b));
    expect(items.length).toBe(20_000 + l.counters.duplicated);
    withinFive(l.counters.duplicated, 20_000, 0.02);
  });

  test('sends the copy too: it takes the bottleneck’s time and the buffer’s room', () => {
    const l = link({ duplicateRatio: 1, rateBps: 8e6, bufferBytes: 2000 });
    expect([l.send(0, 1000, 0), l.send(1, 1000, 0), l.send(2, 1000, 0)]).toEqual([null, null, 'queue']);
    expect(drain(l)).toEqual([
      { item: 0, atUs: 1000 },
      { item: 0, atUs: 2000 },
      { item: 1, atUs: 3000 },
    ]);
    expect(l.counters).toMatchObject({ packetsIn: 3, duplicated: 3, packetsOut: 3, queueDrops: 3 });
  });
});

describe('corruption', () => {
  test('replaces an item by what the callback makes of it', () => {
    const l = link({ corruptRatio: 0.05 }, 1, {
      corrupt: (item, rng) => -1 - item - Math.floor(rng.float()),
    });
    for (let i = 0; i < 20_000; i++) expect(l.send(i, 1000, i)).toBeNull();
    const items = drain(l).map(({ item }) => item);
    expect(items.map((item) => (item < 0 ? -1 - item : item))).toEqual(items.map((_, i) => i));
    const spoilt = items.filter((item) => item < 0).length;
    expect(l.counters).toMatchObject({ corrupted: spoilt, packetsOut: 20_000 });
    withinFive(spoilt, 20_000, 0.05);
  });

  test('without one drops it at the far end: it has taken its time on the way', () => {
    const l = link({ corruptRatio: 0.5, rateBps: 8e6, bufferBytes: 1e6 });
    const fates = play(l, burst(200, 1000));
    expect(fates.filter((fate) => fate === undefined)).toHaveLength(l.counters.corrupted);
    withinFive(l.counters.corrupted, 200, 0.5);
    fates.forEach((fate, i) => {
      if (fate !== undefined) expect(fate).toBe((i + 1) * 1000);
    });
    expect(l.counters.packetsOut + l.counters.corrupted).toBe(200);
    expect(l.heldBytes).toBe(0);
  });
});

describe('reordering', () => {
  test('holds back as many packets as asked for, uniformly for up to reorderMs, and no others', () => {
    const l = link({ delayMs: 40, reorderRatio: 0.1, reorderMs: 8 });
    const lateUs = play(l, everyMs(20_000, 100)).map((fate, i) => (fate as number) - i * 100e3 - 40e3);
    const held = lateUs.filter((late) => late > 0);
    expect(held).toHaveLength(l.counters.reordered);
    withinFive(held.length, 20_000, 0.1);
    expect(Math.min(...lateUs)).toBe(0);
    expect(Math.max(...held)).toBeLessThanOrEqual(8000);
    const mean = held.reduce((sum, late) => sum + late, 0) / held.length;
    expect(Math.abs(mean - 4000)).toBeLessThan((5 * 8000) / Math.sqrt(12 * held.length));
  });

  test('lets others overtake those, while the others keep their order', () => {
    const l = link({ delayMs: 40, reorderRatio: 0.05 });
    const packets = everyMs(5000, 1);
    packets.forEach(({ bytes, atUs }, i) => {
      l.send(i, bytes, atUs);
    });
    const items = drain(l).map(({ item }) => item);
    expect(items.toSorted((a, b) => a - b)).toEqual(packets.map((_, i) => i));
    // RFC 4737 §3.3: a packet is reordered when one sent after it has come before.
    let highest = -1;
    const late = items.filter((item) => {
      highest = Math.max(highest, item);
      return item < highest;
    });
    expect(late.length).toBeGreaterThan(0);
    expect(late.length).toBeLessThanOrEqual(l.counters.reordered);
  });

  test('of all packets by nothing is jitter without order', () => {
    const settings: Partial<LinkSettings> = { delayMs: 20, jitterMs: 10, reorderRatio: 1, reorderMs: 0 };
    const offsets = play(link(settings), everyMs(20_000, 0.1)).map(
      (fate, i) => (fate as number) - i * 100 - 20e3,
    );
    const mean = offsets.reduce((sum, x) => sum + x, 0) / offsets.length;
    // Dense traffic that keeps its order would wait behind the slowest: about 9 ms more.
    expect(Math.abs(mean)).toBeLessThan((5 * 20_000) / Math.sqrt(12 * offsets.length));
  });

  test('of a droptail and of CoDel is the same while nothing queues', () => {
    const settings: Partial<LinkSettings> = { delayMs: 40, rateBps: 100e6, reorderRatio: 0.1 };
    const packets = everyMs(1000, 0.5);
    expect(play(link({ ...settings, aqm: 'codel' }), packets)).toEqual(play(link(settings), packets));
  });
});

test('every packet and copy is counted once, whatever the settings', () => {
  const ratio = fc.option(fc.double({ min: 0, max: 1, noNaN: true }), { nil: undefined });
  const settings = fc
    .record({
      rateBps: fc.double({ min: 1e4, max: 1e9, noNaN: true }),
      delayMs: fc.nat(100),
      lossRatio: fc.double({ min: 0, max: 0.5, noNaN: true }),
      reorderRatio: ratio,
      duplicateRatio: ratio,
      corruptRatio: ratio,
      bufferBytes: fc.integer({ min: 1, max: 100_000 }),
      aqm: fc.constantFrom('droptail', 'codel'),
      schedule: fc.boolean(),
    })
    .map(({ schedule, ...rest }) => ({ ...rest, ...(schedule ? { rateSchedule: [[0.01, 1e5]] } : {}) }));
  const traffic = fc.array(fc.record({ gapUs: fc.nat(5000), bytes: fc.integer({ min: 29, max: 9000 }) }), {
    maxLength: 200,
  });
  fc.assert(
    fc.property(settings, traffic, fc.boolean(), (s, packets, spoils) => {
      const l = link(s as Partial<LinkSettings>, 1, spoils ? { corrupt: (item) => item } : {});
      let atUs = 0;
      let received = 0;
      for (const { gapUs, bytes } of packets) {
        atUs += gapUs;
        l.send(0, bytes, atUs);
        if (gapUs % 2 === 0) while (l.receive(atUs) !== undefined) received++;
        expect(l.queuedBytes(atUs)).toBeLessThanOrEqual(s.bufferBytes);
      }
      received += drain(l).length;
      const c = l.counters;
      expect(received).toBe(c.packetsOut);
      expect(c.packetsOut + c.lost + c.queueDrops + c.aqmDrops + (spoils ? 0 : c.corrupted)).toBe(
        c.packetsIn + c.duplicated,
      );
      expect([l.heldBytes, l.deadlineUs]).toEqual([0, Number.POSITIVE_INFINITY]);
    }),
  );
});

test('CoDel decides alike however seldom it is asked', () => {
  const settings: Partial<LinkSettings> = { rateBps: 2e6, delayMs: 5, aqm: 'codel', bufferBytes: 200_000 };
  const traffic = fc.array(fc.record({ gapUs: fc.nat(6000), asked: fc.boolean() }), {
    minLength: 100,
    maxLength: 400,
  });
  fc.assert(
    fc.property(traffic, (packets) => {
      const often = link(settings);
      const seldom = link(settings);
      let atUs = 0;
      const arrived: { item: number; atUs: number }[] = [];
      packets.forEach(({ gapUs, asked }, i) => {
        atUs += gapUs;
        if (asked) arrived.push(...drain(often, atUs));
        often.send(i, 1200, atUs);
        seldom.send(i, 1200, atUs);
      });
      expect([...arrived, ...drain(often)]).toEqual(drain(seldom));
      expect(often.counters).toEqual(seldom.counters);
    }),
    { numRuns: 30 },
  );
});
