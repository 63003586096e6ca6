/** What BBR owes to the interface of controllers: windows and rates before there is a model, sizes, determinism. */
import { describe, expect, it } from 'vitest';
import { createController } from '../../../src/main/congestion/index.ts';
import { ack, confirmedRecovery, send } from '../../recovery/support.ts';
import { MSS, sample } from '../support.ts';
import { payloadBps, runFlow } from './flow.ts';

const make = (name: string, parameters = {}) =>
  createController(name, { random: () => 0.5, datagramBytes: MSS, parameters });

describe.each(['bbr2', 'bbr3'])('%s', (name) => {
  const gain = name === 'bbr3' ? 2.77 : 2.885;

  it('starts with ten packets, paced as if the RTT were a millisecond (§5.6.2)', () => {
    const controller = make(name);
    expect(controller.cwnd).toBe(10 * MSS);
    expect(controller.pacingBps).toBeCloseTo((gain * 10 * MSS * 8) / 1e-3, 3);
    expect(controller.snapshot()).toMatchObject({
      name,
      state: 'Startup',
      ssthresh: null,
      bandwidthBps: null,
    });
    expect(make(name, { InitialWindow: 20 }).cwnd).toBe(20 * MSS);
  });

  it('begins in Startup on a connection that stood long before it, whether it sends or hears first', () => {
    const recovery = confirmedRecovery('cubic');
    const begunUs = 3600e6;
    send(recovery, begunUs, 0, 1, 2, 3);
    recovery.changeController(make(name));
    ack(recovery, begunUs + 50_000, 0, 1);
    expect(recovery.controller.snapshot()).toMatchObject({ state: 'Startup' });
    expect(recovery.controller.cwnd).toBeGreaterThanOrEqual(10 * MSS);
  });

  it('paces by the first RTT there is, though that is slower', () => {
    const controller = make(name);
    controller.onSent(0, MSS, MSS, false);
    controller.onAck(
      sample({
        nowUs: 50_000,
        ackedBytes: MSS,
        largestAckedSentAtUs: 0,
        smoothedRttUs: 50_000,
        deliveredBytes: MSS,
      }),
    );
    expect(controller.pacingBps).toBeCloseTo((gain * 10 * MSS * 8) / 0.05, 3);
    expect(controller.snapshot().model).toMatchObject({ minRttUs: 50_000, roundCount: 1 });
  });

  it('has an RTT with the time in it that the peer held its ACK back (§4.2)', () => {
    const controller = make(name);
    controller.onSent(0, MSS, MSS, false);
    controller.onAck(
      sample({ nowUs: 50_000, ackedBytes: MSS, rttUs: 25_000, largestAckedSentAtUs: 0, deliveredBytes: MSS }),
    );
    expect(controller.snapshot().model!.minRttUs).toBe(50_000);
  });

  it('counts time from its first packet, also on a path that others are still in flight for', () => {
    const controller = make(name);
    controller.onSent(60e6, MSS, 5 * MSS, false);
    controller.onAck(
      sample({ nowUs: 60.05e6, ackedBytes: MSS, largestAckedSentAtUs: 60e6, deliveredBytes: MSS }),
    );
    expect(controller.snapshot()).toMatchObject({ state: 'Startup', model: { minRttUs: 50_000 } });
  });

  it('lets bursts be a millisecond long, between two packets and 64 KB', () => {
    const burst = (rateBps: number, parameters = {}): number => {
      const controller = make(name, parameters);
      controller.onSent(0, MSS, MSS, false);
      const nowUs = 100_000;
      controller.onAck(
        sample({
          nowUs,
          ackedBytes: MSS,
          deliveryRateBps: rateBps,
          largestAckedSentAtUs: 0,
          deliveredBytes: MSS,
        }),
      );
      return controller.sendQuantum;
    };
    expect(burst(1e5)).toBe(2 * MSS);
    expect(burst(1e10)).toBe(65_536);
    const paced = gain * 0.99 * 40e6;
    expect(burst(40e6)).toBeCloseTo((paced * 1e-3) / 8, 3);
    expect(burst(40e6, { SendQuantum: 2 })).toBeCloseTo((paced * 2e-3) / 8, 3);
  });

  it('follows a new datagram size: the initial window anew, a window in use only up to the minimum', () => {
    const fresh = make(name);
    fresh.onDatagramSize(1400);
    expect(fresh.cwnd).toBe(14_000);
    const used = make(name);
    used.onSent(0, MSS, MSS, false);
    used.onAck(sample({ nowUs: 50_000, ackedBytes: MSS, largestAckedSentAtUs: 0, deliveredBytes: MSS }));
    used.onDatagramSize(1400);
    expect(used.cwnd).toBe(11 * MSS);
    used.onDatagramSize(9000);
    expect(used.cwnd).toBe(4 * 9000);
  });

  it('does the same whenever its random numbers are the same', () => {
    const run = () => runFlow({ controller: name, durationS: 3 }).visits.map((each) => each.moments.at(-1));
    expect(run()).toEqual(run());
  });

  it('obeys its parameters', () => {
    const model = (parameters: Record<string, number>) =>
      runFlow({ controller: name, durationS: 1.5, bufferBytes: 500_000, parameters })
        .visits.at(-1)!
        .moments.at(-1)!;
    const usual = model({});
    expect(model({ PacingMarginPercent: 5 }).pacingBps / usual.pacingBps).toBeCloseTo(0.95 / 0.99, 2);
    expect(model({ ProbeBwCwndGain: 3 }).cwnd / usual.cwnd).toBeCloseTo(1.5, 1);
    expect(usual.model.maxBwBps / payloadBps(10e6)).toBeCloseTo(1, 2);
  });
});
