import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LinkSettings } from '../../src/shared/domain.ts';
import { burst, drain, fateOf, link, play } from './traffic.ts';

const opportunities = (atMs: number[], more: Partial<LinkSettings> = {}, originUs = 0) =>
  link({ trace: { kind: 'opportunities', atMs }, bufferBytes: 1e6, ...more }, 1, { originUs });

/** Seconds, Mbit/s, and where given milliseconds. */
const series = (steps: [number, number, number?][], periodS: number, originUs = 0) =>
  link(
    {
      bufferBytes: 1e9,
      trace: {
        kind: 'series',
        steps: steps.map(([s, mbps, ms]) => [s, mbps * 1e6, ms ?? null, null]),
        periodS,
      },
    },
    1,
    { originUs },
  );

/** Bytes of packets that arrive in [fromUs, toUs), while there is always one to send. */
function carried(l: ReturnType<typeof link>, bytes: number, fromUs: number, toUs: number): number {
  for (let i = 0; l.queuedBytes(0) < 3e7; i++) if (l.send(i, bytes, 0) !== null) break;
  return bytes * drain(l, toUs - 1e-3).filter(({ atUs }) => atUs >= fromUs).length;
}

describe('a schedule', () => {
  test('holds from its second on, and the rate given until then', () => {
    const l = link(
      {
        rateBps: 8e6,
        rateSchedule: [
          [1, 4e6],
          [3, 16e6],
        ],
      },
      1,
      { originUs: 500 },
    );
    expect([0, 1e6, 2.9e6, 3e6, 9e6].map((s) => (fateOf(l, 1000, 500 + s) as number) - s - 500)).toEqual([
      1000, 2000, 2000, 500, 500,
    ]);
  });

  test('changes the rate of a packet in transmission: what is left of it takes the other time', () => {
    // 1000 bytes take 1 ms at first; from 0.4 ms on, the 600 left take 2.4 ms; the next one 4 ms.
    const l = link({ rateBps: 8e6, rateSchedule: [[0.0004, 2e6]] });
    expect(play(l, burst(2, 1000))).toEqual([2800, 6800]);
  });

  test('carries to the byte what its rates add up to', () => {
    // 1 s of 8 Mbit/s, 2 s of 1, then 16: 1 000 000, 250 000 and 2 000 000 bytes.
    const settings: Partial<LinkSettings> = {
      rateBps: 8e6,
      bufferBytes: 1e9,
      rateSchedule: [
        [1, 1e6],
        [3, 16e6],
      ],
    };
    const during = (from: number, to: number): number =>
      carried(link(settings), 100, from * 1e6 + 1e-3, to * 1e6 + 1e-3);
    expect([during(0, 1), during(1, 3), during(3, 4)]).toEqual([1e6, 250_000, 2e6]);
  });
});

describe('a series', () => {
  test('is replayed from its origin, over and over', () => {
    const l = series(
      [
        [0, 8],
        [1, 4],
      ],
      2,
      1e6,
    );
    const took = [1e6, 2e6, 3e6, 4e6, 101e6, 1002e6].map((atUs) => (fateOf(l, 1000, atUs) as number) - atUs);
    expect(took).toEqual([1000, 2000, 1000, 2000, 1000, 2000]);
  });

  test('stands still while the rate is 0', () => {
    const l = series(
      [
        [0, 8],
        [0.001, 0],
        [0.5, 8],
      ],
      1,
    );
    // 1 ms is up: the second packet waits for half a second.
    expect(play(l, burst(3, 1000))).toEqual([1000, 501_000, 502_000]);
  });

  test('sends on across many turns what is larger than one of them', () => {
    // 1000 bytes in each turn of 10 ms, all in the first ms of it.
    const l = series(
      [
        [0, 8],
        [0.001, 0],
      ],
      0.01,
    );
    expect(fateOf(l, 65_000, 0)).toBeCloseTo(64 * 10_000 + 1000, 6);
    expect(fateOf(l, 500, 1e6)).toBeCloseTo(1e6 + 500, 6);
  });

  test('delays what leaves the bottleneck by what holds then, and keeps the order', () => {
    const l = series(
      [
        [0, 8, 50],
        [1, 8, 10],
      ],
      2,
    );
    expect(
      play(
        l,
        [0, 998_500, 1_000_000, 1_100_000].map((atUs) => ({ bytes: 1000, atUs })),
      ),
    ).toEqual([51_000, 1_049_500, 1_049_500, 1_111_000]);
  });

  test('carries what its rates add up to, whatever the packets', () => {
    const steps = fc
      .array(fc.tuple(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 0, max: 50 })), {
        minLength: 1,
        maxLength: 8,
      })
      .filter((list) => list.some(([, mbps]) => mbps > 0));
    fc.assert(
      fc.property(
        steps,
        fc.array(fc.integer({ min: 40, max: 9000 }), { minLength: 1, maxLength: 200 }),
        (list, sizes) => {
          let ms = 0;
          const rows = list.map(([lengthMs, mbps]): [number, number] => {
            const row: [number, number] = [ms / 1000, mbps];
            ms += lengthMs;
            return row;
          });
          const l = series(rows, ms / 1000);
          const fates = play(
            l,
            sizes.map((bytes) => ({ bytes, atUs: 0 })),
          );
          // Bits that could pass by the moment each packet arrives, by adding up the steps.
          const passed = (untilUs: number): number => {
            const turn = Math.floor(untilUs / (ms * 1e3));
            const bits = (limitUs: number): number =>
              rows.reduce((sum, [second, mbps], i) => {
                const endUs = (rows[i + 1]?.[0] ?? ms / 1000) * 1e6;
                return sum + Math.max(0, Math.min(limitUs, endUs) - second * 1e6) * mbps;
              }, 0);
            return turn * bits(ms * 1e3) + bits(untilUs - turn * ms * 1e3);
          };
          let bytes = 0;
          fates.forEach((fate, i) => {
            bytes += sizes[i]!;
            expect(passed(fate as number) / (bytes * 8)).toBeCloseTo(1, 6);
          });
        },
      ),
    );
  });
});

describe('opportunities', () => {
  test('let 1500 bytes through each, of one packet or several', () => {
    const l = opportunities([1, 2, 3, 3, 5]);
    expect(
      play(
        l,
        [1500, 700, 800, 1000, 1000, 1500].map((bytes) => ({ bytes, atUs: 0 })),
      ),
    ).toEqual([1000, 2000, 2000, 3000, 3000, 5000]);
  });

  test('are taken one after the other by what is larger', () => {
    expect(play(opportunities([1, 2, 7]), burst(2, 2000))).toEqual([2000, 7000]);
    // Four turns of two, and one.
    expect(fateOf(opportunities([1, 10]), 13_500, 0)).toBe(41_000);
    expect(fateOf(opportunities([1, 10]), 3000, 0)).toBe(10_000);
  });

  test('go by unused when nothing waits, and are missed by what comes at their moment', () => {
    const l = opportunities([1, 2, 3, 10]);
    expect([fateOf(l, 1500, 2500), fateOf(l, 1500, 3000), fateOf(l, 1500, 13_000)]).toEqual([
      3000, 10_000, 20_000,
    ]);
  });

  test('leave nothing over for what comes later', () => {
    const l = opportunities([1, 2, 3]);
    expect([fateOf(l, 100, 0), fateOf(l, 100, 1000), fateOf(l, 1500, 1999)]).toEqual([1000, 2000, 3000]);
  });

  test('begin again after the last of them, from the origin', () => {
    const l = opportunities([2, 4], {}, 500);
    expect(play(l, burst(5, 1500, 500))).toEqual([2500, 4500, 6500, 8500, 10_500]);
    expect(fateOf(l, 1500, 1e9 + 500)).toBe(1e9 + 2500);
  });

  test('wait in the buffer, even the first packet', () => {
    const l = opportunities([10], { bufferBytes: 1500 });
    expect([l.send(0, 1500, 0), l.queuedBytes(0), l.send(1, 1, 0)]).toEqual([null, 1500, 'queue']);
    expect(l.queuedBytes(10_000)).toBe(0);
  });

  test('are let pass by CoDel as by a droptail while the queue is short', () => {
    const packets = Array.from({ length: 200 }, (_, i) => ({ bytes: 1200, atUs: i * 1700 }));
    expect(play(opportunities([1, 2, 3], { aqm: 'codel' }), packets)).toEqual(
      play(opportunities([1, 2, 3]), packets),
    );
  });

  test('each carry no more than 1500 bytes, and as much while packets wait', () => {
    const trace = fc
      .array(fc.nat(20), { minLength: 1, maxLength: 30 })
      .map((gaps) => gaps.map((_, i) => gaps.slice(0, i + 1).reduce((sum, gap) => sum + gap)))
      .filter((at) => at.at(-1)! > 0);
    fc.assert(
      fc.property(
        trace,
        fc.array(fc.integer({ min: 40, max: 4000 }), { minLength: 1, maxLength: 100 }),
        (at, sizes) => {
          const fates = play(
            opportunities(at),
            sizes.map((bytes) => ({ bytes, atUs: 0 })),
          );
          // The k-th opportunity after moment 0 sends the bytes up to 1500 k.
          const moments: number[] = [];
          for (let turn = 0; moments.length <= sizes.reduce((a, b) => a + b) / 1500; turn++) {
            moments.push(...at.map((ms) => (turn * at.at(-1)! + ms) * 1e3).filter((us) => us > 0));
          }
          let bytes = 0;
          fates.forEach((fate, i) => {
            bytes += sizes[i]!;
            expect(fate).toBe(moments[Math.ceil(bytes / 1500) - 1]);
          });
        },
      ),
    );
  });
});

describe('a buffer in BDP', () => {
  const room = (settings: Partial<LinkSettings>, rttMs?: number): number => {
    const l = link(settings, 1, rttMs === undefined ? {} : { rttMs });
    while (l.send(0, 100, 0) === null);
    return l.queuedBytes(0);
  };
  test('is that of the path’s round trip, and of twice this way where that is not told', () => {
    expect(room({ rateBps: 8e6, delayMs: 10, bufferBdp: 1.5 })).toBe(30_000);
    expect(room({ rateBps: 8e6, delayMs: 10, bufferBdp: 1.5 }, 100)).toBe(150_000);
  });
  test('reckons with a trace’s mean rate and delay', () => {
    const trace: LinkSettings['trace'] = {
      kind: 'series',
      steps: [
        [0, 6e6, 30, null],
        [3, 14e6, 10, null],
      ],
      periodS: 4,
    };
    expect(room({ trace, bufferBdp: 1 })).toBe(1e6 * 0.05);
    expect(room({ trace: { kind: 'opportunities', atMs: [3, 6] }, delayMs: 50, bufferBdp: 2 })).toBe(100_000);
  });
});
