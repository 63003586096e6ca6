import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LabError } from '../../../src/shared/errors.ts';
import { LinkTrace } from '../../../src/shared/link-settings.ts';
import { parseTrace } from '../../../src/shared/trace/parse.ts';

const parse = (text: string): LinkTrace => parseTrace(text, '--trace');

describe('Mahimahi', () => {
  test('is a millisecond a line, repeated ones too', () => {
    expect(parse('0\n3\r\n3\n\n7\n')).toEqual({ kind: 'opportunities', atMs: [0, 3, 3, 7] });
  });

  test('reads back what is written', () => {
    const times = fc
      .array(fc.nat(1000), { minLength: 1, maxLength: 200 })
      .map((list) => list.toSorted((a, b) => a - b))
      .filter((list) => list.at(-1)! > 0);
    fc.assert(
      fc.property(times, (atMs) => {
        expect(parse(atMs.join('\n'))).toEqual({ kind: 'opportunities', atMs });
      }),
    );
  });
});

describe('CSV', () => {
  test('without names is seconds, Mbit/s, milliseconds and a ratio', () => {
    expect(parse('10, 20, 40, 0.01\n10.5, 5, 60, 0\n')).toEqual({
      kind: 'series',
      steps: [
        [0, 20e6, 40, 0.01],
        [0.5, 5e6, 60, 0],
      ],
      periodS: 1,
    });
  });

  test('with names has any order and the units they say', () => {
    expect(parse('Loss_Percent;rate_kbps;time_ms\n2;400;0\n0;800;250\n')).toEqual({
      kind: 'series',
      steps: [
        [0, 400e3, null, 0.02],
        [0.25, 800e3, null, 0],
      ],
      periodS: 0.5,
    });
  });

  test('takes blanks between columns, and comments', () => {
    expect(parse('# of a bus\n0.0\t4.5\n\n2   1.5\n')).toMatchObject({
      steps: [
        [0, 4.5e6],
        [2, 1.5e6],
      ].map((s) => [...s, null, null]),
      periodS: 4,
    });
  });

  test('lets a single line hold always', () => {
    expect(parse('time,rate\n7,8')).toEqual({ kind: 'series', steps: [[0, 8e6, null, null]], periodS: 1 });
  });

  test('reads back what is written', () => {
    const row = fc.record({
      gapMs: fc.integer({ min: 1, max: 5000 }),
      kbps: fc.nat(1e6),
      delayMs: fc.nat(10_000),
      loss: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(row, { minLength: 2, maxLength: 100 }), (rows) => {
        fc.pre(rows.some(({ kbps }) => kbps > 0));
        let ms = 0;
        const text = rows.map(({ gapMs, kbps, delayMs, loss }) => {
          ms += gapMs;
          return `${ms},${kbps},${delayMs},${loss}`;
        });
        const trace = parse(['time_ms,rate_kbps,delay_ms,loss_ratio', ...text].join('\n'));
        if (trace.kind !== 'series') throw new Error('not a series');
        expect(trace.steps.map(([, bps, delay, loss]) => [bps, delay, loss])).toEqual(
          rows.map(({ kbps, delayMs, loss }) => [kbps * 1e3, delayMs, loss]),
        );
        let at = 0;
        trace.steps.forEach(([second], i) => {
          if (i > 0) at += rows[i]!.gapMs / 1e3;
          expect(second).toBeCloseTo(at, 6);
        });
        expect(LinkTrace.safeParse(trace).success).toBe(true);
      }),
    );
  });
});

test('whatever is in a file, it is a trace or an error that names the field', () => {
  const cell = fc.oneof(fc.double().map(String), fc.integer().map(String), fc.string({ maxLength: 6 }));
  const rows = fc.array(
    fc.array(cell, { maxLength: 5 }).map((cells) => cells.join(',')),
    { maxLength: 6 },
  );
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        rows.map((list) => list.join('\n')),
      ),
      (text) => {
        try {
          LinkTrace.parse(parse(text));
        } catch (error) {
          if (!(error instanceof LabError)) throw error;
          expect(error).toMatchObject({ code: 'RL_INPUT_INVALID', field: '--trace' });
        }
      },
    ),
    { numRuns: 1000 },
  );
});

describe('refuses, with the line at fault:', () => {
  test.each([
    ['nothing', '# only a comment\n\n', 'the trace is empty'],
    ['a Mahimahi trace that goes back', '5\n\n4\n', 'line 3: 4 ms is before the line above'],
    ['one without length', '0\n0\n', 'ends at 0 ms'],
    ['one with something else in it', '1\n2.5\n', 'line 2: "2.5" is not a millisecond'],
    ['one that is too long', '1\n99999999999\n', 'line 2: 99999999999 is not from 0 to 86400000 ms'],
    ['a column nobody knows', 'time,rate,colour\n', 'there is no column "colour"'],
    ['a column that is missing', 'time,delay\n0,1\n', 'no column has the rate'],
    ['a column twice', 'time,rate,rate_bps\n0,1,1\n', 'a column is there twice'],
    ['too many columns', '0,1,2,0.1\n1,2,3,0.1,5\n', 'line 2: 5 columns where there should be 4'],
    ['too many columns from the start', '0,1,2,0.1,9\n', '5 columns where there should be 4'],
    ['a lone column', '1.5\n', '1 columns where there should be 2'],
    [
      'a cell that is no number',
      '0,1\n1,fast\n',
      'line 2: rate "fast" is not a number from 0 to 100000000000 bit/s',
    ],
    ['a rate below 0', '0,-1\n', 'rate "-1" is not a number from 0'],
    [
      'more loss than there is',
      'time,rate,loss_percent\n0,1,101\n',
      'loss "101" is not a number from 0 to 1',
    ],
    ['time that stands still', '0,1\n0,2\n', 'line 2: the time does not rise'],
    ['more than a day', '0,1\n86400,2\n', 'is not from 0.001 to 86400 s'],
    ['a rate of 0 throughout', '0,0\n1,0\n', 'the rate is 0 throughout'],
    ['names alone', 'time,rate\n', 'names and no numbers'],
  ])('%s', (_, text, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({
        code: 'RL_INPUT_INVALID',
        field: '--trace',
        message: expect.stringContaining(message),
      }),
    );
  });
});

const HSDPA = join(import.meta.dirname, '../../../../shared/data/hsdpa/traces');
test.skipIf(!existsSync(HSDPA))('reads recorded 3G traces (of the shared folder beside the checkout)', () => {
  for (const name of readdirSync(HSDPA)) {
    const text = readFileSync(join(HSDPA, name), 'utf8');
    const trace = parse(text);
    expect(trace).toMatchObject({ kind: 'series' });
    if (trace.kind === 'series') expect(trace.steps).toHaveLength(text.trim().split('\n').length);
  }
});
