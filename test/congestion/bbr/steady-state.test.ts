/** draft-ietf-ccwg-bbr-06 Appendix A: the cases about ProbeBW_DOWN, ProbeBW_CRUISE and ProbeRTT. */
import { describe, expect, it } from 'vitest';
import { PACKET, payloadBps, runFlow, visit } from './flow.ts';

describe('ProbeBW_DOWN, ProbeBW_CRUISE and ProbeRTT (draft-ietf-ccwg-bbr-06 Appendix A)', () => {
  it('A.8 exits ProbeBW_DOWN when what is in flight has come down', () => {
    let isLossy = true;
    const flow = runFlow({
      durationS: 5,
      // A bound for the headroom to be of.
      drop: (n, nowUs) => isLossy && nowUs > 2.12e6 && n % 4 === 0,
      after: ({ model }) => {
        if (model.inflightLongtermBytes !== null) isLossy = false;
      },
    });
    const down = visit(flow, 'ProbeBW_DOWN');
    for (const { model, inFlight, pacingBps } of down.moments) {
      expect(model.pacingGain).toBe(0.9);
      expect(pacingBps).toBeCloseTo(0.9 * 0.99 * model.maxBwBps, 0);
      expect(model.inflightWithHeadroomBytes!).toBeCloseTo(0.85 * model.inflightLongtermBytes!, 6);
      const limit = Math.min(model.inflightWithHeadroomBytes!, model.inflightTargetBytes);
      expect(inFlight).toBeGreaterThan(limit);
    }
    const [exit] = down.next.moments;
    expect(exit!.state).toBe('ProbeBW_CRUISE');
    expect(exit!.inFlight).toBeLessThanOrEqual(exit!.model.inflightWithHeadroomBytes!);
    expect(exit!.inFlight).toBeLessThanOrEqual(exit!.model.inflightTargetBytes);
  });

  it('A.9 exits ProbeBW_DOWN after its longest time', () => {
    const flow = runFlow({
      durationS: 7,
      // The clock is to decide, not the Reno bound, which is 36 rounds here, nor ProbeRTT.
      parameters: { T_reno_bound: 0, ProbeRTTInterval: 10_000 },
      after: ({ state }, conditions) => {
        if (state === 'ProbeBW_DOWN') conditions.rateBps = 9e6;
      },
    });
    const down = visit(flow, 'ProbeBW_DOWN');
    const { cycleStampUs, bwProbeWaitUs } = down.first.model;
    expect(bwProbeWaitUs).toBe(2.5e6);
    // 2: the queue of the probe does not drain at nine tenths.
    for (const { model, inFlight } of down.moments)
      expect(inFlight).toBeGreaterThan(model.inflightTargetBytes);
    // 3.
    const [exit] = down.next.moments;
    expect(down.last.nowUs).toBeLessThanOrEqual(cycleStampUs + bwProbeWaitUs);
    expect(exit!.nowUs).toBeGreaterThan(cycleStampUs + bwProbeWaitUs);
    // 4.
    expect(exit!.state).toBe('ProbeBW_REFILL');
    expect(exit!.model).toMatchObject({ bwShorttermBps: null, inflightShorttermBytes: null });
  });

  it('A.10 enters and exits ProbeRTT', () => {
    const flow = runFlow({ durationS: 8 });
    const probeRtt = visit(flow, 'ProbeRTT');
    expect(probeRtt.before!.state).toMatch(/^ProbeBW_/);
    // 2, 3.
    const { first, last } = probeRtt;
    expect(first.nowUs).toBeGreaterThan(5e6);
    expect(first.model).toMatchObject({ cwndGain: 0.5, pacingGain: 1 });
    expect(first.cwnd).toBeCloseTo(0.5 * first.model.bdpBytes, -1);
    // 4: the 200 ms count from when the flight is down, and it needs to come down first.
    const downAt = probeRtt.moments.find((each) => each.inFlight <= each.cwnd)!;
    const exit = probeRtt.next.moments[0]!;
    expect(exit.nowUs - downAt.nowUs).toBeGreaterThan(200_000);
    expect(exit.nowUs - downAt.nowUs).toBeLessThan(260_000);
    expect(exit.model.roundCount).toBeGreaterThan(downAt.model.roundCount);
    // Low by design, so no sample of it counts.
    expect(last.model).toMatchObject({ isAppLimited: true, maxBwBps: first.model.maxBwBps });
    // 5.
    expect(exit.state).toBe('ProbeBW_CRUISE');
    expect(exit.model.fullBwReached).toBe(true);
    expect(exit.cwnd).toBeGreaterThanOrEqual(probeRtt.before!.cwnd - PACKET);
    expect(probeRtt.next.moments.at(-1)!.inFlight).toBeGreaterThan(0.8 * exit.model.bdpBytes);
  });

  it('A.11 skips ProbeRTT because of application-limited sending', () => {
    const restarts: { nowUs: number; idleRestart: boolean; gain: number }[] = [];
    let isPaused = false;
    const flow = runFlow({
      durationS: 8.5,
      after: ({ state, nowUs }, conditions) => {
        if (isPaused || state !== 'ProbeBW_CRUISE' || nowUs < 1.5e6) return;
        isPaused = true;
        // 3.
        conditions.pausedUntilUs = nowUs + 6e6;
      },
      observeSent: (controller, nowUs) => {
        const { model, pacingBps } = controller.snapshot();
        if (nowUs > 7e6 && restarts.length === 0) {
          const { idleRestart, maxBwBps } = model!;
          restarts.push({ nowUs, idleRestart, gain: pacingBps! / maxBwBps });
        }
      },
    });
    // 4: and it paces at exactly the bandwidth, less the margin.
    expect(restarts[0]!.nowUs).toBeGreaterThan(7.5e6);
    expect(restarts[0]).toMatchObject({ idleRestart: true });
    expect(restarts[0]!.gain).toBeCloseTo(0.99, 9);
    // 2, 5.
    const pause = flow.visits.flatMap((each) => each.moments).filter((each) => each.nowUs < 7.5e6);
    expect(pause.at(-1)!.inFlight).toBe(0);
    const states = flow.visits.map((each) => each.state);
    expect(states).not.toContain('ProbeRTT');
    expect(flow.visits.at(-1)!.moments.at(-1)!.model.idleRestart).toBe(false);
  });

  it('A.13 cruises at the full bandwidth on a link with aggregation', () => {
    let cruiseFromUs = 0;
    const flow = runFlow({
      durationS: 5,
      parameters: { T_reno_bound: 0, T_bbr: 9_000 },
      after: ({ state, nowUs }, conditions, entered) => {
        if (entered && state === 'ProbeBW_CRUISE') cruiseFromUs = nowUs;
        conditions.ackGridUs = state === 'ProbeBW_CRUISE' && nowUs < cruiseFromUs + 1e6 ? 20_000 : 0;
      },
    });
    const cruise = flow.visits.at(-1)!;
    expect(cruise.state).toBe('ProbeBW_CRUISE');
    const aggregated = cruise.moments.filter(
      ({ nowUs }) => nowUs > cruiseFromUs + 5e5 && nowUs < cruiseFromUs + 1e6,
    );
    const perGrid = (payloadBps(10e6) * 0.02) / 8;
    for (const { model, cwnd } of aggregated) {
      // 3: what comes at once every 20 ms.
      expect(model.extraAckedBytes).toBeGreaterThan(0.8 * perGrid);
      expect(model.extraAckedBytes).toBeLessThan(1.6 * perGrid);
      // 4.
      expect(cwnd).toBeCloseTo(2 * model.bdpBytes + model.extraAckedBytes, -2);
    }
    expect(flow.utilization).toBeGreaterThan(0.9);
    // 3: what came early is used up by pacing 1 % below the bandwidth, in 2 s; ten round trips later it is forgotten.
    const after = cruise.moments.filter(({ nowUs }) => nowUs > cruiseFromUs + 1.06e6);
    expect(after[0]!.model.extraAckedBytes).toBeGreaterThan(0.8 * perGrid);
    const gone = after.filter(({ nowUs }) => nowUs > cruiseFromUs + 4e6);
    expect(gone.length).toBeGreaterThan(100);
    for (const { model } of gone) expect(model.extraAckedBytes).toBeLessThan(3 * PACKET);
  });

  it('A.14 manages BDPs of less than a packet', () => {
    // 3: 625 bytes without serialisation.
    const flow = runFlow({ rateBps: 500e3, rttMs: 10, bufferBytes: 20_000, durationS: 9, warmupS: 2 });
    const probing = flow.visits.slice(2).flatMap((each) => each.moments);
    for (const { cwnd } of probing) expect(cwnd).toBeGreaterThanOrEqual(4 * PACKET);
    const probeRtt = visit(flow, 'ProbeRTT');
    expect(0.5 * probeRtt.first.model.bdpBytes).toBeLessThan(2 * PACKET);
    for (const { cwnd } of probeRtt.moments) expect(cwnd).toBe(4 * PACKET);
    // 4.
    const cruise = probing.filter((each) => each.state === 'ProbeBW_CRUISE');
    for (const { pacingBps } of cruise) {
      expect(pacingBps / payloadBps(500e3)).toBeGreaterThan(0.97);
      expect(pacingBps / payloadBps(500e3)).toBeLessThan(1.01);
    }
    expect(flow.utilization).toBeGreaterThan(0.97);
  });
});
