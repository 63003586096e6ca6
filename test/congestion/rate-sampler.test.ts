import { describe, expect, it } from 'vitest';
import { RateSampler } from '../../src/main/congestion/rate-sampler.ts';
import { packet } from '../recovery/support.ts';

const BYTES = 1000;
const sentAt = (sentAtUs: number) => packet(0, { sentAtUs, bytes: BYTES });

/** Sends packets `gapUs` apart, acknowledges each after `rttUs`, and returns the last rate. */
function steady(sampler: RateSampler, gapUs: number, rttUs: number, count: number): number | null {
  const packets = Array.from({ length: count }, (_, i) => sentAt(i * gapUs));
  const perRtt = Math.ceil(rttUs / gapUs);
  let rate: number | null = null;
  for (let i = 0; i < count + perRtt; i++) {
    const acked = i - perRtt;
    if (acked >= 0) {
      sampler.begin();
      sampler.onAcked(packets[acked]!, packets[acked]!.sentAtUs + rttUs);
      rate = sampler.finish(rttUs);
    }
    if (i < count) sampler.onSent(packets[i]!, Math.min(i, perRtt) * BYTES);
  }
  return rate;
}

describe('the delivery-rate sampler (draft-ietf-ccwg-bbr §4.1.2)', () => {
  it('measures a steady flow at its rate', () => {
    // 1000 bytes a millisecond.
    expect(steady(new RateSampler(), 1_000, 50_000, 500)).toBeCloseTo(8e6, -1);
  });

  it('takes the slower of sending and acknowledging: compressed ACKs do not inflate it', () => {
    const sampler = new RateSampler();
    const packets = [0, 10_000, 20_000, 30_000].map(sentAt);
    packets.forEach((each, i) => {
      sampler.onSent(each, i * BYTES);
    });
    sampler.begin();
    for (const each of packets) sampler.onAcked(each, 80_000);
    // 4 packets, not in the 0 µs between their ACKs but in the 80 ms since the first was sent.
    expect(sampler.finish(50_000)).toBeCloseTo((4 * BYTES * 8e6) / 80_000, 6);
    expect(sampler).toMatchObject({
      deliveredBytes: 4 * BYTES,
      priorDeliveredBytes: 0,
      newestSentAtUs: 30_000,
    });
  });

  it('gives no rate for an interval shorter than the minimum RTT', () => {
    const sampler = new RateSampler();
    const only = sentAt(0);
    sampler.onSent(only, 0);
    sampler.begin();
    sampler.onAcked(only, 10_000);
    expect(sampler.finish(50_000)).toBeNull();
  });

  it('gives no rate for an ACK of nothing', () => {
    const sampler = new RateSampler();
    sampler.begin();
    expect(sampler.finish(0)).toBeNull();
  });

  it('restarts its clock after idling', () => {
    const sampler = new RateSampler();
    steady(sampler, 1_000, 50_000, 100);
    const after = sentAt(10e6);
    sampler.onSent(after, 0);
    sampler.begin();
    sampler.onAcked(after, 10e6 + 50_000);
    expect(sampler.finish(50_000)).toBeCloseTo((BYTES * 8e6) / 50_000, 6);
  });

  it('marks packets as application-limited until the bubble has been delivered', () => {
    const sampler = new RateSampler();
    const packets = [0, 1, 2, 3].map((i) => sentAt(i * 1_000));
    sampler.onSent(packets[0]!, 0);
    sampler.onAppLimited(BYTES);
    sampler.onSent(packets[1]!, BYTES);
    expect(packets.map((each) => each.isAppLimited)).toEqual([false, true, false, false]);
    const acknowledge = (index: number): void => {
      sampler.begin();
      sampler.onAcked(packets[index]!, 60_000 + index);
      sampler.finish(50_000);
    };
    acknowledge(0);
    expect(sampler.isAppLimited).toBe(false);
    sampler.onSent(packets[2]!, BYTES);
    expect(packets[2]!.isAppLimited).toBe(true);
    acknowledge(1);
    expect(sampler.isAppLimited).toBe(true);
    sampler.onSent(packets[3]!, BYTES);
    expect(packets[3]!.isAppLimited).toBe(false);
  });
});
