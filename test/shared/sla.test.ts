import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type FecFigures, fecRatios } from '../../src/shared/fec.ts';
import { fecMetrics } from '../../src/shared/metrics.ts';
import { fecLimits, judge, levelLimits, SLA_LEVELS, tellMissed, withOccasion } from '../../src/shared/sla.ts';

const measured = (values: Record<string, number | null>) =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [name, { value, unit: null, better: null }]),
  );
const GOOD = { rtt_p95: 40e3, rtt_mean: 20e3, loss_ratio: 0, goodput_up: 60e6 };

describe('gates', () => {
  test('of a level are met by what is within them, and missed by what is not', () => {
    for (const level of SLA_LEVELS) {
      const limits = levelLimits(level, { fec: false });
      expect(judge(limits, measured(GOOD)).map(({ passed }) => passed)).toEqual([true, true, true, true]);
    }
    const gates = judge(levelLimits('default', { fec: false }), measured({ ...GOOD, rtt_p95: 100_001 }));
    expect(gates.filter(({ passed }) => !passed).map(tellMissed)).toEqual([
      'RTT p95: at most 100 ms, measured 100.001 ms',
    ]);
  });

  test('that were not measured are missed, whatever the reason', () => {
    const limits = levelLimits('lenient', { fec: true });
    for (const metrics of [null, measured({}), measured({ rtt_p95: null })]) {
      const gates = judge(limits, metrics);
      expect(gates).toHaveLength(6);
      expect(gates.every(({ passed }) => !passed)).toBe(true);
      expect(tellMissed(gates[0]!)).toBe('RTT p95: at most 500 ms, not measured');
    }
  });

  test('at most: exactly what is not above the limit passes', () => {
    const ratio = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(ratio, ratio, (limit, value) => {
        const [gate] = judge({ lossRatio: limit }, measured({ loss_ratio: value }));
        expect(gate!.passed).toBe(value <= limit);
      }),
    );
  });
});

describe('gates of FEC', () => {
  const way = (sentSource: number, sentRepair: number, erasures: number, recovered: number): FecFigures =>
    ({ sentSource, sentRepair, erasures, recovered }) as FecFigures;

  test('hold redundancy and recovery of both directions together to the level', () => {
    const ratios = fecRatios(10, [way(100, 20, 10, 9), way(100, 20, 0, 0)]);
    expect(ratios).toEqual({ redundancy: 0.2, recovery: 0.9 });
    const passed = SLA_LEVELS.map((level) =>
      judge(fecLimits(level), fecMetrics(ratios)).map((gate) => gate.passed),
    );
    expect(passed).toEqual([
      [true, true],
      [false, true],
      [true, true],
    ]);
    const [, recovery] = judge(fecLimits('default'), fecMetrics({ redundancy: 0.2, recovery: 0.5 }));
    expect(tellMissed(recovery!)).toBe('FEC recovery: at least 0.8, measured 0.500');
  });

  test('count a group that was cut short as if it were full', () => {
    expect(fecRatios(10, [way(1003, 202, 0, 0)])).toEqual({ redundancy: 0.2, recovery: null });
  });

  test('ask for recovery only where something was lost, or nothing was sent at all', () => {
    expect(withOccasion(fecLimits('default'), { sent: 100, lost: 0 })).toEqual({ fecRedundancy: 0.2 });
    for (const counts of [
      { sent: 100, lost: 1 },
      { sent: 0, lost: 0 },
    ])
      expect(withOccasion(fecLimits('default'), counts)).toEqual(fecLimits('default'));
  });
});
