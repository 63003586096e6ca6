/** draft-ietf-ccwg-bbr-06 Appendix A: the cases about Startup and Drain. */
import { describe, expect, it } from 'vitest';
import { payloadBps, runFlow, visit } from './flow.ts';

describe('Startup and Drain (draft-ietf-ccwg-bbr-06 Appendix A)', () => {
  it('A.1 exits Startup on a bandwidth plateau', () => {
    const flow = runFlow({ durationS: 2 });
    const startup = visit(flow, 'Startup');
    const { model } = startup.last;
    // 3: the rate is that of the link, and has been for three rounds.
    expect(Math.abs(model.maxBwBps / payloadBps(10e6) - 1)).toBeLessThan(0.02);
    expect(startup.moments.some((each) => each.model.isAppLimited)).toBe(false);
    // 4: one round of no growth after the other, the third of which decides.
    const roundOfCount = [1, 2].map(
      (count) => startup.moments.find((each) => each.model.fullBwCount === count)!.model.roundCount,
    );
    const drain = startup.next;
    expect(drain.moments[0]!.model).toMatchObject({
      fullBwCount: 3,
      fullBwNow: true,
      fullBwReached: true,
      roundCount: roundOfCount[0]! + 2,
    });
    expect(roundOfCount[1]).toBe(roundOfCount[0]! + 1);
    expect(model).toMatchObject({ fullBwCount: 2, fullBwNow: false, fullBwReached: false });
    // 5.
    expect(drain.state).toBe('Drain');
  });

  it('A.2 exits Startup on loss when application-limited', () => {
    const flow = runFlow({
      rateBps: 100e6,
      rttMs: 100,
      bufferBytes: 2_500_000,
      durationS: 3,
      conditions: { appBps: 20e6 },
      // 3: from the first second on a tenth, each loss by itself: 18 ranges a round.
      drop: (n, nowUs) => nowUs > 1e6 && n % 10 === 0,
    });
    const startup = visit(flow, 'Startup');
    // 2.
    expect(startup.last.model).toMatchObject({ isAppLimited: true, fullBwReached: false, fullBwCount: 0 });
    // Without loss it would have stayed: the rate is not that of the link.
    expect(startup.last.nowUs).toBeGreaterThan(1e6);
    expect(startup.last.model.maxBwBps).toBeLessThan(0.5 * payloadBps(100e6));
    // 4, 5: loss it is, in one round trip's time after the first is known.
    const exit = flow.visits[1]!.moments[0]!;
    expect(exit.nowUs).toBeLessThan(1.35e6);
    expect(exit.model).toMatchObject({ isAppLimited: true, fullBwReached: true, fullBwCount: 0 });
    expect(exit.model.fullBwNow).toBe(true);
    expect(exit.model.drainStartRound).toBe(exit.model.roundCount);
    // §5.3.1.3: a volume known to pass.
    expect(exit.model.inflightLongtermBytes!).toBeGreaterThanOrEqual(startup.last.model.bdpBytes);
  });

  it('A.3 exits Drain when what is in flight is down to the estimated BDP', () => {
    const drain = visit(runFlow({ durationS: 1 }), 'Drain');
    for (const { model, inFlight, pacingBps } of drain.moments) {
      expect(model.pacingGain).toBe(0.5);
      expect(pacingBps).toBeCloseTo(0.5 * 0.99 * model.maxBwBps, 0);
      expect(inFlight).toBeGreaterThan(model.inflightTargetBytes);
    }
    const [exit] = drain.next.moments;
    expect(exit!.inFlight).toBeLessThanOrEqual(exit!.model.inflightTargetBytes);
    expect(exit!.model.roundCount).toBeLessThanOrEqual(exit!.model.drainStartRound + 3);
    expect(exit!.state).toMatch(/^ProbeBW_/);
  });

  it('A.4 exits Drain after three round trips, if it takes longer than that', () => {
    const flow = runFlow({
      durationS: 2,
      // 3: at 0.5 the queue would be gone in time all the same; a tenth less than the link has now never drains it.
      parameters: { DrainPacingGain: 0.9 },
      after: ({ state }, conditions, entered) => {
        if (entered && state === 'Drain') conditions.rateBps *= 0.9;
      },
    });
    const drain = visit(flow, 'Drain');
    const { drainStartRound } = drain.first.model;
    expect(drain.first.model.roundCount).toBe(drainStartRound);
    expect(drain.last.model.roundCount).toBe(drainStartRound + 3);
    const [exit] = drain.next.moments;
    expect(exit!.model.roundCount).toBe(drainStartRound + 4);
    expect(exit!.state).toBe('ProbeBW_DOWN');
    for (const { model, inFlight } of [...drain.moments, exit!]) {
      expect(inFlight).toBeGreaterThan(model.inflightTargetBytes);
    }
  });

  it('A.7 never exits Startup when application-limited with no loss', () => {
    const flow = runFlow({
      durationS: 15,
      conditions: { appBps: 2e6 },
      parameters: { ProbeRTTInterval: 20_000 },
    });
    expect(flow.visits.map((each) => each.state)).toEqual(['Startup']);
    expect(flow.recovery.stats.packetsLost).toBe(0);
    const last = flow.visits[0]!.moments.at(-1)!;
    expect(last.model).toMatchObject({ isAppLimited: true, fullBwReached: false });
    expect(last.model.roundCount).toBeGreaterThan(300);
  });

  it('A.12 achieves the bandwidth in Startup on a link with aggregation', () => {
    const flow = runFlow({ durationS: 2, conditions: { ackGridUs: 20_000 } });
    const startup = visit(flow, 'Startup');
    const bps = payloadBps(10e6);
    // 3: in 20 ms as much is acknowledged at once as the link carries in them, and none of it was expected then.
    const perGrid = (bps * 0.02) / 8;
    expect(startup.last.model.extraAckedBytes).toBeGreaterThan(0.8 * perGrid);
    expect(startup.last.model.extraAckedBytes).toBeLessThan(1.6 * perGrid);
    const bdp = (bps * 0.04) / 8;
    expect(startup.last.cwnd).toBeGreaterThan(2 * bdp);
    // 4: the whole link is found, and bursts of ACKs make no more of it than rounding to the grid can.
    expect(startup.last.model.maxBwBps).toBeGreaterThan(0.98 * bps);
    expect(startup.last.model.maxBwBps).toBeLessThan(1.5 * bps);
    // Its rate doubled every round trip: from 10 packets to the BDP and a queue of as much in few of them.
    expect(startup.last.model.roundCount).toBeLessThan(10);
  });

  it('A.20 enters ProbeRTT in Startup and comes back to it', () => {
    const flow = runFlow({
      durationS: 8,
      conditions: { appBps: 1e6 },
      after: ({ state, nowUs }, conditions) => {
        if (state === 'Startup' && nowUs > 6.2e6) conditions.appBps = Number.POSITIVE_INFINITY;
      },
    });
    expect(flow.visits.slice(0, 4).map((each) => each.state)).toEqual([
      'Startup',
      'ProbeRTT',
      'Startup',
      'Drain',
    ]);
    const probeRtt = visit(flow, 'ProbeRTT');
    expect(probeRtt.first.model.fullBwReached).toBe(false);
    expect(probeRtt.last.nowUs - probeRtt.first.nowUs).toBeGreaterThan(180_000);
    // 3: and it goes on searching.
    const again = visit(flow, 'Startup', 2);
    expect(again.first.model).toMatchObject({ fullBwReached: false, pacingGain: 2.77, cwndGain: 2 });
    expect(again.last.model.maxBwBps).toBeGreaterThan(0.98 * payloadBps(10e6));
  });
});
