/** BBR in the bands of shared ground truth: 100 Mbit/s, figures from the tenth second on, figures of goodput over the possible. */
import { describe, expect, it } from 'vitest';
import { Rng } from '../../../src/main/path/rng.ts';
import { runBottleneck } from '../bottleneck.ts';

function mean(seeds: number, rttMs: number, bufferBytes: number, lossRatio: number, controller = 'bbr3') {
  let goodput = 0;
  let queueMs = 0;
  for (let seed = 1; seed <= seeds; seed++) {
    const rng = Rng.fromSeed(seed);
    const { utilization, meanRttMs } = runBottleneck({
      controller,
      rateBps: 100e6,
      rttMs,
      bufferBytes,
      durationS: 60,
      warmupS: 10,
      drop: () => rng.float() < lossRatio,
    });
    goodput += utilization / seeds;
    // What is not propagation nor the serialisation of one packet.
    queueMs += (meanRttMs - rttMs - 0.11) / seeds;
  }
  return { goodput, queueMs };
}

describe('BBRv3 against ground truth', () => {
  it('S20: holds its rate at 1 % loss, which is below LossThresh', () => {
    const { goodput } = mean(3, 100, 1_250_000, 0.01);
    expect(goodput).toBeGreaterThan(0.5);
    expect(goodput).toBeLessThan(0.98);
  });

  it('S21: gives way at 3 %, which is above it', () => {
    const { goodput } = mean(5, 100, 1_250_000, 0.03);
    expect(goodput).toBeGreaterThan(0.01);
    expect(goodput).toBeLessThan(0.35);
  });

  it('S22: fills a link of one BDP of buffer with hardly a queue', () => {
    const { goodput, queueMs } = mean(1, 40, 500_000, 0);
    expect(goodput).toBeGreaterThan(0.95);
    expect(goodput).toBeLessThan(0.995);
    expect(queueMs).toBeGreaterThan(0);
    expect(queueMs).toBeLessThan(8);
  });
});
