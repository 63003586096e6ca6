import { expect, test } from 'vitest';
import { Emulation } from '../../src/shared/domain.ts';
import { LoadSettings } from '../../src/shared/load.ts';
import {
  gateLimitsOf,
  LIGHT_MATRIX,
  MatrixSettings,
  matrixCells,
  SCENARIOS,
  ScenarioSettings,
  scenarioCell,
} from '../../src/shared/matrix.ts';

test('the whole matrix has a cell for each combination, told apart by its key', () => {
  const cells = matrixCells(MatrixSettings.parse({}));
  expect(cells).toHaveLength(4 * 4 * 4 * 3);
  expect(new Set(cells.map(({ key }) => key)).size).toBe(cells.length);
});

test('a light matrix has 16 cells of 10 s', () => {
  const cells = matrixCells(MatrixSettings.parse(LIGHT_MATRIX));
  expect(cells).toHaveLength(16);
  expect(cells.every(({ load }) => load.durationS === 10)).toBe(true);
});

test('loss and RTT of a cell are those of the round trip', () => {
  const [cell] = matrixCells(
    MatrixSettings.parse({ rates: [100], connections: [1], lossRatios: [0.05], rttsMs: [30] }),
  );
  const { up, down } = cell!.emulation;
  expect(up.delayMs + down.delayMs).toBe(30);
  expect(1 - (1 - up.lossRatio) * (1 - down.lossRatio)).toBeCloseTo(0.05, 12);
});

test('values that come twice are refused', () => {
  expect(MatrixSettings.safeParse({ rates: [100, 100] }).success).toBe(false);
});

test('more streams at once than a server takes are refused', () => {
  const asked = { connections: [1, 6], streams: 85 };
  expect(MatrixSettings.safeParse(asked).success).toBe(true);
  expect(MatrixSettings.safeParse({ ...asked, streams: 86 }).error?.issues).toMatchObject([
    { path: ['streams'] },
  ]);
});

test('an experiment is held against what it was begun with, else against the limits of its scenario', () => {
  const limitsOf = (kind: 'matrix' | 'scenario', parameters: unknown) =>
    gateLimitsOf({ kind, manifest: { parameters } });
  expect(limitsOf('scenario', { scenario: 'wifi' })).toEqual(SCENARIOS[0]!.limits);
  expect(limitsOf('scenario', { scenario: 'wifi', limits: { errors: 1 } })).toEqual({ errors: 1 });
  expect(limitsOf('matrix', {})).toEqual({});
  expect(limitsOf('scenario', { scenario: 'moon' })).toEqual({});
});

test('every scenario is a path and a load that can be measured', () => {
  expect(SCENARIOS.map(({ name }) => name)).toEqual([
    'wifi',
    'lte',
    'sat',
    'dc-eu',
    'ru-eu',
    'loss-burst',
    'reorder',
  ]);
  for (const { name } of SCENARIOS) {
    const { load, emulation } = scenarioCell(ScenarioSettings.parse({ scenario: name }));
    expect(Emulation.parse(emulation)).toEqual(emulation);
    expect(LoadSettings.parse(load)).toEqual(load);
  }
});

test('losses in bursts are as many as the table says', () => {
  const { emulation } = scenarioCell(ScenarioSettings.parse({ scenario: 'loss-burst' }));
  const { loss } = emulation.up;
  if (loss?.model !== 'gilbert') throw new Error('no bursts');
  const mean = loss.p / (loss.p + loss.r);
  expect(1 - (1 - mean) ** 2).toBeCloseTo(0.1, 12);
});
