import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SentPackets } from '../../src/main/recovery/sent-packets.ts';
import { numbers, packet } from './support.ts';

describe('sent packets', () => {
  it('behave like a map from packet number to packet, whatever is sent, skipped and removed', () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ push: fc.nat(3) }) },
      { weight: 2, arbitrary: fc.record({ remove: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 1000, size: 'max' }), (operations) => {
        const ring = new SentPackets<null>();
        const model = new Map<number, { ordinal: number }>();
        let next = 0;
        let ordinal = 0;
        for (const step of operations) {
          if ('push' in step) {
            // 0 to 3 numbers are skipped.
            const number = next + step.push;
            ring.push(packet(number), ordinal);
            model.set(number, { ordinal: ordinal++ });
            next = number + 1;
          } else if (model.size > 0) {
            const number = [...model.keys()][step.remove % model.size]!;
            ring.remove(number);
            model.delete(number);
          }
        }
        expect(ring.size).toBe(model.size);
        expect(ring.next).toBe(next);
        expect(numbers([...ring])).toEqual([...model.keys()]);
        expect(ring.first()?.packetNumber).toBe([...model.keys()][0]);
        for (let number = -1; number <= next; number++) {
          expect(ring.get(number)?.packetNumber).toBe(model.has(number) ? number : undefined);
          const known = model.get(number);
          if (known) expect(ring.ordinalOf(number)).toBe(known.ordinal);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('tell a skipped number from one whose fate is known', () => {
    const ring = new SentPackets<null>();
    ring.push(packet(0), 0);
    ring.push(packet(2), 1);
    ring.push(packet(3), 2);
    ring.remove(2);
    expect(ring.wasSkipped(1, 1)).toBe(true);
    expect(ring.wasSkipped(0, 3)).toBe(true);
    expect(ring.wasSkipped(2, 3)).toBe(false);
    ring.remove(0);
    // Nothing from before the gap is open any more: forgotten.
    expect(ring.wasSkipped(0, 3)).toBe(false);
  });

  it('remember a number skipped while nothing was in flight', () => {
    const ring = new SentPackets<null>();
    ring.push(packet(0), 0);
    ring.remove(0);
    ring.push(packet(2), 1);
    expect(ring.wasSkipped(1, 2)).toBe(true);
    expect(ring.first()?.packetNumber).toBe(2);
    ring.remove(2);
    expect(ring.wasSkipped(0, 2)).toBe(false);
  });

  it('refuse a packet number that does not rise', () => {
    const ring = new SentPackets<null>();
    ring.push(packet(5), 0);
    expect(() => ring.push(packet(5), 1)).toThrow(RangeError);
    expect(() => ring.push(packet(Number.NaN), 1)).toThrow(RangeError);
  });
});
