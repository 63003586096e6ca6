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

/** P(Bin(n, p) = hits). */
const binomial = (n: number, hits: number, p: number): number =>
  Array.from({ length: hits }, (_, i) => ((n - i) / (i + 1)) * (p / (1 - p))).reduce(
    (a, b) => a * b,
    (1 - p) ** n,
  );

/** Standard error of the residual loss of so many groups: source packets of one group are lost for good together. */
function residualError({ k, r }: { k: number; r: number }, p: number, groups: number): number {
  const [mean, square] = [1, 2].map((power) => {
    let sum = 0;
    for (let lost = 1; lost <= k; lost++)
      for (let repairs = Math.max(0, r + 1 - lost); repairs <= r; repairs++)
        sum += lost ** power * binomial(k, lost, p) * binomial(r, repairs, p);
    return sum;
  }) as [number, number];
  expect(mean / k).toBeCloseTo(residualLoss('rs', { k, r }, p), 12);
  return Math.sqrt((square - mean ** 2) / groups) / k;
}

it('at 10 % iid loss with RS(10, 2): residual loss and theory agree within the binomial error', async () => {
  const plan = { mode: 'fec', durationMs: 4000, ratePerS: 500, packetBytes: 32, fec: rs } as const;
  const result = await measureOver({ lossRatio: 0.1, delayMs: 2 }, plan);
  const { up, down } = detailOf(result, 'fec');
  for (const [way, vantage] of [
    [up!, 'client'],
    [down!, 'server'],
  ] as const) {
    expect(way.receivedSource + way.erasures).toBe(way.sentSource);
    expect(way.erasures).toBe(way.recovered + way.unrecoverable);
    const n = way.sentSource;
    expect(n).toBeGreaterThan(0);
    // A DATAGRAM frame a packet: those of a group that shared one would be lost together.
    const { packetsSent } = result.transport.find((each) => each.vantage === vantage)!;
    expect(packetsSent).toBeGreaterThanOrEqual(way.sentSource + way.sentRepair);
    // Each of these is missed by chance in one of 10⁵ runs.
    expect(Math.abs(way.sourceLoss! - 0.1)).toBeLessThan(4.5 * Math.sqrt((0.1 * 0.9) / n));
    const theory = residualLoss('rs', { k: 10, r: 2 }, 0.1);
    const error = residualError({ k: 10, r: 2 }, 0.1, n / 10);
    expect(Math.abs(way.residualLoss! - theory)).toBeLessThan(4.5 * error);
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
