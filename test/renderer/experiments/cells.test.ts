import { describe, expect, it } from 'vitest';
import {
  extentOf,
  fieldOf,
  NEW_CELLS,
  ofKind,
  parseCells,
  SIZES,
  sizeOf,
} from '../../../src/renderer/features/experiments/cells/fields.ts';
import { LIGHT_MATRIX, MatrixSettings } from '../../../src/shared/matrix.ts';
import { formatSpan } from '../../../src/shared/units.ts';

const errorsOf = (change: Partial<typeof NEW_CELLS>): Record<string, string> =>
  parseCells({ ...NEW_CELLS, ...change }, []).errors ?? {};

describe('the form of a matrix', () => {
  it('begins with the light one, and has the full one', () => {
    const { input } = parseCells(NEW_CELLS, []);
    expect(input!.settings).toEqual(MatrixSettings.parse({ ...LIGHT_MATRIX, repeat: 1 }));
    expect(sizeOf(NEW_CELLS)).toBe('light');
    expect(extentOf(input!)).toEqual({ cells: 16, runs: 16, seconds: 16 * 19 });
    const full = { ...NEW_CELLS, ...SIZES.full };
    expect(parseCells(full, []).input!.settings).toEqual(MatrixSettings.parse({}));
    expect(sizeOf(full)).toBe('full');
    expect(sizeOf({ ...full, rates: '1' })).toBeNull();
  });

  it('reads lists as people write them, and says what is wrong at their field', () => {
    const { input } = parseCells({ ...NEW_CELLS, rates: '0.5,100', losses: ' 0 , 0.1', seed: 7 }, []);
    expect(input).toMatchObject({ seed: 7, settings: { rates: [0.5, 100], lossRatios: [0, 0.001] } });
    expect(errorsOf({ rates: '100, fast', rtts: '', connections: '1.5', losses: '95' })).toEqual({
      rates: 'numbers with commas between them',
      rtts: 'numbers with commas between them',
      connections: 'a whole number is required',
      losses: 'from 0 to 90',
    });
    expect(errorsOf({ rates: '100, 100', repeat: 0, seed: 0.5, durationS: '' })).toEqual({
      rates: 'names a value twice',
      repeat: 'at least 1',
      seed: 'a whole number from 0 to 4294967295',
      durationS: 'a value is required',
    });
  });

  it('finds the field that the lab speaks of', () => {
    expect(fieldOf('settings.rttsMs.1')).toBe('rtts');
    expect(fieldOf('settings.lossRatios')).toBe('losses');
    expect(fieldOf('settings.repeat')).toBe('repeat');
  });
});

it('a scenario is measured as it has it, unless said otherwise', () => {
  const fields = ofKind({ ...NEW_CELLS, scenario: 'sat' }, 'scenario');
  const { input } = parseCells(fields, []);
  expect(input).toEqual({
    kind: 'scenario',
    settings: {
      scenario: 'sat',
      packetBytes: 1200,
      warmUpS: 1,
      coolDownS: 0,
      repeat: 1,
      controller: 'cubic',
      parameters: {},
    },
  });
  expect(extentOf(input!)).toEqual({ cells: 1, runs: 1, seconds: 63 });
  expect(parseCells({ ...fields, durationS: 5 }, []).input!.settings.durationS).toBe(5);
  expect(ofKind(fields, 'matrix')).toEqual({ ...NEW_CELLS, scenario: 'sat' });
});

it('a span to come is told roughly', () => {
  expect([0, 40, 89.2, 90, 304, 3599, 7500].map(formatSpan)).toEqual([
    '0 s',
    '40 s',
    '90 s',
    '2 min',
    '5 min',
    '1 h 0 min',
    '2 h 5 min',
  ]);
});
