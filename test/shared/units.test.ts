import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LabError } from '../../src/shared/errors.ts';
import {
  formatBytes,
  formatDuration,
  formatPercent,
  formatRate,
  parseBytes,
  parseDuration,
  parseRate,
  parseRatio,
} from '../../src/shared/units.ts';

describe('parsing', () => {
  test.each([
    ['40ms', 40_000],
    ['250us', 250],
    ['250 µs', 250],
    ['250μs', 250],
    ['1s', 1_000_000],
    ['1.5S', 1_500_000],
    ['2m', 120_000_000],
    ['1h', 3_600_000_000],
    ['0', 0],
    ['.5ms', 500],
  ])('%s is a duration of %d µs', (text, us) => {
    expect(parseDuration(text, '--delay')).toBe(us);
  });

  test('a bare number is a duration only where its unit is agreed on', () => {
    expect(parseDuration('10', '--duration', 's')).toBe(10_000_000);
    expect(() => parseDuration('10', '--delay')).toThrow(/no unit/);
  });

  test.each([
    ['20mbit', 20e6],
    ['8 Mbit/s', 8e6],
    ['400kbit', 400e3],
    ['1gbps', 1e9],
    ['9600bit', 9600],
    ['0.8 Mbit/s', 0.8e6],
  ])('%s is a rate of %d bit/s', (text, bps) => {
    expect(parseRate(text, '--rate')).toBe(bps);
  });

  test.each([
    ['1500b', 1500],
    ['64kb', 64_000],
    ['64KiB', 65_536],
    ['1mb', 1_000_000],
    ['1.1kb', 1100],
    ['2 GB', 2e9],
  ])('%s is a size of %d bytes', (text, bytes) => {
    expect(parseBytes(text, '--buffer')).toBe(bytes);
  });

  test.each([
    ['1%', 0.01],
    ['0.01', 0.01],
    ['0', 0],
    ['100 %', 1],
    ['.5%', 0.005],
  ])('%s is a ratio of %d', (text, ratio) => {
    expect(parseRatio(text, '--loss')).toBeCloseTo(ratio, 12);
  });

  test.each([
    [parseDuration, '40'],
    [parseDuration, '40 parsecs'],
    [parseDuration, '-1ms'],
    [parseDuration, '1e3ms'],
    [parseRate, '20'],
    [parseRate, '20mb'],
    [parseRate, 'constructor'],
    [parseRate, '1 toString'],
    [parseBytes, '1.5b'],
    [parseBytes, '64'],
    [parseRatio, '1'],
    [parseRatio, '2'],
    [parseRatio, '101%'],
    [parseRatio, '1ms'],
    [parseRatio, ''],
  ])('%o refuses "%s" and names the field', (parse, text) => {
    expect(() => parse(text, '--some-flag')).toThrow(
      expect.objectContaining({
        code: 'RL_INPUT_INVALID',
        field: '--some-flag',
        message: expect.stringContaining('--some-flag'),
      }),
    );
  });

  test('no text makes a parser throw anything but RL_INPUT_INVALID, or yield anything but a finite number', () => {
    const quantityLike = fc
      .tuple(
        fc.oneof(
          fc.string(),
          fc.double().map(String),
          fc.nat().map(String),
          fc.bigInt({ min: 0n }).map(String),
        ),
        fc.constantFrom('', ' ', 'ms', 'us', 'mbit', 'kib', '%', 'x', '__proto__'),
      )
      .map(([number, unit]) => number + unit);
    fc.assert(
      fc.property(
        fc.constantFrom(parseDuration, parseRate, parseBytes, parseRatio),
        quantityLike,
        (parse, text) => {
          try {
            const value = parse(text, 'field');
            expect(Number.isFinite(value) && value >= 0).toBe(true);
          } catch (error) {
            expect(error).toBeInstanceOf(LabError);
            expect((error as LabError).code).toBe('RL_INPUT_INVALID');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });
});

describe('formatting', () => {
  test('has a fixed precision and the unit after a space', () => {
    expect(formatDuration(12_351)).toBe('12.4 ms');
    expect(formatDuration(250, 2)).toBe('0.25 ms');
    expect(formatRate(3_210_000)).toBe('3.21 Mbit/s');
    expect(formatRate(1e9, 0)).toBe('1000 Mbit/s');
    expect(formatPercent(0.008)).toBe('0.8 %');
    expect(formatBytes(512)).toBe('512 B');
    expect(formatBytes(64_000)).toBe('64.0 kB');
    expect(formatBytes(999_949)).toBe('999.9 kB');
    expect(formatBytes(999_951)).toBe('1.0 MB');
    expect(formatBytes(2.5e9)).toBe('2.5 GB');
  });

  test('shows a dash for what was not measured', () => {
    expect([formatDuration(null), formatRate(null), formatBytes(null), formatPercent(null)]).toEqual([
      '–',
      '–',
      '–',
      '–',
    ]);
  });

  test('what is printed is read back to within its precision', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1e9, noNaN: true }), fc.nat(6), (value, digits) => {
        const half = 0.5 * 10 ** -digits * (1 + 1e-6);
        expect(Math.abs(parseDuration(formatDuration(value, digits), 'f') - value) / 1e3).toBeLessThanOrEqual(
          half + 1e-9,
        );
        expect(Math.abs(parseRate(formatRate(value, digits), 'f') - value) / 1e6).toBeLessThanOrEqual(
          half + 1e-9,
        );
        const ratio = value / 1e9;
        expect(Math.abs(parseRatio(formatPercent(ratio, digits), 'f') - ratio) * 100).toBeLessThanOrEqual(
          half + 1e-9,
        );
      }),
    );
    fc.assert(
      fc.property(fc.nat(2_000_000_000), (bytes) => {
        expect(Math.abs(parseBytes(formatBytes(bytes), 'f') - bytes)).toBeLessThanOrEqual(
          bytes * 0.051 + 0.5,
        );
      }),
    );
  });
});
