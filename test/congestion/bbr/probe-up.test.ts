/** draft-ietf-ccwg-bbr-06 Appendix A: the cases about ProbeBW_REFILL and ProbeBW_UP. */
import { describe, expect, it } from 'vitest';
import { PACKET, payloadBps, runFlow, visit } from './flow.ts';

/** Loses a quarter of what is sent in the first ProbeBW_UP, 60 ms after it began, until it ends. */
function lossInFirstUp() {
  let fromUs = Number.POSITIVE_INFINITY;
  let isOver = false;
  return {
    drop: (n: number, nowUs: number) => !isOver && nowUs > fromUs && n % 4 === 0,
    after: (state: string, nowUs: number) => {
      if (state === 'ProbeBW_UP') fromUs = Math.min(fromUs, nowUs + 60_000);
      else isOver ||= fromUs < Number.POSITIVE_INFINITY;
    },
  };
}

describe('ProbeBW_REFILL and ProbeBW_UP (draft-ietf-ccwg-bbr-06 Appendix A)', () => {
  it('A.5 exits ProbeBW_UP on a bandwidth plateau', () => {
    const flow = runFlow({ durationS: 4 });
    const up = visit(flow, 'ProbeBW_UP');
    expect(up.first.model).toMatchObject({
      pacingGain: 1.25,
      cwndGain: 2.25,
      fullBwCount: 0,
      fullBwNow: false,
    });
    // 2: without loss, and with more in flight than the BDP.
    expect(flow.recovery.stats.packetsLost).toBe(0);
    expect(up.last.inFlight).toBeGreaterThan(1.25 * up.last.model.bdpBytes);
    // 3: nothing more is there to be had.
    expect(up.last.model.maxBwBps / up.first.model.maxBwBps).toBeLessThan(1.02);
    // 4, 5.
    const rounds = [0, 1, 2].map(
      (count) => up.moments.find((each) => each.model.fullBwCount === count)!.model.roundCount,
    );
    expect(rounds).toEqual([rounds[0]!, rounds[0]! + 1, rounds[0]! + 2]);
    expect(up.next.state).toBe('ProbeBW_DOWN');
    expect(up.next.moments[0]!.model).toMatchObject({
      fullBwCount: 3,
      fullBwNow: true,
      roundCount: rounds[2]! + 1,
    });
    expect(up.next.moments[0]!.model.prevProbeTooHigh).toBe(false);
  });

  it('A.6 exits ProbeBW_UP on loss when application-limited', () => {
    const loss = lossInFirstUp();
    const flow = runFlow({
      durationS: 2.5,
      drop: loss.drop,
      after: ({ state, nowUs }, conditions) => {
        loss.after(state, nowUs);
        if (state === 'ProbeBW_UP') conditions.appBps = 6e6;
      },
    });
    const up = visit(flow, 'ProbeBW_UP');
    expect(up.last.model).toMatchObject({ isAppLimited: true, fullBwNow: false, isBwProbeSample: true });
    // 4, 5: DOWN, from where there is nothing to drain it goes on in the same ACK.
    const [exit] = up.next.moments;
    expect(exit!.state).toMatch(/^ProbeBW_(DOWN|CRUISE)$/);
    expect(exit!.model).toMatchObject({
      prevProbeTooHigh: true,
      isBwProbeSample: false,
      undoState: 'ProbeBW_UP',
    });
    // §5.5.10.2: a flow held back by its application has not tried how much fits, so no bound is learned.
    expect(exit!.model.inflightLongtermBytes).toBeNull();
  });

  it('A.7 never exits ProbeBW_UP when application-limited with no loss', () => {
    const flow = runFlow({
      durationS: 15,
      parameters: { ProbeRTTInterval: 20_000 },
      after: ({ state }, conditions) => {
        if (state === 'ProbeBW_UP') conditions.appBps = 6e6;
      },
    });
    expect(flow.recovery.stats.packetsLost).toBe(0);
    const last = flow.visits.at(-1)!;
    expect(last.state).toBe('ProbeBW_UP');
    expect(last.moments.at(-1)!.nowUs - last.moments[0]!.nowUs).toBeGreaterThan(12e6);
    expect(last.moments.at(-1)!.model).toMatchObject({ isAppLimited: true, fullBwNow: false });
  });

  it('A.15 reaches the full bandwidth when it grows tenfold, in rounds of the order of its logarithm', () => {
    const loss = lossInFirstUp();
    let widerAtUs = Number.POSITIVE_INFINITY;
    let foundAtRound = Number.POSITIVE_INFINITY;
    let firstRound = 0;
    const flow = runFlow({
      durationS: 6,
      bufferBytes: 1_000_000,
      drop: loss.drop,
      after: ({ state, nowUs, model }, conditions) => {
        loss.after(state, nowUs);
        // 2: while cruising below the bound that the loss has left.
        if (state !== 'ProbeBW_CRUISE' || model.inflightLongtermBytes === null) {
          if (conditions.rateBps === 100e6 && model.maxBwBps > 0.98 * payloadBps(100e6)) {
            foundAtRound = Math.min(foundAtRound, model.roundCount);
          }
          return;
        }
        conditions.rateBps = 100e6;
        widerAtUs = Math.min(widerAtUs, nowUs);
      },
    });
    const up = flow.visits.find(
      (each) =>
        each.state === 'ProbeBW_UP' && each.moments[0]!.nowUs > widerAtUs && each.moments.length > 500,
    )!;
    // 3: what inflight_longterm gains per window acknowledged, in packets: 1, 2, 4, 8, …
    const steps: number[] = [];
    for (const { model, cwnd } of up.moments) {
      if (steps.length === model.bwProbeUpRounds || model.probeUpAckedPerIncBytes === PACKET) continue;
      steps.push(cwnd / model.probeUpAckedPerIncBytes!);
      if (steps.length === 1) firstRound = model.roundCount;
    }
    expect(steps.length).toBeGreaterThan(4);
    steps.forEach((step, round) => {
      expect(step / 2 ** round).toBeGreaterThan(0.8);
      expect(step / 2 ** round).toBeLessThan(1.25);
    });
    expect(up.moments.at(-1)!.model.inflightLongtermBytes!).toBeGreaterThan(500_000);
    // 4: log₁.₂₅ 10 is 10.3, and the first packets of growth take log₂ 36 more.
    expect(foundAtRound - firstRound).toBeLessThanOrEqual(20);
  });

  it('A.21 handles loss in ProbeBW_UP when inflight_longterm is set', () => {
    let ups = 0;
    let fromUs = Number.POSITIVE_INFINITY;
    const flow = runFlow({
      durationS: 6,
      // In the first UP to set the bound, in the third to run into it again; the second is the precautionary one.
      drop: (n, nowUs) => nowUs > fromUs && n % 4 === 0,
      after: ({ state, nowUs }, _conditions, entered) => {
        if (!entered) return;
        if (state === 'ProbeBW_UP') ups++;
        fromUs = state === 'ProbeBW_UP' && ups !== 2 && ups < 4 ? nowUs : Number.POSITIVE_INFINITY;
      },
    });
    // §5.3.3.6: the probe after one that went too high stops where that bound is reached, and goes on if that is safe.
    const careful = visit(flow, 'ProbeBW_UP', 2);
    expect(careful.next.moments[0]!.model).toMatchObject({
      prevProbePrecautionary: true,
      prevProbeTooHigh: false,
    });
    const up = visit(flow, 'ProbeBW_UP', 3);
    const { inflightLongtermBytes: before, fullBwNow } = up.last.model;
    expect(before).not.toBeNull();
    expect(fullBwNow).toBe(false);
    // 4: to what was in flight when too much was lost, but by no more than Beta of the target.
    const [exit] = up.next.moments;
    const after = exit!.model.inflightLongtermBytes!;
    expect(after).toBeLessThan(before!);
    expect(after).toBeGreaterThanOrEqual(0.7 * Math.min(exit!.model.bdpBytes, up.last.cwnd));
    expect(exit!.model).toMatchObject({ prevProbeTooHigh: true, isBwProbeSample: false });
    // 5.
    expect(exit!.state).toBe('ProbeBW_DOWN');
  });

  it('A.22 handles application-limited sending in ProbeBW_REFILL', () => {
    const flow = runFlow({
      durationS: 3,
      // 2: a trickle, since a round trip needs a packet to end it.
      after: ({ state }, conditions) => {
        conditions.appBps = state === 'ProbeBW_REFILL' ? 1e6 : Number.POSITIVE_INFINITY;
      },
    });
    const refill = visit(flow, 'ProbeBW_REFILL');
    const maxBw = refill.first.model.maxBwBps;
    // 3.
    const up = refill.next;
    const limited = [...refill.moments, ...up.moments].filter((each) => each.model.isAppLimited);
    expect(limited.length).toBeGreaterThan(0);
    for (const { model } of limited) {
      expect(model.maxBwBps).toBe(maxBw);
      expect(model.fullBwNow).toBe(false);
    }
    expect(up.moments[0]!.model.isAppLimited).toBe(true);
    expect(up.moments[0]!.model.fullBwBps).toBeLessThan(maxBw);
    // 4.
    expect(up.state).toBe('ProbeBW_UP');
    expect(visit(flow, 'ProbeBW_UP').next.state).toBe('ProbeBW_DOWN');
    expect(flow.visits.at(-1)!.moments.at(-1)!.model.maxBwBps).toBeGreaterThan(0.98 * maxBw);
  });
});
