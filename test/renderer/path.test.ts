import { describe, expect, it } from 'vitest';
import { PROFILES } from '../../src/main/path/profiles.ts';
import { aligned, describeLink, roundTripOf, spokenPath } from '../../src/renderer/parts/path/describe.ts';
import { CUSTOM, PLAIN_PATH, withLink } from '../../src/renderer/parts/path/fields.ts';
import { Emulation } from '../../src/shared/domain.ts';

const profile = (name: string) => PROFILES.find((each) => each.name === name)!.emulation;

import { numberIn } from '../../src/renderer/parts/number-in.ts';
import { describeTrace, readTrace } from '../../src/renderer/parts/path/trace-file.ts';
import { shortened } from '../../src/renderer/parts/shortened.ts';

describe('numbers in a column', () => {
  it('have their points below each other, without zeros that say nothing', () => {
    const column = [15, 0.1, 0.0001].map((value) => aligned(value, 4));
    expect(column.map((text) => text.trim())).toEqual(['15', '0.1', '0.0001']);
    expect(column.map((text) => text.length - text.search(/[.\u2008]/))).toEqual([5, 5, 5]);
    expect(aligned(200, 0)).toBe('200');
  });
});

describe('an emulated path in words', () => {
  it('is a round trip of both directions', () => {
    const trip = roundTripOf(profile('lte'));
    expect(trip.rttMs).toBe(50);
    expect(trip.lossRatio).toBeCloseTo(0.05);
    expect(spokenPath(profile('lte'))).toMatch(
      /^RTT 50 ms, jitter 15 ms, loss 5\.0000 %, rate 16\.0 Mbit\/s/,
    );
  });

  it('names every impairment that is set, and none that is not', () => {
    const plain = describeLink(profile('lan').up).map(({ label }) => label);
    expect(plain).toEqual(['Rate', 'Delay', 'Jitter ±', 'Loss', 'Buffer']);
    const { up } = withLink(structuredClone(profile('lan')), 'up', {
      lossRatio: 0,
      loss: { model: 'gilbert', p: 0.01, r: 0.25, h: 0, k: 1 },
      duplicateRatio: 0.02,
      bufferBdp: 2,
      aqm: 'codel',
    });
    const rows = Object.fromEntries(describeLink(up).map(({ label, text }) => [label, text]));
    expect(rows).toMatchObject({
      Loss: 'bursts: in 1 %, out 25 %',
      Duplicated: '2 %',
      Buffer: '2 BDP',
      Queue: 'CoDel',
    });
  });

  it('is nobody’s profile any more once it is changed, and stays one that the lab takes', () => {
    const changed = withLink(structuredClone(profile('wifi')), 'down', { reorderRatio: 0.1, reorderMs: 2 });
    expect(changed.profile).toBe(CUSTOM);
    expect(Emulation.safeParse(changed).success).toBe(true);
    const back = withLink(changed, 'down', { reorderRatio: undefined, reorderMs: undefined });
    expect(back.down).toEqual(profile('wifi').down);
    expect(Emulation.safeParse(PLAIN_PATH).success).toBe(true);
  });
});

it('is read while it is half typed', () => {
  expect([1.5, '1.', '1.0', '0.', '', '-', '.'].map(numberIn)).toEqual([1.5, 1, 1, 0, null, null, null]);
});

describe('a trace from a file', () => {
  const file = (text: string, size = text.length) => ({ name: 'walk.csv', size, text: async () => text });

  it('is told by how long it is, how fast, and in how many points', async () => {
    expect(describeTrace(await readTrace(file('time,rate\n0,8\n1,2\n')))).toBe(
      '2 s, 5.00 Mbit/s on average, 2 steps',
    );
    expect(describeTrace(await readTrace(file('500\n1000\n')))).toBe(
      '1 s, 0.02 Mbit/s on average, 2 packets',
    );
  });

  it('is refused with the file and the line at fault', async () => {
    await expect(readTrace(file('0,8\n1,x\n'))).rejects.toMatchObject({
      code: 'RL_INPUT_INVALID',
      field: 'walk.csv',
      message: expect.stringMatching(/^walk\.csv: line 2: rate "x"/),
    });
  });

  it('is refused when it is too long for the messages that it goes with', async () => {
    await expect(readTrace(file('', 5e6))).rejects.toThrow('walk.csv: 5.0 MB are more than 4.0 MB');
    const long = Array.from({ length: 50_000 }, (_, ms) => `${ms}\n`).join('');
    await expect(readTrace(file(long))).rejects.toThrow(/50000 packets take 288\.\d kB of settings/);
  });
});

it('is edited in at most four significant digits, none before the point lost', () => {
  expect([0.50125313, 0, 1 / 3, 65_535, 80_000.25, -2.00049].map(shortened)).toEqual([
    0.5013, 0, 0.3333, 65_535, 80_000, -2,
  ]);
});
