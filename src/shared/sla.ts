/** Gates: limits that a measurement is held against. One whose metric was not measured is missed. */
import { z } from 'zod';
import type { Metrics } from './experiments.ts';
import type { Gate } from './report.ts';

interface GateKind {
  title: string;
  /** Of a run's result. */
  metric: string;
  relation: Gate['relation'];
  /** As it is printed. */
  unit: string | null;
  perUnit: number;
  digits: number;
  most: number;
}

/** By their field; limits in the house's units: microseconds, bits per second, ratios. */
const KINDS = {
  rttP95Us: {
    title: 'RTT p95',
    metric: 'rtt_p95',
    relation: 'at most',
    unit: 'ms',
    perUnit: 1e3,
    digits: 3,
    most: 3600e6,
  },
  rttMeanUs: {
    title: 'RTT mean',
    metric: 'rtt_mean',
    relation: 'at most',
    unit: 'ms',
    perUnit: 1e3,
    digits: 3,
    most: 3600e6,
  },
  lossRatio: {
    title: 'Loss',
    metric: 'loss_ratio',
    relation: 'at most',
    unit: '%',
    perUnit: 0.01,
    digits: 3,
    most: 1,
  },
  goodputBps: {
    title: 'Goodput',
    metric: 'goodput_up',
    relation: 'at least',
    unit: 'Mbit/s',
    perUnit: 1e6,
    digits: 3,
    most: 1e12,
  },
  errors: {
    title: 'Errors',
    metric: 'errors',
    relation: 'at most',
    unit: null,
    perUnit: 1,
    digits: 0,
    most: 1e9,
  },
  fecRedundancy: {
    title: 'FEC redundancy',
    metric: 'fec_redundancy',
    relation: 'at most',
    unit: null,
    perUnit: 1,
    digits: 3,
    most: 1,
  },
  fecRecovery: {
    title: 'FEC recovery',
    metric: 'fec_recovery',
    relation: 'at least',
    unit: null,
    perUnit: 1,
    digits: 3,
    most: 1,
  },
} as const satisfies Record<string, GateKind>;
type GateName = keyof typeof KINDS;
const NAMES = Object.keys(KINDS) as GateName[];

export const GateLimits = z
  .strictObject(
    Object.fromEntries(NAMES.map((name) => [name, z.number().min(0).max(KINDS[name].most)])) as Record<
      GateName,
      z.ZodNumber
    >,
  )
  .partial();
export type GateLimits = z.infer<typeof GateLimits>;

export const SLA_LEVELS = ['default', 'strict', 'lenient'] as const;
export type SlaLevel = (typeof SLA_LEVELS)[number];

const level = (
  [rttP95Ms, rttMeanMs, lossPercent, goodputMbps]: [number, number, number, number],
  [fecRedundancy, fecRecovery]: [number, number],
) => ({
  rttP95Us: rttP95Ms * 1e3,
  rttMeanUs: rttMeanMs * 1e3,
  lossRatio: lossPercent / 100,
  goodputBps: goodputMbps * 1e6,
  fecRedundancy,
  fecRecovery,
});

const LEVELS: Readonly<Record<SlaLevel, GateLimits>> = {
  default: level([100, 50, 1, 10], [0.2, 0.8]),
  strict: level([50, 25, 0.1, 50], [0.1, 0.9]),
  lenient: level([500, 200, 5, 1], [0.5, 0.5]),
};

/** The limits of a level. Gates of FEC are there only where datagrams are protected: else nothing could meet them. */
export function levelLimits(name: SlaLevel, { fec }: { fec: boolean }): GateLimits {
  const { fecRedundancy, fecRecovery, ...limits } = LEVELS[name];
  return fec ? LEVELS[name] : limits;
}

/** Those limits of FEC alone. */
export function fecLimits(name: SlaLevel): GateLimits {
  const { fecRedundancy, fecRecovery } = LEVELS[name];
  return { fecRedundancy, fecRecovery };
}

/** `limits` without what packets with FEC gave no occasion to meet or miss: where none was lost, none was to be recovered. */
export function withOccasion(limits: GateLimits, { sent, lost }: { sent: number; lost: number }): GateLimits {
  const { fecRecovery, ...others } = limits;
  return sent > 0 && lost === 0 ? others : limits;
}

/** One gate for each limit, judged by what `metrics` say; `of` names what is judged where there are several. */
export function judge(limits: GateLimits, metrics: Metrics | null, of = ''): Gate[] {
  return NAMES.flatMap((name) => {
    const limit = limits[name];
    if (limit === undefined) return [];
    const { title, metric, relation, unit, perUnit, digits } = KINDS[name];
    const measured = metrics?.[metric]?.value ?? null;
    const passed = measured !== null && (relation === 'at most' ? measured <= limit : measured >= limit);
    const shown = (value: number): number => Number((value / perUnit).toFixed(9));
    return [
      {
        title: of === '' ? title : `${of}: ${title}`,
        metric,
        relation,
        limit: shown(limit),
        measured: measured === null ? null : shown(measured),
        unit,
        digits,
        passed,
      },
    ];
  });
}

/** For a person, of a gate that was missed: the gate, its limit and what was measured. */
export function tellMissed({ title, relation, limit, measured, unit, digits }: Gate): string {
  const of = (value: string): string => (unit === null ? value : `${value} ${unit}`);
  const found = measured === null ? 'not measured' : `measured ${of(measured.toFixed(digits))}`;
  return `${title}: ${relation} ${of(String(limit))}, ${found}`;
}
