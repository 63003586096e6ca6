import { describe, expect, test } from 'vitest';
import { DEMO_PATHS, findProfile, PROFILES } from '../../src/main/path/profiles.ts';
import { Emulation } from '../../src/shared/domain.ts';

/** spec/profiles.md: RTT ms, jitter ms, loss %, Mbit/s, duplicates %. */
const TABLE: [string, number, number, number, number, number][] = [
  ['wifi', 20, 5, 2, 8, 1],
  ['wifi-5g', 10, 2, 1, 40, 0.5],
  ['lte', 50, 15, 5, 16, 2],
  ['lte-advanced', 30, 10, 3, 64, 1.5],
  ['5g', 5, 1, 0.1, 400, 0.05],
  ['satellite', 500, 50, 1, 4, 0.5],
  ['satellite-leo', 50, 10, 2, 80, 1],
  ['ethernet', 1, 0.1, 0.01, 800, 0.01],
  ['ethernet-10g', 0.1, 0.01, 0.001, 8000, 0],
  ['dsl', 30, 5, 1, 16, 0.5],
  ['cable', 15, 3, 0.5, 80, 0.2],
  ['fiber', 2, 0.5, 0.01, 800, 0.01],
  ['mobile-3g', 100, 30, 10, 4, 5],
  ['edge', 200, 50, 15, 0.8, 10],
  ['international', 80, 20, 3, 40, 1],
  ['datacenter', 0.1, 0.01, 0.0001, 80_000, 0],
];

describe.each(TABLE)('%s', (name, rttMs, jitterMs, lossPercent, rateMbps, duplicatePercent) => {
  const { up, down } = findProfile(name, 'profile');

  test('has the round trip, jitter and loss of the table over both directions', () => {
    expect(up.delayMs + down.delayMs).toBeCloseTo(rttMs, 12);
    expect(up.jitterMs + down.jitterMs).toBeCloseTo(jitterMs, 12);
    expect(1 - (1 - up.lossRatio) * (1 - down.lossRatio)).toBeCloseTo(lossPercent / 100, 12);
  });

  test('answers a ping that is not lost as often as the table says', () => {
    const [there, back] = [up.duplicateRatio ?? 0, down.duplicateRatio ?? 0];
    expect((1 + there) * (1 + back)).toBeCloseTo(1 + duplicatePercent / 100, 12);
  });

  test('has the rate of the table in each direction', () => {
    expect([up.rateBps, down.rateBps]).toEqual([rateMbps * 1e6, rateMbps * 1e6]);
  });
});

test('every profile is a valid emulation under its own name', () => {
  expect(PROFILES.length).toBe(TABLE.length + 4);
  for (const { name, emulation } of PROFILES) {
    expect(Emulation.parse(emulation).profile).toBe(name);
  }
});

test('the demo shows six different paths', () => {
  expect(DEMO_PATHS.map((path) => path.emulation.profile)).toEqual([
    'lan',
    'lte',
    'satellite',
    'bufferbloat',
    'lossy-wifi',
    'flap',
  ]);
});

test('an unknown profile is refused with the names there are', () => {
  expect(() => findProfile('carrier-pigeon', '--profile')).toThrow(
    expect.objectContaining({
      code: 'RL_INPUT_INVALID',
      field: '--profile',
      hint: expect.stringContaining('satellite-leo'),
    }),
  );
});
