import { describe, expect, test } from 'vitest';
import type { LinkSettings } from '../../src/shared/domain.ts';
import { link } from './traffic.ts';

/** Which of `n` packets, `everyUs` apart, are lost. */
function losses(settings: Partial<LinkSettings>, n: number, everyUs = 100): boolean[] {
  const l = link(settings);
  return Array.from({ length: n }, (_, i) => l.send(i, 1000, i * everyUs) === 'loss');
}

const share = (lost: readonly boolean[]): number => lost.filter(Boolean).length / lost.length;

/** Lengths of the runs of packets lost. */
function bursts(lost: readonly boolean[]): number[] {
  const lengths: number[] = [];
  lost.forEach((is, i) => {
    if (!is) return;
    if (i > 0 && lost[i - 1]) lengths[lengths.length - 1]!++;
    else lengths.push(1);
  });
  return lengths;
}

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

describe('every n-th', () => {
  test('is the n-th, the 2n-th and so on', () => {
    const lost = losses({ loss: { model: 'every_nth', n: 5 } }, 12);
    expect(lost.flatMap((is, i) => (is ? [i + 1] : []))).toEqual([5, 10]);
  });
});

describe('Gilbert-Elliott', () => {
  test.each([
    [0.01, 0.3],
    [0.05, 0.1],
    [0.002, 0.5],
  ])('with p %f and r %f loses p/(p+r), in bursts of 1/r', (p, r) => {
    const n = 400_000;
    const lost = losses({ loss: { model: 'gilbert', p, r, h: 0, k: 1 } }, n);
    const stationary = p / (p + r);
    // Variance of the mean of a two-state chain, whose autocorrelation falls by 1 − p − r a step.
    const error = Math.sqrt(((stationary * (1 - stationary)) / n) * ((2 - p - r) / (p + r)));
    expect(Math.abs(share(lost) - stationary)).toBeLessThan(5 * error);
    const lengths = bursts(lost);
    // Geometric: mean 1/r, standard deviation √(1 − r)/r.
    expect(Math.abs(mean(lengths) - 1 / r)).toBeLessThan(
      (5 * Math.sqrt(1 - r)) / r / Math.sqrt(lengths.length),
    );
  });

  test('passes h of the packets of the bad state and k of those of the good', () => {
    const [p, r, h, k] = [0.02, 0.2, 0.4, 0.99];
    const n = 400_000;
    const bad = p / (p + r);
    const expected = bad * (1 - h) + (1 - bad) * (1 - k);
    const error = Math.sqrt(((expected * (1 - expected)) / n) * ((2 - p - r) / (p + r)));
    expect(Math.abs(share(losses({ loss: { model: 'gilbert', p, r, h, k } }, n)) - expected)).toBeLessThan(
      5 * error,
    );
  });

  test('begins in the good state', () => {
    for (let seed = 0; seed < 50; seed++) {
      const l = link({ loss: { model: 'gilbert', p: 1, r: 0.5, h: 0, k: 1 } }, seed);
      expect([l.send(0, 100, 0), l.send(1, 100, 0)]).toEqual([null, 'loss']);
    }
  });

  test('is independent loss of ratio p where p + r = 1', () => {
    const lost = losses({ loss: { model: 'gilbert', p: 0.1, r: 0.9, h: 0, k: 1 } }, 200_000);
    const after = lost.filter((_, i) => i > 0 && lost[i - 1]);
    expect(Math.abs(share(after) - 0.1)).toBeLessThan(5 * Math.sqrt(0.09 / after.length));
  });
});

test('a trace loses at each moment what it says', () => {
  const settings: Partial<LinkSettings> = {
    trace: {
      kind: 'series',
      steps: [
        [0, 1e9, null, 0],
        [1, 1e9, null, 0.2],
        [2, 1e9, null, 1],
      ],
      periodS: 3,
    },
  };
  // 60 s, 10 000 packets a second.
  const lost = losses(settings, 600_000);
  const during = (step: number): number => share(lost.filter((_, i) => Math.floor(i / 10_000) % 3 === step));
  expect([during(0), during(2)]).toEqual([0, 1]);
  expect(Math.abs(during(1) - 0.2)).toBeLessThan(5 * Math.sqrt(0.16 / 200_000));
});

describe('the packets lost are the same', () => {
  const settings: Partial<LinkSettings> = { rateBps: 100e6, delayMs: 10, lossRatio: 0.1 };
  const plain = losses(settings, 5000);
  test.each<[string, Partial<LinkSettings>]>([
    ['jitter', { jitterMs: 5 }],
    ['reordering', { reorderRatio: 0.3 }],
    ['duplication', { duplicateRatio: 0.3 }],
    ['corruption', { corruptRatio: 0.3 }],
    ['CoDel', { aqm: 'codel' }],
    ['a schedule', { rateSchedule: [[0.1, 10e6]] }],
  ])('whether or not there is %s', (_, more) => {
    expect(losses({ ...settings, ...more }, 5000)).toEqual(plain);
  });
});
