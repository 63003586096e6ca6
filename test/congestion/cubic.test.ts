import { describe, expect, it } from 'vitest';
import { createController } from '../../src/main/congestion/index.ts';
import { lose, MSS, round, sample } from './support.ts';

const C = 0.4;
const BETA = 0.7;

const make = (parameters: Record<string, number> = {}) =>
  createController('cubic', {
    random: () => 0.5,
    datagramBytes: MSS,
    parameters: { InitialWindow: 100, HyStart: 0, PRR: 0, ...parameters },
  });

/** Runs a window of `packets` into a loss at 10 s; the epoch starts with the next ACK. */
function afterLossAt(packets: number, parameters: Record<string, number> = {}) {
  const controller = make(parameters);
  controller.onAck(sample({ nowUs: 1e6, ackedBytes: (packets - 100) * MSS }));
  expect(controller.cwnd).toBe(packets * MSS);
  lose(controller, 10e6, 9.9e6);
  return controller;
}

describe('CUBIC (RFC 9438)', () => {
  it('reduces the window to 0.7 of itself', () => {
    expect(afterLossAt(200).cwnd).toBe(140 * MSS);
  });

  it('follows W_cubic(t) = C (t − K)³ + W_max, concave to the old maximum and convex beyond it', () => {
    const wMax = 2000;
    const controller = afterLossAt(wMax);
    const k = Math.cbrt((wMax * (1 - BETA)) / C);
    const start = 10.2e6;
    let now = start;
    while (now < start + (k + 4) * 1e6) {
      now = round(controller, now);
      const t = (now - start) / 1e6;
      // The window aims at the curve one RTT ahead: it lies between the curve now and then.
      const w = (at: number): number => C * (at - k) ** 3 + wMax;
      expect(controller.cwnd / MSS).toBeGreaterThan(w(t) - 2);
      expect(controller.cwnd / MSS).toBeLessThan(w(t + 0.1) + 2);
    }
  });

  it('is at the old maximum after K seconds, whatever the RTT', () => {
    for (const rttUs of [20_000, 100_000, 200_000]) {
      const controller = afterLossAt(5000);
      const k = Math.cbrt((5000 * 0.3) / C);
      let now = 10.2e6;
      while (now < 10.2e6 + k * 1e6) now = round(controller, now, rttUs);
      expect(controller.cwnd / MSS / 5000).toBeCloseTo(1, 2);
    }
  });

  it('is as fast as Reno where the curve is slower (α = 3 (1 − β) / (1 + β), then 1)', () => {
    const controller = afterLossAt(120);
    const alpha = (3 * (1 - BETA)) / (1 + BETA);
    let now = 10.2e6;
    let previous = controller.cwnd;
    // RTT 1 ms: hardly any time passes on the curve.
    for (let i = 0; i < 20; i++) {
      now = round(controller, now, 1_000);
      expect((controller.cwnd - previous) / MSS).toBeCloseTo(alpha, 1);
      previous = controller.cwnd;
    }
    while (controller.cwnd < 121 * MSS) now = round(controller, now, 1_000);
    previous = controller.cwnd;
    now = round(controller, now, 1_000);
    expect((controller.cwnd - previous) / MSS).toBeCloseTo(1, 1);
  });

  it('grows by at most half the window in a round trip', () => {
    const controller = afterLossAt(200);
    controller.onAck(sample({ nowUs: 10.2e6, ackedBytes: MSS }));
    const before = controller.cwnd;
    controller.onAck(sample({ nowUs: 1000e6, ackedBytes: before }));
    expect(controller.cwnd / before).toBeLessThanOrEqual(1.5 + 1e-9);
  });

  it('lowers the plateau when a loss comes below the last maximum (fast convergence), unless told not to', () => {
    for (const [fastConvergence, plateau] of [
      [1, (700 * (1 + BETA)) / 2],
      [0, 700],
    ] as const) {
      const controller = afterLossAt(1000, { FastConvergence: fastConvergence });
      lose(controller, 11e6, 10.9e6);
      expect(controller.cwnd).toBe(490 * MSS);
      const k = Math.cbrt((plateau - 490) / C);
      let now = 11.2e6;
      while (now < 11.2e6 + k * 1e6) now = round(controller, now);
      expect(controller.cwnd / MSS / plateau).toBeCloseTo(1, 1);
    }
  });

  it('does not count the time in which the application left the window unused', () => {
    const idle = afterLossAt(1000);
    const busy = afterLossAt(1000);
    let now = 10.2e6;
    for (let i = 0; i < 10; i++) {
      round(idle, now);
      now = round(busy, now);
    }
    expect(idle.cwnd).toBe(busy.cwnd);
    idle.onAppLimited(now, 0);
    // A minute later the flow goes on where it was.
    round(idle, now + 60e6);
    round(busy, now);
    expect(Math.abs(idle.cwnd - busy.cwnd) / MSS).toBeLessThan(1);
  });

  it('starts from a plateau, not from the old maximum, after persistent congestion (§4.8)', () => {
    const controller = afterLossAt(1000);
    controller.onPersistentCongestion(10e6);
    let now = 11e6;
    while (controller.snapshot().state === 'slow-start') now = round(controller, now);
    const start = controller.cwnd / MSS;
    expect(start).toBeCloseTo(700, -1);
    const startedAt = now;
    for (let i = 0; i < 30; i++) now = round(controller, now);
    const t = (now - startedAt) / 1e6;
    const reno = start + 30 * ((3 * (1 - BETA)) / (1 + BETA));
    expect(controller.cwnd / MSS).toBeCloseTo(Math.max(C * t ** 3 + start, reno), -1);
  });

  it('goes on along its old curve when the losses turn out to be none (§4.9.2)', () => {
    const disturbed = afterLossAt(1000, { PRR: 1 });
    const calm = afterLossAt(1000, { PRR: 1 });
    let now = 10.2e6;
    for (let i = 0; i < 20; i++) {
      round(disturbed, now);
      now = round(calm, now);
    }
    lose(disturbed, now, now - 50_000);
    expect(disturbed.snapshot().state).toBe('recovery');
    disturbed.onSpuriousLoss(now);
    expect(disturbed.snapshot()).toEqual(calm.snapshot());
    for (let i = 0; i < 20; i++) {
      round(disturbed, now);
      now = round(calm, now);
      expect(disturbed.cwnd).toBe(calm.cwnd);
    }
  });
});
