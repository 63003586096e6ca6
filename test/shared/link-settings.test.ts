import { describe, expect, test } from 'vitest';
import { Emulation, LinkSettings } from '../../src/shared/domain.ts';
import { CLEAR } from '../path/traffic.ts';

const problems = (settings: object): string[] => {
  const { success, error } = LinkSettings.safeParse({ ...CLEAR, ...settings });
  return success ? [] : error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
};
const series = (delay: number | null, loss: number | null) => ({
  trace: { kind: 'series', steps: [[0, 1e6, delay, loss]], periodS: 1 },
});

test('what was stored before there were optional fields is still valid', () => {
  expect(problems({})).toEqual([]);
  expect(LinkSettings.parse(CLEAR)).toEqual(CLEAR);
});

test('all that can go together does', () => {
  expect(
    problems({
      rateBps: 1e7,
      rateSchedule: [[20, 2e6]],
      delayMs: 20,
      jitterMs: 5,
      reorderRatio: 0.01,
      reorderMs: 5,
      loss: { model: 'gilbert', p: 0.01, r: 0.3, h: 0, k: 1 },
      duplicateRatio: 0.01,
      corruptRatio: 0.01,
      bufferBdp: 1.5,
      aqm: 'codel',
      codelTargetMs: 5,
      codelIntervalMs: 100,
    }),
  ).toEqual([]);
});

describe('refuses', () => {
  test.each<[string, object, string]>([
    ['more jitter than delay', { delayMs: 1, jitterMs: 2 }, 'jitterMs: more than the delay that it varies'],
    ['more jitter than a trace’s least delay', { jitterMs: 2, ...series(1, null) }, 'jitterMs: more than'],
    ['two buffers', { rateBps: 1e6, bufferBytes: 1000, bufferBdp: 1 }, 'bufferBdp: given beside bufferBytes'],
    ['BDPs without a rate', { bufferBdp: 1 }, 'bufferBdp: of a link of unlimited rate'],
    ['CoDel without a rate', { aqm: 'codel' }, 'aqm: of a link of unlimited rate'],
    ['a TARGET without CoDel', { codelTargetMs: 5 }, 'codelTargetMs: given without CoDel'],
    ['an INTERVAL without CoDel', { codelIntervalMs: 5 }, 'codelIntervalMs: given without CoDel'],
    ['a schedule without a rate', { rateSchedule: [[1, 1e6]] }, 'rateSchedule: without a rate'],
    [
      'a schedule beside a trace',
      { rateBps: null, rateSchedule: [[1, 1e6]], ...series(null, null) },
      'rateSchedule: given beside a trace',
    ],
    [
      'a schedule that goes back',
      {
        rateBps: 1,
        rateSchedule: [
          [2, 1e6],
          [1, 1e6],
        ],
      },
      'rateSchedule.1.0: seconds do not rise',
    ],
    ['an empty schedule', { rateBps: 1, rateSchedule: [] }, 'rateSchedule: '],
    ['a schedule down to nothing', { rateBps: 1, rateSchedule: [[2, 0]] }, 'rateSchedule.0.1: '],
    ['a rate beside a trace', { rateBps: 1e6, ...series(null, null) }, 'rateBps: given beside a trace'],
    [
      'a delay beside a trace with delays',
      { delayMs: 5, ...series(5, null) },
      'delayMs: given beside a trace with delays',
    ],
    [
      'two kinds of loss',
      { lossRatio: 0.1, loss: { model: 'every_nth', n: 5 } },
      'lossRatio: given beside a loss model',
    ],
    [
      'a loss beside a trace with losses',
      { lossRatio: 0.1, ...series(null, 0) },
      'lossRatio: given beside a trace',
    ],
    [
      'bursts beside a trace with losses',
      { loss: { model: 'every_nth', n: 5 }, ...series(null, 0) },
      'loss: given beside',
    ],
    ['a time to reorder nothing by', { reorderMs: 5 }, 'reorderMs: without packets to reorder'],
    ['bursts without end', { loss: { model: 'gilbert', p: 0.1, r: 0, h: 0, k: 1 } }, 'loss.r: '],
    ['every first packet', { loss: { model: 'every_nth', n: 1 } }, 'loss.n: '],
    ['an unknown loss model', { loss: { model: 'unlucky' } }, 'loss.model: '],
    ['a field nobody knows', { colour: 1 }, ': Unrecognized key'],
    [
      'a trace that does not begin',
      { trace: { kind: 'series', steps: [[1, 1e6, null, null]], periodS: 2 } },
      'trace.steps: seconds do not rise from 0',
    ],
    [
      'a trace that ends before its last step',
      {
        trace: {
          kind: 'series',
          steps: [
            [0, 1, null, null],
            [1, 1e6, null, null],
          ],
          periodS: 1,
        },
      },
      'trace.periodS: is not after the last step',
    ],
    [
      'a trace of nothing',
      { trace: { kind: 'series', steps: [[0, 0, null, null]], periodS: 1 } },
      'trace.steps: have a rate of 0',
    ],
    [
      'opportunities that go back',
      { trace: { kind: 'opportunities', atMs: [2, 1] } },
      'trace.atMs: milliseconds go back',
    ],
    [
      'opportunities without length',
      { trace: { kind: 'opportunities', atMs: [0] } },
      'trace.atMs: end at 0 ms',
    ],
  ])('%s', (_, settings, problem) => {
    expect(problems(settings)).toContainEqual(expect.stringContaining(problem));
  });

  test('the same in either direction of an emulation', () => {
    const result = Emulation.safeParse({
      profile: 'x',
      up: CLEAR,
      down: { ...CLEAR, bufferBdp: 1 },
      flap: null,
    });
    expect(result.error?.issues.map(({ path }) => path)).toEqual([['down', 'bufferBdp']]);
  });
});
