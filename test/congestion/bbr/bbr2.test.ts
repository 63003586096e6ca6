/** The BBRv2 alpha where it is not BBRv3. Its path: 10 Mbit/s, 40 ms, a buffer of 2 BDP. */
import { describe, expect, it } from 'vitest';
import { PACKET, payloadBps, runFlow, visit } from './flow.ts';

const controller = 'bbr2';

describe('BBRv2 (alpha)', () => {
  it('fills the link, at gains of its own', () => {
    const flow = runFlow({ controller, durationS: 6, warmupS: 1 });
    expect(visit(flow, 'Startup').first.model).toMatchObject({ pacingGain: 2.885, cwndGain: 2.885 });
    expect(visit(flow, 'Drain').first.model).toMatchObject({ pacingGain: 0.347, cwndGain: 2.885 });
    expect(visit(flow, 'ProbeBW_UP').first.model).toMatchObject({ pacingGain: 1.25, cwndGain: 2 });
    expect(visit(flow, 'ProbeBW_DOWN').first.model).toMatchObject({ pacingGain: 0.75, cwndGain: 2 });
    expect(flow.utilization).toBeGreaterThan(0.97);
    expect(flow.visits.at(-1)!.moments.at(-1)!.model.maxBwBps / payloadBps(10e6)).toBeCloseTo(1, 2);
  });

  it('leaves ProbeBW_UP as soon as a quarter of a BDP queues, not before an RTT, however much bandwidth is left', () => {
    const up = visit(runFlow({ controller, durationS: 4 }), 'ProbeBW_UP');
    const target = up.last.model.bdpBytes * 1.25 + 2 * PACKET;
    for (const { inFlight } of up.moments) expect(inFlight).toBeLessThan(target + PACKET);
    expect(up.next.moments[0]!.nowUs - up.first.nowUs).toBeGreaterThan(up.first.model.minRttUs!);
    expect(up.next.moments[0]!.model.fullBwNow).toBe(false);
    expect(up.next.moments[0]!.inFlight).toBeGreaterThan(1.1 * up.last.model.bdpBytes);
  });

  it('stays in Drain until the queue is gone, however many round trips that takes', () => {
    const flow = runFlow({
      controller,
      durationS: 4,
      parameters: { DrainPacingGain: 0.9 },
      bufferBytes: 1_000_000,
      after: ({ state }, conditions, entered) => {
        if (entered && state === 'Drain') conditions.rateBps *= 0.95;
      },
    });
    const drain = visit(flow, 'Drain');
    expect(drain.last.model.roundCount).toBeGreaterThan(drain.first.model.drainStartRound + 4);
    const [exit] = drain.next.moments;
    expect(exit!.inFlight).toBeLessThanOrEqual(exit!.model.inflightTargetBytes);
  });

  it('takes an RTT equal to the minimum for as good as a lower one: a path without a queue sees no ProbeRTT', () => {
    const states = (name: string): string[] =>
      runFlow({ controller: name, durationS: 8 }).visits.map((each) => each.state);
    expect(states('bbr2')).not.toContain('ProbeRTT');
    expect(states('bbr3')).toContain('ProbeRTT');
  });

  it('probes the RTT with half a BDP in flight, too', () => {
    // Jitter such that no RTT is like another: after five seconds without a lower one.
    const flow = runFlow({ controller, durationS: 12, late: (n) => (n < 20 ? 0 : 1 + (n % 7)) });
    const { first } = visit(flow, 'ProbeRTT');
    expect(first.model).toMatchObject({ pacingGain: 1, cwndGain: 1 });
    expect(first.cwnd).toBeCloseTo(0.5 * first.model.bdpBytes, -1);
  });

  it('allows for aggregation of up to 100 ms at its bandwidth', () => {
    const flow = runFlow({
      controller,
      durationS: 4,
      bufferBytes: 1_000_000,
      conditions: { ackGridUs: 200_000 },
    });
    const { model } = flow.visits.at(-1)!.moments.at(-1)!;
    const bw = Math.min(model.maxBwBps, model.bwShorttermBps ?? Number.POSITIVE_INFINITY);
    const most = (bw * 0.1) / 8;
    expect(model.extraAckedBytes).toBeGreaterThan(most);
    expect(model.maxInflightBytes).toBeLessThanOrEqual(
      model.cwndGain * model.bdpBytes + most + 2 * PACKET + 1,
    );
  });

  it('restores its bounds after a spurious loss, but goes on from the state it is in', () => {
    let lateAtUs = Number.POSITIVE_INFINITY;
    let isDone = false;
    const flow = runFlow({
      controller,
      durationS: 3,
      bufferBytes: 500_000,
      late: (_n, nowUs) => {
        if (isDone || nowUs < lateAtUs) return 0;
        isDone = true;
        return 12_000;
      },
      after: ({ state, nowUs }, _conditions, entered) => {
        // Its loss is known in ProbeBW_UP.
        if (entered && state === 'ProbeBW_REFILL') lateAtUs = Math.min(lateAtUs, nowUs + 20_000);
      },
    });
    expect(flow.recovery.stats.spuriousLosses).toBe(1);
    const up = visit(flow, 'ProbeBW_UP');
    const moments = flow.visits.flatMap((each) => each.moments);
    const [cut] = up.next.moments;
    expect(cut!.model).toMatchObject({ inLossRecovery: true, undoState: null });
    const restored = moments.find(({ nowUs, model }) => nowUs > cut!.nowUs && !model.inLossRecovery)!;
    expect(restored.state).toMatch(/^ProbeBW_(DOWN|CRUISE)$/);
    expect(up.last.model.inflightLongtermBytes).toBeNull();
    expect(cut!.model.inflightLongtermBytes).not.toBeNull();
    expect(restored.model.inflightLongtermBytes).toBeNull();
  });
});
