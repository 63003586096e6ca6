import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LabError } from '../../src/shared/errors.ts';
import { parseTime } from '../../src/shared/times.ts';

const NOW = Date.UTC(2026, 10, 21, 13, 0, 0);
const at = (text: string): number => parseTime(text, 'start_time', NOW);

test.each([
  ['now', NOW],
  ['1h ago', NOW - 3_600_000],
  ['90 min ago', NOW - 5_400_000],
  ['1h30m ago', NOW - 5_400_000],
  ['1.5d ago', NOW - 129_600_000],
  ['now-2w', NOW - 1_209_600_000],
  ['2026-11-21T13:00:00Z', NOW],
  ['2026-11-21t14:00:00.250+01:00', NOW + 250],
  ['2026-11-21T14:00:00 01:00', NOW],
  ['1795266000', 1_795_266_000_000],
  ['1795266000.5', 1_795_266_000_500],
  ['1795266000500', 1_795_266_000_500],
  ['0', 0],
])('%s is a time', (text, expected) => {
  expect(at(text)).toBe(expected);
});

test.each([
  '',
  'yesterday',
  'ago',
  ' ago',
  '1 ago',
  '1h',
  '1y ago',
  '-1h ago',
  '2026-11-21',
  '2026-11-21T13:00:00',
  '2026-02-30T00:00:00Z',
  '2026-13-01T00:00:00Z',
  '2026-11-21T24:00:00Z',
  '-5',
  '1e9',
  '99999999999999999999',
  '3000w ago',
])('%j is none, and the field is named', (text) => {
  expect(() => at(text)).toThrow(expect.objectContaining({ code: 'RL_INPUT_INVALID', field: 'start_time' }));
});

test('what a Date writes is read back, in any zone', () => {
  const dates = fc.date({ min: new Date(0), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true });
  fc.assert(fc.property(dates, (date) => at(date.toISOString()) === date.getTime()));
});

test('no text makes it throw anything else, and what is taken is a moment', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[\dTZ:+. now-]{0,30}( ago)?$/)), (text) => {
      try {
        expect(Number.isNaN(new Date(at(text)).getTime())).toBe(false);
      } catch (error) {
        expect(error).toBeInstanceOf(LabError);
      }
    }),
  );
});
