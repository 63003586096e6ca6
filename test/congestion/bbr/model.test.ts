/** The filters of the model, sample by sample, and what loss leaves of its bounds. */
import { describe, expect, it } from 'vitest';
import { Bbr } from '../../../src/main/congestion/bbr/bbr.ts';
import { BBR3_RULES, bbr3 } from '../../../src/main/congestion/bbr/bbr3.ts';
import {
  advanceMaxBwFilter,
  updateAckAggregation,
  updateMaxBw,
} from '../../../src/main/congestion/bbr/model.ts';
import { bbrParams } from '../../../src/main/congestion/bbr/params.ts';
import { resolveParameters } from '../../../src/main/congestion/parameters.ts';
import { PACKET, runFlow, visit } from './flow.ts';

const make = (parameters = {}): Bbr =>
  new Bbr(PACKET, bbrParams(resolveParameters(bbr3.parameters, parameters)), BBR3_RULES, () => 0.5);

/** A rate sample; returns max_bw after it. */
function take(bbr: Bbr, deliveryRate: number, isAppLimited = false): number {
  bbr.deliveryRate = deliveryRate;
  bbr.isAppLimited = isAppLimited;
  updateMaxBw(bbr, 0);
  return bbr.maxBw;
}

describe('max_bw (§5.5.2)', () => {
  it('is the largest sample of this cycle and the one before', () => {
    const bbr = make();
    expect([take(bbr, 100), take(bbr, 80)]).toEqual([100, 100]);
    advanceMaxBwFilter(bbr);
    expect(take(bbr, 90)).toBe(100);
    advanceMaxBwFilter(bbr);
    expect(take(bbr, 70)).toBe(90);
    expect(bbr.cycleCount).toBe(2);
  });

  it('is what an application let through only where that is more', () => {
    const bbr = make();
    take(bbr, 100);
    expect(take(bbr, 120, true)).toBe(120);
    // A cycle of nothing but less is no cycle.
    for (let cycle = 0; cycle < 5; cycle++) {
      advanceMaxBwFilter(bbr);
      expect(take(bbr, 50, true)).toBe(120);
    }
    expect(bbr.cycleCount).toBe(1);
  });

  it('remembers as many cycles as MaxBwFilterLen says', () => {
    const remembered = (MaxBwFilterLen: number): number => {
      const bbr = make({ MaxBwFilterLen });
      take(bbr, 100);
      let cycles = 0;
      for (; cycles < 9 && bbr.maxBw === 100; cycles++) {
        advanceMaxBwFilter(bbr);
        take(bbr, 50);
      }
      return cycles;
    };
    expect([1, 2, 4].map(remembered)).toEqual([1, 2, 4]);
  });
});

describe('extra_acked (§5.5.9)', () => {
  /** Rounds, of one ACK each at the expected rate, for which a burst of 20 kB is remembered. */
  function remembered(fullBwReached: boolean, parameters = {}): number {
    const bbr = make(parameters);
    Object.assign(bbr, { fullBwReached, bw: 8e6, cwnd: 100_000, roundStart: true });
    updateAckAggregation(bbr, 20_000);
    expect(bbr.extraAcked).toBe(20_000);
    // Long enough for it to have been expected.
    bbr.nowUs += 50_000;
    let rounds = 0;
    while (bbr.extraAcked === 20_000) {
      bbr.nowUs += 10_000;
      updateAckAggregation(bbr, 10_000);
      rounds++;
    }
    return rounds;
  }

  it('is remembered for ExtraAckedFilterLen round trips, in Startup for one', () => {
    expect(remembered(true)).toBe(10);
    expect(remembered(true, { ExtraAckedFilterLen: 3 })).toBe(3);
    expect(remembered(false)).toBe(1);
  });
});

describe('loss', () => {
  it('of one range does not end Startup, however large it is (§5.3.1.3)', () => {
    const exit = (isLost: (n: number) => boolean) => {
      const flow = runFlow({ rateBps: 50e6, rttMs: 60, bufferBytes: 1_000_000, durationS: 2, drop: isLost });
      return { model: visit(flow, 'Startup').next.moments[0]!.model, lost: flow.recovery.stats.packetsLost };
    };
    const oneRange = exit((n) => n >= 60 && n < 80);
    expect(oneRange.lost).toBe(20);
    expect(oneRange.model).toMatchObject({ fullBwCount: 3, undoState: null });
    const sixRanges = exit((n) => n >= 60 && n < 100 && n % 2 === 0);
    expect(sixRanges.lost).toBe(20);
    expect(sixRanges.model.fullBwCount).toBeLessThan(3);
    expect(sixRanges.model.undoState).toBe('Startup');
  });

  it('is forgotten with the end of ProbeRTT (§5.3.4.4)', () => {
    const flow = runFlow({ durationS: 8, drop: (n) => n % 150 === 149 });
    const probeRtt = visit(flow, 'ProbeRTT');
    expect(probeRtt.last.model.bwShorttermBps).not.toBeNull();
    expect(probeRtt.next.moments[0]!.model).toMatchObject({
      bwShorttermBps: null,
      inflightShorttermBytes: null,
    });
  });

  it('of everything for a while collapses the window, not the bound on it (§5.6.4.4)', () => {
    let fromUs = Number.POSITIVE_INFINITY;
    const flow = runFlow({
      durationS: 4,
      // A window of so few packets would make the Reno bound due at once.
      parameters: { T_reno_bound: 0 },
      drop: (_n, nowUs) => nowUs > fromUs && nowUs < fromUs + 6e5,
      after: ({ state, nowUs }) => {
        if (state === 'ProbeBW_CRUISE' && nowUs > 1e6) fromUs = Math.min(fromUs, nowUs);
      },
    });
    expect(flow.recovery.stats.persistentCongestions).toBe(1);
    const moments = flow.visits.flatMap((each) => each.moments);
    const before = moments.findLast(({ nowUs }) => nowUs < fromUs)!;
    const collapsed = moments.find(({ nowUs }) => nowUs > fromUs + 3e5)!;
    expect(collapsed.cwnd).toBeLessThanOrEqual(4 * PACKET);
    expect(collapsed.model.inLossRecovery).toBe(true);
    expect(Math.floor(collapsed.model.inflightShorttermBytes!)).toBe(before.cwnd);
    // Back within few round trips: to Beta of it at least.
    const after = moments.find(({ nowUs }) => nowUs > collapsed.nowUs + 3e5)!;
    expect(after.model.inLossRecovery).toBe(false);
    expect(after.cwnd).toBeGreaterThanOrEqual(Math.floor(0.7 * before.cwnd));
  });
});
