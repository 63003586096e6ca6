/** Windows in steady state against theory, with the real recovery and pacer, in virtual time. */
import { describe, expect, it } from 'vitest';
import { runBottleneck } from './bottleneck.ts';

/** Losses so far apart that theory's deterministic model holds, on a link that is never full. */
const everyNth = (n: number) => (i: number) => i % n === n - 1;

describe('on a link that is never full', () => {
  it.each([1, 2])(
    'NewReno’s mean window is √(3 / 2p) packets (Mathis 1997), with an ACK for every %i',
    (ackEvery) => {
      const { packetsPerRtt } = runBottleneck({
        controller: 'newreno',
        rateBps: 1e9,
        rttMs: 100,
        bufferBytes: 12.5e6,
        durationS: 120,
        warmupS: 20,
        drop: everyNth(1000),
        ackEvery,
      });
      // Theory, 38.7, has no recovery period. One round trip without growth makes it 37.7, a delayed ACK’s longer RTT 37.2.
      expect(packetsPerRtt).toBeGreaterThan(37);
      expect(packetsPerRtt).toBeLessThan(40.5);
    },
  );

  it('CUBIC’s mean window is 1.054 (RTT / p)^¾ packets (RFC 9438 §5)', () => {
    const { packetsPerRtt } = runBottleneck({
      controller: 'cubic',
      rateBps: 1e9,
      rttMs: 100,
      bufferBytes: 12.5e6,
      durationS: 120,
      warmupS: 20,
      drop: everyNth(10_000),
    });
    const theory = 1.054 * (0.1 * 10_000) ** 0.75;
    expect(packetsPerRtt / theory).toBeGreaterThan(0.86);
    expect(packetsPerRtt / theory).toBeLessThan(1.09);
  });

  it('CUBIC in the Reno-friendly region is as large as Reno (RFC 9438 §4.3)', () => {
    const { packetsPerRtt } = runBottleneck({
      controller: 'cubic',
      rateBps: 1e9,
      rttMs: 10,
      bufferBytes: 1.25e6,
      durationS: 20,
      warmupS: 4,
      drop: everyNth(10_000),
    });
    // The curve alone would give 33.
    expect(packetsPerRtt).toBeGreaterThan(115);
    expect(packetsPerRtt).toBeLessThan(130);
  });
});

describe('at a bottleneck with a queue', () => {
  it('NewReno fills a link with a buffer of one BDP, at 14/9 of the base RTT', () => {
    const { utilization, meanRttMs } = runBottleneck({
      controller: 'newreno',
      rateBps: 20e6,
      rttMs: 40,
      bufferBytes: 100_000,
      durationS: 60,
      warmupS: 10,
    });
    expect(utilization).toBeGreaterThan(0.965);
    expect(meanRttMs / 40).toBeGreaterThan(1.3);
    expect(meanRttMs / 40).toBeLessThan(1.72);
  });

  it('NewReno paced through a tenth of a BDP of buffer reaches what AIMD theory says', () => {
    const { utilization } = runBottleneck({
      controller: 'newreno',
      rateBps: 50e6,
      rttMs: 40,
      bufferBytes: 25_000,
      durationS: 40,
      warmupS: 10,
    });
    expect(utilization).toBeGreaterThan(0.7);
    expect(utilization).toBeLessThan(0.86);
  });

  it('CUBIC keeps the queue of a bloated buffer almost full', () => {
    const { utilization, meanRttMs } = runBottleneck({
      controller: 'cubic',
      rateBps: 10e6,
      rttMs: 40,
      bufferBytes: 1_514_000,
      durationS: 120,
      warmupS: 10,
    });
    expect(utilization).toBeGreaterThan(0.97);
    expect(meanRttMs).toBeGreaterThan(950);
    expect(meanRttMs).toBeLessThan(1200);
  });

  it('HyStart++ leaves slow start before a buffer of sixteen BDP overflows', () => {
    const lost = (hyStart: number): number =>
      runBottleneck({
        controller: 'cubic',
        parameters: { HyStart: hyStart },
        rateBps: 100e6,
        rttMs: 40,
        bufferBytes: 8e6,
        durationS: 3,
        warmupS: 0,
      }).recovery.stats.packetsLost;
    expect(lost(0)).toBeGreaterThan(1000);
    expect(lost(1)).toBe(0);
  });

  it('never sends more than a quantum at one instant', () => {
    for (const controller of ['newreno', 'cubic']) {
      const { largestBurst } = runBottleneck({
        controller,
        rateBps: 20e6,
        rttMs: 40,
        bufferBytes: 100_000,
        durationS: 20,
        warmupS: 1,
      });
      expect(largestBurst).toBeLessThanOrEqual(3);
    }
  });

  it.each(['newreno', 'cubic'])(
    '%s fills a link that reorders, since losses that were none are undone',
    (controller) => {
      const run = (SpuriousUndo: number) =>
        runBottleneck({
          controller,
          parameters: { SpuriousUndo },
          rateBps: 50e6,
          rttMs: 40,
          bufferBytes: 250_000,
          durationS: 20,
          warmupS: 2,
          // Overtaken by some ten packets.
          late: (n) => (n % 500 === 499 ? 2_000 : 0),
        });
      const undone = run(1);
      expect(undone.recovery.stats.spuriousLosses).toBeGreaterThan(100);
      expect(undone.utilization).toBeGreaterThan(0.95);
      expect(run(0).utilization).toBeLessThan(0.75 * undone.utilization);
    },
  );

  it('comes back after four dead seconds, through probes and persistent congestion', () => {
    let least = Number.POSITIVE_INFINITY;
    const { recovery, utilization } = runBottleneck({
      controller: 'newreno',
      rateBps: 10e6,
      rttMs: 40,
      bufferBytes: 50_000,
      durationS: 30,
      warmupS: 15,
      drop: (_n, nowUs) => nowUs > 5e6 && nowUs < 9e6,
      observe: ({ cwnd }) => {
        least = Math.min(least, cwnd);
      },
    });
    expect(recovery.stats).toMatchObject({ persistentCongestions: 1 });
    expect(recovery.stats.ptoCount).toBeGreaterThan(3);
    expect(least).toBeLessThanOrEqual(3 * 1350);
    expect(utilization).toBeGreaterThan(0.95);
  });
});
