/** What `bench congestion` makes of transfers that other work on the machine disturbed. */
import { describe, expect, it } from 'vitest';
import { judged, type Transfer } from '../../../src/main/cli/bench/disturbed.ts';
import { against, type Row } from '../../../src/main/cli/bench/rows.ts';

const rowsOf = ({ share, rttMs }: Pick<Transfer, 'share' | 'rttMs'>): Row[] => [
  against('goodput', 10 * share, 'Mbit/s', 'simulation (9.5)', share / 0.95, { min: 0.95, max: 1.05 }),
  against('mean RTT', rttMs, 'ms', 'simulation (40.0)', rttMs / 40, { min: 0.9, max: 1.1 }),
];

/** The verdicts on transfers made one after the other, and how many it took. */
async function verdict(...turns: [share: number, rttMs: number, stalledMs: number][]) {
  let made = 0;
  const rows = await judged(async () => {
    const [share, rttMs, stalledMs] = turns[made++]!;
    return { share, rttMs, stalledMs };
  }, rowsOf);
  return { ok: rows.map(({ ok }) => ok), values: rows.map(({ value }) => value), notes: rows.map(({ note }) => note), made }; // biome-ignore format: rows
}

describe('a transfer', () => {
  it('counts at once where nothing disturbed it, whatever it came to', async () => {
    expect(await verdict([0.95, 40, 1])).toMatchObject({
      ok: [true, true],
      made: 1,
      notes: [undefined, undefined],
    });
    expect(await verdict([0.5, 40, 1])).toMatchObject({ ok: [false, true], made: 1 });
  });

  it('counts where it meets its reach although it was disturbed', async () => {
    expect(await verdict([0.95, 40, 50])).toMatchObject({ ok: [true, true], made: 1 });
  });

  it('is made again where a disturbed one missed', async () => {
    expect(await verdict([0.5, 40, 50], [0.95, 60, 50], [0.95, 41, 2])).toMatchObject({
      ok: [true, true],
      values: [9.5, 41],
      made: 3,
    });
  });

  it('that was disturbed every time is judged by the median, and fails by it', async () => {
    const slow = await verdict([0.5, 40, 50], [0.6, 43, 30], [0.7, 90, 20]);
    expect(slow).toMatchObject({ ok: [false, true], values: [6, 43], made: 3 });
    expect(slow.notes[0]).toBe('simulation (9.5), median of 3, all disturbed: stood still for 30 ms');
    const fair = await verdict([0.5, 40, 50], [0.95, 90, 30], [0.95, 20, 20]);
    expect(fair).toMatchObject({ ok: [true, true], values: [9.5, 40], made: 3 });
  });
});
