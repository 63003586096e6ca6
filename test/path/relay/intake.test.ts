import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Intake, STALL_US, spread } from '../../../src/main/path/relay/intake.ts';

/** An event loop whose moments the test decides. */
function loop() {
  const state = { us: 0, idleMs: 0 };
  const carried: [name: string, atUs: number][] = [];
  const intake = new Intake({
    nowUs: () => state.us,
    idleMs: () => state.idleMs,
    soon: () => {},
  });
  const way = { carry: (data: Buffer, atUs: number) => void carried.push([data.toString(), atUs]) };
  const read = (names: readonly string[], from: object): void => {
    for (const name of names) {
      state.us++;
      intake.take(from, way, Buffer.from(name), () => {});
    }
  };
  const socket = {};
  return {
    carried,
    opened: (source: object) => intake.opened(source),
    /** Datagrams are found, each read 1 µs after the one before. */
    read,
    /** A turn that reads, and then carries. */
    turn(names: readonly string[], { carries = true } = {}): void {
      read(names, socket);
      expect(intake.carry()).toBe(carries);
    },
    waits(us: number): void {
      state.us += us;
      state.idleMs += us / 1000;
    },
    stands(us: number): void {
      state.us += us;
    },
  };
}

describe('datagrams read', () => {
  test('in time keep the moments they were read', () => {
    const { carried, turn, stands } = loop();
    turn([]);
    stands(20);
    turn(['a', 'b']);
    stands(STALL_US - 50);
    turn(['c']);
    expect(carried).toEqual([
      ['a', 21],
      ['b', 22],
      ['c', 22 + STALL_US - 50 + 1],
    ]);
  });

  test('after the thread stood still get moments evenly over the time, none later than it was read', () => {
    const { carried, turn, stands } = loop();
    turn([]);
    stands(10);
    turn(['before']);
    stands(4000);
    turn(['a', 'b', 'c', 'd']);
    const [, ...moments] = carried.map(([, atUs]) => atUs);
    // Since the last look that found something, at 11 µs, 4004 have passed.
    expect(moments).toEqual([0.5, 1.5, 2.5, 3.5].map((part) => 11 + (part * 4004) / 4));
  });

  test('are not moved back across a wait, in which there was none', () => {
    const { carried, turn, waits, stands } = loop();
    turn([]);
    stands(5);
    turn([]);
    waits(50_000);
    turn(['a', 'b']);
    expect(carried.map(([, atUs]) => atUs)).toEqual([50_006, 50_007]);
  });

  test('after a wait that something else ended may have come since', () => {
    const { carried, turn, waits, stands } = loop();
    turn([]);
    waits(8000);
    turn([]);
    stands(1000);
    turn(['a', 'b']);
    for (const [, atUs] of carried) expect(atUs).toBeGreaterThanOrEqual(8000);
    expect(carried[0]![1]).toBeLessThan(8600);
  });

  test('of a socket that was opened while the thread stood still came after that', () => {
    const { carried, opened, read, turn, stands } = loop();
    turn([]);
    turn([]);
    stands(4000);
    const young = {};
    opened(young);
    stands(1000);
    read(['a', 'b'], young);
    turn([]);
    for (const [, atUs] of carried) expect(atUs).toBeGreaterThan(4000);
  });

  test('of several sockets are carried in the order of their moments', () => {
    const { carried, read, turn, stands } = loop();
    turn([]);
    stands(1);
    turn([]);
    stands(3000);
    read(['a1', 'a2', 'a3'], {});
    read(['b1', 'b2', 'b3'], {});
    turn([]);
    expect(carried.map(([name]) => name)).toEqual(['a1', 'b1', 'a2', 'b2', 'a3', 'b3']);
  });

  test('of a socket that was not read are as old as the stall in which another was read', () => {
    const { carried, read, turn, stands } = loop();
    turn([]);
    stands(1);
    turn([]);
    stands(20);
    const a = {};
    read(['a1'], a);
    stands(4000);
    read(['a2'], a);
    turn([]);
    stands(30);
    read(['b1', 'b2', 'b3', 'b4'], {});
    turn([]);
    const moments = carried.slice(2).map(([, atUs]) => atUs);
    expect(moments).toHaveLength(4);
    expect(moments[0]).toBeLessThan(1000);
    expect(moments[3]).toBeGreaterThan(3000);
  });

  test('in such numbers that the socket may hold more are carried when the rest has been read', () => {
    const { carried, turn, stands } = loop();
    turn([]);
    stands(10);
    turn([]);
    stands(5000);
    const names = Array.from({ length: 40 }, (_, i) => String(i));
    turn(names.slice(0, 32), { carries: false });
    expect(carried).toEqual([]);
    turn(names.slice(32));
    expect(carried.map(([name]) => name)).toEqual(names);
    const gaps = carried.slice(1).map(([, atUs], i) => atUs - carried[i]![1]);
    expect(Math.max(...gaps)).toBeLessThan(1.01 * Math.min(...gaps));
  });

  test('in numbers that do not end are carried at last', () => {
    const { carried, turn, stands } = loop();
    turn([]);
    turn([]);
    stands(5000);
    const many = Array.from({ length: 32 }, () => 'x');
    for (let i = 0; i < 7; i++) turn(many, { carries: false });
    turn(many);
    expect(carried).toHaveLength(8 * 32);
  });
});

test('moments spread are in order, after the socket was empty, and never after the reading', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 2000 }), { minLength: 1, maxLength: 64 });
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 1e9 }), gaps, (emptyUs, steps) => {
      let atUs = emptyUs;
      const readUs = steps.map((step) => {
        atUs += step;
        return atUs;
      });
      const moments = spread(readUs, emptyUs);
      expect(moments).toHaveLength(readUs.length);
      moments.forEach((moment, i) => {
        expect(moment).toBeGreaterThanOrEqual(moments[i - 1] ?? emptyUs);
        expect(moment).toBeLessThanOrEqual(readUs[i]!);
      });
    }),
  );
});
