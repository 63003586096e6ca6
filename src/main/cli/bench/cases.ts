/**
 * The agreement table of `bench congestion`: every case of resources/congestion-cases.json — published or computed results —
 * with our figure, and the band that it has to be in.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parseScenario } from '../../../shared/scenario.ts';
import { firstRateBps } from '../../simulate/bottleneck.ts';
import { type CaseMetrics, caseMetrics, meanMetrics } from '../../simulate/metrics.ts';
import type { SimulationPool } from '../../workers/simulation-pool.ts';
import { Endpoints, type Quic } from './context.ts';
import type { Identity } from './endpoint.ts';
import { figure, missing, type Reach, type Row } from './rows.ts';

const FILE = resolve(import.meta.dirname, '../../../../resources/congestion-cases.json');

interface SimCase {
  id: string;
  kind: 'sim';
  /** Where the expected figure is from. */
  source: string;
  scenario: { bottleneck: { rate_bps: number }; flows: { controller: string; rtt_ms: number }[] };
  /** Runs whose mean counts, with seeds that follow one another. */
  seeds: number;
  metric: string;
  expected: number | Record<string, number>;
  tolerance: { min: number; max: number } | { min: null; per_field: Record<string, [number, number]> };
}
interface PayloadCase {
  id: 'S24';
  kind: 'other';
  /** By UDP payload of a full packet: payload over datagram, IP packet and what an Ethernet carries. */
  expected: Record<string, [number, number, number]>;
  tolerance: { abs: number };
}
interface StateMachineCase {
  id: 'S23';
  kind: 'other';
}
type Case = SimCase | PayloadCase | StateMachineCase;

export const congestionCases = (): Case[] => JSON.parse(readFileSync(FILE, 'utf8')) as Case[];

const UNITS: Partial<Record<keyof CaseMetrics, string>> = {
  pkts_per_rtt: 'packets',
  rtt_mean: 'ms',
  rtt_p50: 'ms',
  qdelay: 'ms',
  t90: 's',
  t_drain: 's',
  t_up: 's',
  t_down: 's',
  rtt_peak_ms: 'ms',
};
/** How the metric of a case with one figure begins. */
const METRICS: readonly [string, keyof CaseMetrics][] = [
  ['gp', 'gp'],
  ['pkts_per_rtt', 'pkts_per_rtt'],
  ['median RTT ms', 'rtt_p50'],
  ['Jain index', 'jain'],
  ['BBR share', 'share'],
];

/** The figures a case is judged by, each with its band. */
export function bandsOf({ id, metric, tolerance, expected }: SimCase): {
  name: keyof CaseMetrics;
  reach: Reach;
  expected: number | null;
}[] {
  if ('per_field' in tolerance) {
    return Object.entries(tolerance.per_field).map(([name, [min, max]]) => ({
      name: name as keyof CaseMetrics,
      reach: { min, max },
      expected: (expected as Record<string, number>)[name]!,
    }));
  }
  const name = METRICS.find(([beginning]) => metric.startsWith(beginning))?.[1];
  if (name === undefined) throw new Error(`${id}: metric "${metric}" is not known`);
  const also = /also gp >= (\.\d+)/.exec(metric);
  return [
    { name, reach: { min: tolerance.min, max: tolerance.max }, expected: expected as number },
    ...(also ? [{ name: 'gp' as const, reach: { min: Number(also[1]) }, expected: null }] : []),
  ];
}

/** Rows of a case that is simulated, the mean of `seeds` runs at most. */
export async function simulateCase(simCase: SimCase, seeds: number, pool: SimulationPool): Promise<Row[]> {
  const { id, scenario } = simCase;
  const count = Math.min(seeds, simCase.seeds);
  const runs = await Promise.all(
    Array.from({ length: count }, async (_, i): Promise<CaseMetrics> => {
      const parsed = parseScenario({ ...scenario, seed: 1 + i });
      const { figures, trace } = await pool.run(parsed, { trace: true });
      return caseMetrics(parsed, figures, trace!);
    }),
  );
  const means = meanMetrics(runs);
  const flows = [...new Set(scenario.flows.map(({ controller }) => controller))].join(' and ');
  const rtts = [...new Set(scenario.flows.map(({ rtt_ms }) => rtt_ms))].join(' and ');
  const path = `${scenario.bottleneck.rate_bps / 1e6} Mbit/s, ${rtts} ms`;
  return bandsOf(simCase).map(({ name, reach, expected }) => {
    const title = `${id} ${flows}, ${path}: ${name}`;
    const unit = UNITS[name] ?? '';
    const value = means[name];
    if (value === null) return { ...missing(title, unit, 'did not come about', reach), ok: false };
    return {
      ...figure(title, value, unit, reach),
      note: expected === null ? shortSource(simCase) : `${expected}: ${shortSource(simCase)}`,
    };
  });
}

/** What the figures of cases are, for a line under their table. */
export const CASE_LEGEND =
  'gp: goodput over what the link carries of payload; pkts_per_rtt: mean window in packets; share: part of the goodput that ' +
  'BBR has; t90: seconds until 0.9 of the link is filled; jain: fairness, 1 is equal; after the figure: what is expected, and who says so';

/** The beginning of a source that is long enough to tell it. */
const shortSource = ({ source }: SimCase): string => {
  const [head] = source.split(/, |: |; | \(/);
  return head!.length < LEAST_SOURCE ? source : head!;
};
const LEAST_SOURCE = 6;

/** Case 1 of the draft's Appendix A asks for it; its steps and those of the 21 other cases are tests. */
const STARTUP = {
  duration_s: 5,
  bottleneck: { rate_bps: 50e6, buffer_bdp: 2 },
  flows: [{ controller: 'bbr3', rtt_ms: 40 }],
};
const MAX_BW_REACH = { min: 0.98, max: 1.02 };

/** What BBRv3 takes for the link's rate once its Startup is over, of what the link has for UDP payload. */
export async function startupBandwidth(pool: SimulationPool): Promise<Row> {
  const scenario = parseScenario(STARTUP);
  const { trace } = await pool.run(scenario, { trace: true });
  const { series } = trace!.flows[0]!;
  const left = series.phases.find(({ state }) => !/startup/i.test(state));
  const row = left === undefined ? -1 : series.tUs.findIndex((tUs) => tUs >= left.fromUs);
  const maxBw = series.bandwidthBps[row] ?? null;
  const name = 'S23 bbr3: max_bw after Startup over the link rate';
  if (maxBw === null) return { ...missing(name, '', 'Startup did not end', MAX_BW_REACH), ok: false };
  const payloadShare = scenario.datagram_bytes / (scenario.datagram_bytes + IP_UDP_HEADERS);
  return {
    ...figure(name, maxBw / (firstRateBps(scenario.bottleneck) * payloadShare), '', MAX_BW_REACH),
    note: 'the 22 cases of Appendix A: npm test',
  };
}

const IP_UDP_HEADERS = 28;
/** Ethernet's header and checksum, preamble and gap between frames. */
const ETHERNET = 38;

/** Payload shares of real packets: those of an upload over loopback. */
export async function payloadShares(
  { expected, tolerance }: PayloadCase,
  identity: Identity & { ca: string },
  durationMs: number,
): Promise<Row[]> {
  const endpoints = new Endpoints();
  try {
    const far: Quic = await endpoints.start('quic');
    const near: Quic = await endpoints.start('quic');
    const { port } = await far.listen({ ...identity, discover: false });
    const rows: Row[] = [];
    for (const [size, shares] of Object.entries(expected)) {
      const { sent } = await near.ask('flow', {
        port,
        ca: identity.ca,
        controller: 'cubic',
        datagramBytes: Number(size),
        warmupMs: durationMs / 4,
        durationMs,
      });
      const perPacket = { datagram: 0, 'IP packet': IP_UDP_HEADERS, wire: IP_UDP_HEADERS + ETHERNET };
      Object.entries(perPacket).forEach(([of, headers], i) => {
        const share = sent.streamBytes / (sent.bytes + headers * sent.packets);
        const [min, max] = [shares[i]! - tolerance.abs, shares[i]! + tolerance.abs];
        const row = figure(`S24 ${size} bytes: payload of ${of}`, share, '', { min, max });
        rows.push({ ...row, note: `expected ${shares[i]}` });
      });
    }
    return rows;
  } finally {
    endpoints.stop();
  }
}
