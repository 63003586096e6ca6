/** FEC over real sockets and a real emulated path. */
import { expect, it } from 'vitest';
import { residualLoss } from '../../../src/main/probe/fec/theory.ts';
import { detailOf, measureOver } from '../emulated.ts';

const rs = { scheme: 'rs', k: 10, redundancy: 0.2, adaptive: false } as const;

it('over a clean path loses nothing, and both ends’ accounts agree', async () => {
  const plan = { mode: 'fec', durationMs: 1000, ratePerS: 200, fec: rs } as const;
  const { up, down } = detailOf(await measureOver({ delayMs: 5 }, plan), 'fec');
  for (const way of [up!, down!]) {
    expect(way).toMatchObject({ erasures: 0, unrecoverable: 0, late: 0, invalid: 0, residualLoss: 0 });
    expect(way.sentSource + way.skipped).toBe(200);
    expect(way.receivedSource).toBe(way.sentSource);
    expect(way.recovery).toBeNull();
  }
});

it('at 10 % iid loss with RS(10, 2): residual loss and theory agree within the binomial error', async () => {
  const plan = { mode: 'fec', durationMs: 5000, ratePerS: 500, packetBytes: 32, fec: rs } as const;
  const { up, down } = detailOf(await measureOver({ lossRatio: 0.1, delayMs: 2 }, plan), 'fec');
  for (const way of [up!, down!]) {
    expect(way.receivedSource + way.erasures).toBe(way.sentSource);
    expect(way.erasures).toBe(way.recovered + way.unrecoverable);
    const n = way.sentSource;
    expect(n).toBeGreaterThan(0);
    // Losses of one group are not independent of each other once repaired: k times the variance at most.
    expect(Math.abs(way.sourceLoss! - 0.1)).toBeLessThan(5 * Math.sqrt((2 * 0.1 * 0.9) / n));
    const theory = residualLoss('rs', { k: 10, r: 2 }, 0.1);
    expect(Math.abs(way.residualLoss! - theory)).toBeLessThan(
      5 * Math.sqrt((10 * theory * (1 - theory)) / n),
    );
    expect(way.recovery!).toBeGreaterThan(0.5);
    expect(way.extraDelayUs!.p95).toBeGreaterThan(0);
  }
});

it('with adaptive redundancy sends more repair where more is lost', async () => {
  const fec = { ...rs, redundancy: 0.1, adaptive: true };
  const plan = { mode: 'fec', durationMs: 3000, ratePerS: 300, packetBytes: 32, fec } as const;
  const { up, down } = detailOf(await measureOver({ lossRatio: 0.1 }, plan), 'fec');
  for (const way of [up!, down!]) expect(way.redundancy!).toBeGreaterThan(0.2);
});
