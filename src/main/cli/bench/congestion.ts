/**
 * `routelab bench congestion`: controllers and simulator against what is known of them (cases.ts), and the simulator against
 * real transfers over the same paths (carriers.ts).
 */
import { availableParallelism } from 'node:os';
import { createAuthority, issueCertificate } from '../../quic/tls/authority.ts';
import { SimulationPool } from '../../workers/simulation-pool.ts';
import { progress } from '../output.ts';
import { compareCarriers, pairsOf } from './carriers.ts';
import { congestionCases, payloadShares, simulateCase, startupBandwidth } from './cases.ts';
import type { Row } from './rows.ts';

/** Of each transfer that payload shares are taken from. */
const SHARES_MS = 2000;

export const CONGESTION_PARTS = ['cases', 'carriers'] as const;

export interface CongestionBenchOptions {
  /** Of each real transfer; a quarter of it is warm-up. */
  durationMs: number;
  /** One seed for each case, and one path under one controller. */
  quick: boolean;
  /** Null for all. */
  only: (typeof CONGESTION_PARTS)[number] | null;
}

export async function benchCongestion({ durationMs, quick, only }: CongestionBenchOptions): Promise<Row[]> {
  const authority = await createAuthority(Date.now());
  const names = ['localhost', '127.0.0.1'];
  const { certPem, keyPem } = await issueCertificate(authority, { names, days: 1, nowMs: Date.now() });
  const identity = { certificate: certPem, privateKey: keyPem, ca: authority.certPem };
  const cases = only === 'carriers' ? [] : congestionCases();
  const pairs = only === 'cases' ? [] : pairsOf(quick);
  const bar = progress('congestion', cases.length + pairs.length);
  let done = 0;
  const step = (now: string): void => bar.update(++done, now);
  const pool = new SimulationPool(availableParallelism());
  const rowsOf = async (each: (typeof cases)[number]): Promise<Row[]> => {
    if (each.kind === 'sim') return simulateCase(each, quick ? 1 : each.seeds, pool);
    return each.id === 'S23' ? [await startupBandwidth(pool)] : [];
  };
  try {
    const rows = await Promise.all(
      cases.map(async (each) => {
        const found = await rowsOf(each);
        step(each.id);
        return found;
      }),
    );
    // Real packets, once the simulations leave them room.
    for (const each of cases)
      if (each.kind === 'other' && each.id === 'S24')
        rows.push(await payloadShares(each, identity, SHARES_MS));
    const warmupS = durationMs / 4000;
    rows.push(await compareCarriers(pairs, { warmupS, durationS: durationMs / 1000, identity, step }));
    return rows.flat();
  } finally {
    bar.stop();
    await pool.close();
  }
}
