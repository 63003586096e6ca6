/** FEC over DATAGRAM frames: what its receiver counts and what a probe measures of it. docs/fec.md has the definitions. */
import { z } from 'zod';
import { Spread } from './spread.ts';

export const FEC_SCHEMES = ['xor', 'rs'] as const;
export const FecScheme = z.enum(FEC_SCHEMES);
export type FecScheme = z.infer<typeof FecScheme>;

const whole = z.number().int().min(0);

/** Of source packets: receivedSource + erasures are all whose group is closed; erasures = recovered + unrecoverable at any time. */
export const FecCounts = z.object({
  /** Before any repair gave them, and before their group was closed. */
  receivedSource: whole,
  receivedRepair: whole,
  erasures: whole,
  recovered: whole,
  unrecoverable: whole,
  /** That came after all, once recovered or once their group was closed. */
  late: whole,
  /** Of either kind, while their group was open. */
  duplicates: whole,
  /** Datagrams that no sender of this version makes. */
  invalid: whole,
});
export type FecCounts = z.infer<typeof FecCounts>;

/** One direction, as far as its sender and its receiver told. */
export const FecFigures = z.object({
  ...FecCounts.shape,
  sentSource: whole,
  sentRepair: whole,
  /** Source packets that the sender's connection did not take: nobody misses them. */
  skipped: whole,
  /** sentRepair / sentSource. */
  redundancy: z.number().nullable(),
  /** erasures / sentSource, unrecoverable / sentSource, recovered / erasures. */
  sourceLoss: z.number().nullable(),
  residualLoss: z.number().nullable(),
  recovery: z.number().nullable(),
  /** Residual loss if losses were independent, at the source loss measured and at the mean redundancy; null where that is unknown. */
  theoryResidualLoss: z.number().nullable(),
  /** What the emulated path is set to lose, and the theory for that; null where nobody says. */
  pathLoss: z.number().nullable().default(null),
  theoryAtPathLoss: z.number().nullable().default(null),
  /** Recovered packets, against the median of those that came: how much later the application has them. */
  extraDelayUs: Spread.nullable(),
});
export type FecFigures = z.infer<typeof FecFigures>;

/** What gates hold packets with FEC to, over several directions. */
export interface FecRatios {
  /** Repair packets for each source packet that their groups have a place for: what a last group lacks does not count. */
  redundancy: number | null;
  /** Of what was lost; null where nothing was. */
  recovery: number | null;
}

/** `k`: source packets of a group. */
export function fecRatios(k: number, ways: readonly FecFigures[]): FecRatios {
  const sum = (of: (way: FecFigures) => number): number => ways.reduce((all, way) => all + of(way), 0);
  const places = sum(({ sentSource }) => Math.ceil(sentSource / k) * k);
  const erasures = sum((way) => way.erasures);
  return {
    redundancy: places === 0 ? null : sum(({ sentRepair }) => sentRepair) / places,
    recovery: erasures === 0 ? null : sum(({ recovered }) => recovered) / erasures,
  };
}

/** Groups: of k source packets, with ceil(redundancy × k) repair packets each; at first, where that adapts. */
export const FecInput = z.strictObject({
  scheme: FecScheme,
  k: z.number().int().min(1).max(64),
  redundancy: z.number().min(0).max(1),
  adaptive: z.boolean(),
});
export type FecInput = z.infer<typeof FecInput>;

export const DEFAULT_FEC: Readonly<FecInput> = { scheme: 'rs', k: 10, redundancy: 0.2, adaptive: false };

/** Source packets, each way. */
export const DEFAULT_PACKETS = { perS: 100, bytes: 200 } as const;

/** Most repair packets per source packet where it adapts: what it begins with where nothing else is asked for. */
export const MOST_ADAPTIVE = 0.5;

const MOST_REPAIR = 32;
const MOST_SPAN_S = 10;

export const repairOf = ({ k, redundancy }: Pick<FecInput, 'k' | 'redundancy'>): number =>
  Math.ceil(redundancy * k - 1e-9);

/** What is wrong with settings that are each within their range; null where nothing is. */
export function fecFault(input: Omit<FecInput, 'scheme' | 'adaptive'> & { ratePerS: number }): string | null {
  const { k, ratePerS } = input;
  const r = repairOf(input);
  if (r > MOST_REPAIR) return `${r} repair packets for ${k}: at most ${MOST_REPAIR} are made`;
  if (ratePerS < 1) return `${ratePerS} packets/s are too few: at least 1`;
  if (k / ratePerS > MOST_SPAN_S)
    return `a group of ${k} at ${ratePerS} packets/s takes longer than ${MOST_SPAN_S} s`;
  return null;
}
