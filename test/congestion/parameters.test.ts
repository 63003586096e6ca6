import { describe, expect, it } from 'vitest';
import { bbr2 } from '../../src/main/congestion/bbr/bbr2.ts';
import { bbr3 } from '../../src/main/congestion/bbr/bbr3.ts';
import { bbr1 } from '../../src/main/congestion/bbr1/bbr1.ts';
import { cubic } from '../../src/main/congestion/cubic.ts';
import { createController } from '../../src/main/congestion/index.ts';
import { newReno } from '../../src/main/congestion/newreno.ts';
import { resolveParameters } from '../../src/main/congestion/parameters.ts';
import { LabError } from '../../src/shared/errors.ts';

/** The error `body` throws, as users see it. */
function refusal(body: () => unknown): { code: string; field: string | undefined; message: string } {
  try {
    body();
  } catch (error) {
    if (error instanceof LabError) return { code: error.code, field: error.field, message: error.message };
    throw error;
  }
  throw new Error('nothing was thrown');
}

describe('controller parameters', () => {
  it('are the table’s defaults with what was given on top', () => {
    const resolved = resolveParameters(cubic.parameters, { C: 0.2 });
    expect(resolved).toMatchObject({ C: 0.2, Beta: 0.7, FastConvergence: 1, InitialWindow: 10 });
  });

  it('are refused by name, value and range', () => {
    expect(refusal(() => resolveParameters(cubic.parameters, { Beta: 0.99 }))).toEqual({
      code: 'RL_INPUT_INVALID',
      field: 'Beta',
      message: 'Beta is 0.99; accepted are 0.5 to 0.9 (ratio)',
    });
    expect(refusal(() => resolveParameters(cubic.parameters, { HyStart: 0.5 })).message).toBe(
      'HyStart is 0.5; accepted are whole numbers from 0 to 1 (count)',
    );
    expect(refusal(() => resolveParameters(bbr3.parameters, { FullBwRounds: 2.5 })).message).toBe(
      'FullBwRounds is 2.5; accepted are whole numbers from 2 to 6 (rounds)',
    );
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -1]) {
      expect(refusal(() => resolveParameters(cubic.parameters, { C: value })).field).toBe('C');
    }
  });

  it('are refused when unknown, with those there are', () => {
    const { field, message } = refusal(() => resolveParameters(newReno.parameters, { Beta: 0.7 }));
    expect(field).toBe('Beta');
    expect(message).toContain('LossReductionFactor, InitialWindow');
  });

  it.each([newReno, cubic, bbr1, bbr2, bbr3])(
    'of $name have defaults within their range, names of their own and a source',
    ({ parameters }) => {
      expect(new Set(parameters.map((each) => each.name)).size).toBe(parameters.length);
      for (const { name, default: value, min, max, section, doc } of parameters) {
        expect([name, value >= min && value <= max]).toEqual([name, true]);
        expect(section).toMatch(
          /^((RFC \d+|draft-[a-z-]+-\d\d) §|(Linux tcp_bbr|google\/bbr tcp_bbr2)\.c bbr_)/,
        );
        expect(doc).not.toBe('');
      }
    },
  );
});

describe('createController', () => {
  it('makes a controller by name', () => {
    expect(createController('newreno', { random: () => 0.5, datagramBytes: 1200 }).name).toBe('newreno');
    expect(createController('cubic', { random: () => 0.5, datagramBytes: 1200 }).name).toBe('cubic');
  });

  it('refuses an unknown name with those there are', () => {
    for (const name of ['vegas', 'constructor', '']) {
      const { code, field, message } = refusal(() =>
        createController(name, { random: () => 0.5, datagramBytes: 1200 }),
      );
      expect([code, field]).toEqual(['RL_INPUT_INVALID', 'controller']);
      expect(message).toContain('newreno, cubic');
    }
  });
});
