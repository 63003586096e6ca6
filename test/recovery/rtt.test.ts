import { describe, expect, it } from 'vitest';
import { RttEstimator } from '../../src/main/recovery/rtt.ts';

describe('RTT estimation (RFC 9002 §5)', () => {
  it('starts from an initial RTT of 333 ms and no sample', () => {
    const rtt = new RttEstimator();
    expect(rtt.hasSample).toBe(false);
    expect(rtt.smoothedUs).toBe(333_000);
    expect(rtt.varianceUs).toBe(166_500);
    // RFC 9002 §6.2.2: 1 s after 333 ms + 4 × 166.5 ms.
    expect(rtt.ptoBaseUs(0)).toBe(999_000);
  });

  it('takes the first sample as it is, whatever the ack delay', () => {
    const rtt = new RttEstimator();
    expect(rtt.update(80_000, 30_000, true, 25_000)).toBe(80_000);
    expect([rtt.latestUs, rtt.minUs, rtt.smoothedUs, rtt.varianceUs]).toEqual([
      80_000, 80_000, 80_000, 40_000,
    ]);
  });

  it('weighs a new sample 1/8 into the mean and its deviation 1/4 into the variance', () => {
    const rtt = new RttEstimator();
    rtt.update(80_000, 0, true, 25_000);
    rtt.update(120_000, 0, true, 25_000);
    expect(rtt.smoothedUs).toBe(85_000);
    expect(rtt.varianceUs).toBe(40_000);
    expect(rtt.minUs).toBe(80_000);
  });

  it('takes off the ack delay where that does not go below the minimum', () => {
    const rtt = new RttEstimator();
    rtt.update(80_000, 0, true, 25_000);
    expect(rtt.update(100_000, 15_000, true, 25_000)).toBe(85_000);
    expect(rtt.update(85_000, 10_000, true, 25_000)).toBe(85_000);
  });

  it('believes no more than max_ack_delay once the handshake is confirmed, and all of it before', () => {
    const before = new RttEstimator();
    before.update(80_000, 0, false, 25_000);
    expect(before.update(200_000, 100_000, false, 25_000)).toBe(100_000);
    const after = new RttEstimator();
    after.update(80_000, 0, true, 25_000);
    expect(after.update(200_000, 100_000, true, 25_000)).toBe(175_000);
  });

  it('keeps the minimum free of ack delay', () => {
    const rtt = new RttEstimator();
    rtt.update(80_000, 0, true, 25_000);
    rtt.update(70_000, 20_000, true, 25_000);
    expect(rtt.minUs).toBe(70_000);
  });

  it('adds at least the granularity of 1 ms, and max_ack_delay, to the PTO', () => {
    const rtt = new RttEstimator();
    for (let i = 0; i < 100; i++) rtt.update(10_000, 0, true, 25_000);
    expect(rtt.ptoBaseUs(0)).toBeCloseTo(11_000, 3);
    expect(rtt.ptoBaseUs(25_000)).toBeCloseTo(36_000, 3);
  });
});
