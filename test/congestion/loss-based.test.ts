import { describe, expect, it } from 'vitest';
import { createController } from '../../src/main/congestion/index.ts';
import { lose, MSS, round, sample } from './support.ts';

/** Without PRR, so that a reduction shows at once; prr.test.ts is about PRR. */
const make = (name: string, parameters = {}, datagramBytes = MSS) =>
  createController(name, { random: () => 0.5, datagramBytes, parameters: { PRR: 0, ...parameters } });

describe.each(['newreno', 'cubic'])('%s, as RFC 9002 §7 asks of any window', (name) => {
  it('starts with ten packets, at most 14720 bytes, and at least two packets', () => {
    expect(make(name).cwnd).toBe(12_000);
    expect(make(name, {}, 1472).cwnd).toBe(14_720);
    expect(make(name, {}, 1500).cwnd).toBe(14_720);
    expect(make(name, {}, 9000).cwnd).toBe(18_000);
    expect(make(name, { InitialWindow: 32 }).cwnd).toBe(32 * MSS);
  });

  it('grows in slow start by what was acknowledged', () => {
    const controller = make(name);
    controller.onAck(sample({ nowUs: 1e6, ackedBytes: 3000 }));
    expect(controller.cwnd).toBe(15_000);
    expect(controller.snapshot()).toMatchObject({ name, state: 'slow-start', ssthresh: null });
  });

  it('reduces once per round trip: losses of packets sent before the reduction are part of it', () => {
    const controller = make(name, { InitialWindow: 100 });
    lose(controller, 1_000_000, 900_000);
    const reduced = controller.cwnd;
    expect(controller.snapshot()).toMatchObject({ state: 'recovery', ssthresh: reduced });
    lose(controller, 1_050_000, 1_000_000);
    expect(controller.cwnd).toBe(reduced);
    lose(controller, 1_200_000, 1_000_001);
    expect(controller.cwnd).toBeLessThan(reduced);
  });

  it('does not grow in recovery, which a packet sent in it ends', () => {
    const controller = make(name, { InitialWindow: 100 });
    lose(controller, 1_000_000, 900_000);
    const reduced = controller.cwnd;
    controller.onAck(sample({ nowUs: 1_090_000, ackedBytes: 6000, largestAckedSentAtUs: 1_000_000 }));
    expect(controller.cwnd).toBe(reduced);
    expect(controller.snapshot().state).toBe('recovery');
    controller.onAck(sample({ nowUs: 1_110_000, ackedBytes: MSS, largestAckedSentAtUs: 1_000_001 }));
    expect(controller.snapshot().state).toBe('congestion-avoidance');
  });

  it('never falls below two packets', () => {
    const controller = make(name);
    for (let i = 1; i < 20; i++) lose(controller, i * 1e6, i * 1e6 - 1000);
    expect(controller.cwnd).toBe(2 * MSS);
  });

  it('falls to two packets on persistent congestion and slow-starts from there to ssthresh', () => {
    const controller = make(name, { InitialWindow: 100 });
    lose(controller, 1e6, 0.9e6);
    const { ssthresh } = controller.snapshot();
    controller.onPersistentCongestion(1e6);
    expect(controller.snapshot()).toMatchObject({ state: 'slow-start', cwnd: 2 * MSS, ssthresh });
    let now = 1e6;
    for (let i = 0; i < 4; i++) now = round(controller, now);
    expect(controller.cwnd).toBe(32 * MSS);
    for (let i = 0; i < 2; i++) now = round(controller, now);
    expect(controller.snapshot().state).toBe('congestion-avoidance');
    expect(controller.cwnd).toBeLessThan(ssthresh! + 3 * MSS);
  });

  it('takes a reduction back once, when its losses turn out to be none, unless told not to', () => {
    for (const [SpuriousUndo, windows] of [
      [1, 100],
      [0, name === 'cubic' ? 70 : 50],
    ] as const) {
      const controller = make(name, { InitialWindow: 100, SpuriousUndo });
      lose(controller, 1e6, 0.9e6);
      controller.onSpuriousLoss(1.05e6);
      expect(controller.cwnd).toBe(windows * MSS);
      lose(controller, 2e6, 1.9e6);
      controller.onPersistentCongestion(2e6);
      controller.onSpuriousLoss(2.05e6);
      expect(controller.cwnd).toBe(2 * MSS);
    }
  });

  it('keeps a window that has outgrown the one before the spurious loss', () => {
    const controller = make(name, { InitialWindow: 10 });
    lose(controller, 1e6, 0.9e6);
    let now = 1.2e6;
    for (let i = 0; i < 60; i++) now = round(controller, now);
    const { cwnd, ssthresh } = controller.snapshot();
    expect(cwnd).toBeGreaterThan(10 * MSS);
    controller.onSpuriousLoss(now);
    expect(controller.snapshot()).toMatchObject({ cwnd, ssthresh });
  });

  it('does not grow while the application leaves the window unused', () => {
    const controller = make(name);
    const { cwnd } = controller;
    for (let i = 1; i <= 100; i++) {
      controller.onAppLimited(i * 1e5, MSS);
      controller.onAck(sample({ nowUs: i * 1e5, ackedBytes: MSS, isAppLimited: true, priorInFlight: MSS }));
    }
    expect(controller.cwnd).toBe(cwnd);
    // A burst that filled the window after such a time counts.
    controller.onAck(sample({ nowUs: 2e7, ackedBytes: MSS, isAppLimited: true, priorInFlight: cwnd }));
    expect(controller.cwnd).toBe(cwnd + MSS);
  });

  it('does not grow while something else than the network holds the sender back, flow control or its own slowness', () => {
    const controller = make(name);
    const cwnd = controller.cwnd;
    for (let i = 1; i <= 100; i++) {
      const priorInFlight = Math.floor(cwnd / 2) - 1;
      controller.onAck(sample({ nowUs: i * 1e5, ackedBytes: MSS, isAppLimited: false, priorInFlight }));
    }
    expect(controller.cwnd).toBe(cwnd);
  });

  it('paces at twice the window per RTT in slow start, at 1.25 times after it, and not before an RTT is known', () => {
    const controller = make(name);
    expect(controller.pacingBps).toBeNull();
    controller.onAck(sample({ nowUs: 1e6, ackedBytes: 3000, smoothedRttUs: 50_000 }));
    expect(controller.pacingBps).toBeCloseTo((2 * 15_000 * 8) / 0.05, 3);
    lose(controller, 1.1e6, 1.05e6);
    expect(controller.pacingBps! / ((controller.snapshot().cwnd * 8) / 0.05)).toBeCloseTo(1.25, 3);
  });

  it('lets bursts be a millisecond long, between two packets and 64 KB', () => {
    const controller = make(name, { InitialWindow: 100 });
    expect(controller.sendQuantum).toBe(2 * MSS);
    controller.onAck(sample({ nowUs: 1e6, ackedBytes: MSS, smoothedRttUs: 100_000 }));
    expect(controller.sendQuantum).toBeCloseTo((2 * 101 * MSS) / 100, 6);
    controller.onAck(sample({ nowUs: 1e6, ackedBytes: MSS, smoothedRttUs: 1_000 }));
    expect(controller.sendQuantum).toBe(65_536);
  });

  it('follows a new datagram size: the initial window anew, a window in use only up to the minimum', () => {
    const fresh = make(name);
    fresh.onDatagramSize(1400);
    expect(fresh.cwnd).toBe(14_000);
    const used = make(name);
    used.onAck(sample({ nowUs: 1e6, ackedBytes: 100 }));
    used.onDatagramSize(1400);
    expect(used.cwnd).toBe(12_100);
    used.onDatagramSize(9000);
    expect(used.cwnd).toBe(18_000);
  });
});

describe('NewReno (RFC 9002 §7.3)', () => {
  it('halves the window on a loss', () => {
    const controller = make('newreno', { InitialWindow: 100 });
    lose(controller, 1e6, 0.9e6);
    expect(controller.cwnd).toBe(50 * MSS);
  });

  it('grows by one packet per round trip in congestion avoidance', () => {
    const controller = make('newreno', { InitialWindow: 100 });
    lose(controller, 1e6, 0.9e6);
    let now = 1.2e6;
    for (let i = 1; i <= 20; i++) {
      now = round(controller, now);
      expect(controller.cwnd / MSS).toBeCloseTo(50 + i, 0);
    }
  });

  it('spends an ACK that crosses ssthresh partly on each side of it', () => {
    const controller = make('newreno');
    lose(controller, 1e6, 0.9e6);
    controller.onPersistentCongestion(1e6);
    controller.onAck(sample({ nowUs: 2e6, ackedBytes: 5 * MSS }));
    // 2 → 5 packets in slow start; the other two are the beginning of a window of five.
    expect(controller.cwnd).toBe(5 * MSS);
    controller.onAck(sample({ nowUs: 2e6, ackedBytes: 2.9 * MSS }));
    expect(controller.cwnd).toBe(5 * MSS);
    controller.onAck(sample({ nowUs: 2e6, ackedBytes: 0.2 * MSS }));
    expect(controller.cwnd).toBe(6 * MSS);
  });
});
