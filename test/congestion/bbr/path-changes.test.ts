/** draft-ietf-ccwg-bbr-06 Appendix A: the cases about a path that turns worse, and about losses that were none. */
import { describe, expect, it } from 'vitest';
import { payloadBps, runFlow, visit } from './flow.ts';

describe('a path that turns worse (draft-ietf-ccwg-bbr-06 Appendix A)', () => {
  it('A.16 adapts max_bw when the bandwidth falls to a tenth', () => {
    let fellAtUs = Number.POSITIVE_INFINITY;
    const flow = runFlow({
      rateBps: 100e6,
      bufferBytes: 250_000,
      durationS: 14,
      after: ({ state, nowUs }, conditions) => {
        if (!state.startsWith('ProbeBW') || nowUs < 1e6) return;
        conditions.rateBps = 10e6;
        fellAtUs = Math.min(fellAtUs, nowUs);
      },
    });
    const moments = flow.visits.flatMap((each) => each.moments);
    const at = (us: number) => moments.find((each) => each.nowUs >= fellAtUs + us)!.model;
    expect(at(0).maxBwBps).toBeGreaterThan(0.98 * payloadBps(100e6));
    // 3: by 30 % each round trip, and a round trip takes as long as the queue of the old rate.
    const adapted = visit(flow, 'ProbeBW_REFILL').before!;
    expect(adapted.nowUs - fellAtUs).toBeLessThan(2.5e6);
    expect(adapted.model.bwShorttermBps!).toBeLessThan(0.3 * payloadBps(100e6));
    expect(adapted.model.maxBwBps).toBeGreaterThan(0.9 * payloadBps(100e6));
    // 4: two cycles on, nothing of the old rate is left.
    const cycle = at(0).cycleCount;
    const forgotten = moments.find(({ model }) => model.cycleCount === cycle + 3)!;
    expect(forgotten.model.maxBwBps / payloadBps(10e6)).toBeGreaterThan(0.95);
    expect(forgotten.model.maxBwBps / payloadBps(10e6)).toBeLessThan(1.05);
    expect(moments.at(-1)!.model.maxBwBps / payloadBps(10e6)).toBeCloseTo(1, 2);
  });

  it('A.17 handles a token bucket policer', () => {
    const rateBps = 5e6;
    const lossAtUs: number[] = [];
    let lost = 0;
    const flow = runFlow({
      durationS: 20,
      after: ({ state, nowUs }, conditions) => {
        if (state.startsWith('ProbeBW') && nowUs > 1e6)
          conditions.policer ??= { rateBps, burstBytes: 50_000 };
      },
    });
    for (const { moments } of flow.visits) {
      for (const { nowUs, model } of moments) if (model.isLossInRound && lost++ === 0) lossAtUs.push(nowUs);
    }
    // 3: within a few round trips of the first drop.
    const moments = flow.visits.flatMap((each) => each.moments);
    const adapted = moments.find(({ nowUs }) => nowUs > lossAtUs[0]! + 300_000)!.model;
    expect(adapted.bwShorttermBps!).toBeLessThan(0.75 * payloadBps(10e6));
    expect(adapted.inflightShorttermBytes!).toBeLessThan(0.75 * 2 * adapted.bdpBytes + 50_000);
    // 4: at about the rate of the tokens, with probes for more the only ones to lose much.
    const delivered = flow.recovery.stats.bytesAcked;
    const lossRatio = flow.recovery.stats.packetsLost / flow.recovery.stats.packetsSent;
    expect((delivered * 8) / 20).toBeGreaterThan(0.75 * payloadBps(rateBps));
    expect(lossRatio).toBeLessThan(0.06);
    const late = moments.filter(({ nowUs }) => nowUs > 10e6);
    const cruising = late.filter(({ state }) => state === 'ProbeBW_CRUISE');
    expect(cruising.length / late.length).toBeGreaterThan(0.5);
    for (const { model } of cruising) expect(model.pacingGain).toBe(1);
  });
});

describe('losses that were none (draft-ietf-ccwg-bbr-06 Appendix A)', () => {
  it('A.18 handles a spurious fast recovery', () => {
    let lateAtUs = Number.POSITIVE_INFINITY;
    let isDone = false;
    const flow = runFlow({
      durationS: 3,
      // 1: one packet of ProbeBW_UP comes 12 ms later than its turn, ten packets after the next.
      late: (_n, nowUs) => {
        if (isDone || nowUs < lateAtUs) return 0;
        isDone = true;
        return 12_000;
      },
      after: ({ state, nowUs }, _conditions, entered) => {
        if (entered && state === 'ProbeBW_UP') lateAtUs = Math.min(lateAtUs, nowUs + 40_000);
      },
    });
    expect(flow.recovery.stats).toMatchObject({
      packetsLost: 1,
      spuriousLosses: 1,
      persistentCongestions: 0,
    });
    const up = visit(flow, 'ProbeBW_UP');
    // 2: a loss in 2 % of the flight it is, and what the model held before is kept.
    const [cut] = up.next.moments;
    expect(cut!.state).toBe('ProbeBW_DOWN');
    expect(cut!.model.inflightLongtermBytes).not.toBeNull();
    expect(cut!.model).toMatchObject({
      inLossRecovery: true,
      undoState: 'ProbeBW_UP',
      undoBwShorttermBps: up.last.model.bwShorttermBps,
      undoInflightShorttermBytes: up.last.model.inflightShorttermBytes,
      undoInflightLongtermBytes: up.last.model.inflightLongtermBytes,
    });
    expect(Math.floor(cut!.model.priorCwnd)).toBe(up.last.cwnd);
    // 3, 4: back by way of REFILL.
    const [restored] =
      flow.visits[flow.visits.findIndex((each) => each.state === 'ProbeBW_DOWN') + 1]!.moments;
    expect(restored!.state).toBe('ProbeBW_REFILL');
    expect(restored!.model).toMatchObject({
      inLossRecovery: false,
      undoState: null,
      inflightLongtermBytes: up.last.model.inflightLongtermBytes,
      inflightShorttermBytes: up.last.model.inflightShorttermBytes,
      bwShorttermBps: up.last.model.bwShorttermBps,
      fullBwNow: false,
    });
    expect(visit(flow, 'ProbeBW_REFILL', 2).next.state).toBe('ProbeBW_UP');
  });

  it('A.18 in Startup: it goes on doubling', () => {
    let fromUs = Number.POSITIVE_INFINITY;
    const flow = runFlow({
      rateBps: 50e6,
      rttMs: 60,
      bufferBytes: 1_000_000,
      durationS: 2,
      // In one flight every fifth packet comes more than a round trip late: by then their loss has ended Startup.
      late: (n, nowUs) => (nowUs >= fromUs && nowUs < fromUs + 50_000 && n % 5 === 0 ? 75_000 : 0),
      after: ({ model, nowUs }) => {
        if (model.roundCount === 4) fromUs = Math.min(fromUs, nowUs);
      },
    });
    expect(flow.recovery.stats).toMatchObject({ congestionEvents: 1 });
    expect(flow.recovery.stats.spuriousLosses).toBe(flow.recovery.stats.packetsLost);
    const drain = flow.visits[1];
    const back = flow.visits.slice(1).find((each) => each.state === 'Startup');
    expect(drain!.state).toBe('Drain');
    expect(drain!.moments[0]!.model).toMatchObject({ undoState: 'Startup', fullBwReached: true });
    expect(back!.moments[0]!.model).toMatchObject({ fullBwReached: false, inflightLongtermBytes: null });
    expect(flow.visits.at(-1)!.moments.at(-1)!.model.maxBwBps).toBeGreaterThan(0.98 * payloadBps(50e6));
  });

  it('A.19 handles a spurious collapse for persistent congestion, which is QUIC’s RTO', () => {
    let fromUs = Number.POSITIVE_INFINITY;
    const flow = runFlow({
      rateBps: 2e6,
      bufferBytes: 60_000,
      durationS: 8,
      // 1: everything sent in half a second is held up until a later probe has gone through.
      late: (_n, nowUs) => (nowUs >= fromUs && nowUs < fromUs + 5e5 ? fromUs + 770_000 - nowUs : 0),
      after: ({ state, nowUs }, _conditions, entered) => {
        if (entered && state === 'ProbeBW_UP') fromUs = Math.min(fromUs, nowUs + 20_000);
      },
    });
    const { stats } = flow.recovery;
    expect(stats.persistentCongestions).toBe(1);
    expect(stats.spuriousLosses).toBe(stats.packetsLost);
    const up = visit(flow, 'ProbeBW_UP');
    // 2.
    const [collapsed] = up.next.moments;
    expect(collapsed!.cwnd).toBeLessThan(up.last.cwnd / 2);
    expect(collapsed!.model).toMatchObject({
      inLossRecovery: true,
      undoState: 'ProbeBW_UP',
      undoBwShorttermBps: up.last.model.bwShorttermBps,
      undoInflightShorttermBytes: up.last.model.inflightShorttermBytes,
      undoInflightLongtermBytes: up.last.model.inflightLongtermBytes,
    });
    expect(Math.floor(collapsed!.model.priorCwnd)).toBe(up.last.cwnd);
    // 3, 4.
    const restored = flow.visits
      .flatMap((each) => each.moments)
      .find(({ nowUs, model }) => nowUs > collapsed!.nowUs && model.undoState === null)!;
    expect(restored.cwnd).toBeGreaterThanOrEqual(0.9 * up.last.cwnd);
    expect(restored.state).toBe('ProbeBW_REFILL');
    expect(restored.model).toMatchObject({
      undoState: null,
      inflightLongtermBytes: up.last.model.inflightLongtermBytes,
      inflightShorttermBytes: up.last.model.inflightShorttermBytes,
      bwShorttermBps: up.last.model.bwShorttermBps,
    });
  });
});
