import type { AckSample, CongestionController } from '../../src/main/congestion/controller.ts';

export const MSS = 1200;

/** An ACK of a window in full use, RTT 100 ms. */
export function sample(overrides: Partial<AckSample> & { nowUs: number; ackedBytes: number }): AckSample {
  return {
    lostBytes: 0,
    priorInFlight: Number.MAX_SAFE_INTEGER,
    bytesInFlight: 0,
    rttUs: 100_000,
    smoothedRttUs: 100_000,
    minRttUs: 100_000,
    largestAckedSentAtUs: overrides.nowUs - 100_000,
    deliveredBytes: 0,
    priorDeliveredBytes: 0,
    txInFlightBytes: 0,
    lostSinceSentBytes: 0,
    deliveryRateBps: null,
    intervalUs: 100_000,
    isAppLimited: false,
    ...overrides,
  };
}

export function lose(controller: CongestionController, nowUs: number, sentAtUs: number): void {
  controller.onLoss({
    nowUs,
    lostBytes: MSS,
    packets: [
      { bytes: MSS, sentAtUs, delivered: 0, lost: 0, txInFlight: controller.cwnd, isAppLimited: false },
    ],
    totalLostBytes: MSS,
    deliveredBytes: 0,
    bytesInFlight: controller.cwnd,
    largestLostSentAtUs: sentAtUs,
  });
}

/** One round trip in which the whole window is acknowledged, packet by packet. Returns the time after it. */
export function round(controller: CongestionController, nowUs: number, rttUs = 100_000): number {
  const packets = Math.floor(controller.cwnd / MSS);
  for (let i = 0; i < packets; i++) {
    nowUs += rttUs / packets;
    controller.onAck(
      sample({ nowUs, ackedBytes: MSS, rttUs, smoothedRttUs: rttUs, largestAckedSentAtUs: nowUs - rttUs }),
    );
  }
  return nowUs;
}
