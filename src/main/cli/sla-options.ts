/** `--sla` and the limits that change it: gates for commands that measure something. */
import { Option } from 'commander';
import type { Gate } from '../../shared/report.ts';
import { type GateLimits, levelLimits, SLA_LEVELS, type SlaLevel, tellMissed } from '../../shared/sla.ts';
import { parseDuration, parseRate, parseRatio } from '../../shared/units.ts';
import { parseChoice, parseNumber } from './options.ts';
import { note, paint } from './output.ts';

export interface SlaFlags {
  sla?: SlaLevel;
  /** Microseconds. */
  slaRttP95?: number;
  slaLoss?: number;
  /** Bits per second. */
  slaThroughput?: number;
  slaErrors?: number;
}

/** A number alone is in Mbit/s, in which levels are told. */
const parseThroughput = (text: string): number =>
  /^\s*[\d.]+\s*$/.test(text)
    ? parseNumber(text, '--sla-throughput', { min: 0, max: 1e6 }) * 1e6
    : parseRate(text, '--sla-throughput');

export const slaLevelFlag = (): Option =>
  new Option('--sla <level>', `gates to be met, else exit 1: ${SLA_LEVELS.join(', ')}`).argParser((text) =>
    parseChoice(text, '--sla', SLA_LEVELS),
  );

export const slaFlags = (): Option[] => [
  slaLevelFlag(),
  new Option('--sla-rtt-p95 <time>', 'gate: p95 of the RTT at most, such as 50ms').argParser((text) =>
    parseDuration(text, '--sla-rtt-p95', 'ms'),
  ),
  new Option('--sla-loss <ratio>', 'gate: loss at most, such as 1% or 0.01').argParser((text) =>
    parseRatio(text, '--sla-loss'),
  ),
  new Option(
    '--sla-throughput <rate>',
    'gate: goodput at least, such as 500kbit; a number alone is Mbit/s',
  ).argParser(parseThroughput),
  new Option('--sla-errors <n>', 'gate: failed connections and streams at most').argParser((text) =>
    parseNumber(text, '--sla-errors', { min: 0, max: 1e9, integer: true }),
  ),
];

/** The level that was asked for, else `base`, with what single limits change of it. */
export function limitsOf(flags: SlaFlags, base: GateLimits = {}): GateLimits {
  const { sla, slaRttP95, slaLoss, slaThroughput, slaErrors } = flags;
  return {
    ...(sla === undefined ? base : levelLimits(sla, { fec: false })),
    ...(slaRttP95 !== undefined && { rttP95Us: slaRttP95 }),
    ...(slaLoss !== undefined && { lossRatio: slaLoss }),
    ...(slaThroughput !== undefined && { goodputBps: slaThroughput }),
    ...(slaErrors !== undefined && { errors: slaErrors }),
  };
}

/** Whether any limit was asked for. */
export const isJudged = (flags: SlaFlags): boolean => Object.keys(limitsOf(flags)).length > 0;

/** Says which gates were missed, and has the process exit with 1 then. */
export function tellGates(gates: readonly Gate[]): void {
  const missed = gates.filter(({ passed }) => !passed);
  for (const gate of missed) note(`${paint('red', 'missed', process.stderr)} ${tellMissed(gate)}`);
  if (missed.length > 0) process.exitCode = 1;
}

/** `gates: all 4 met`, `gates: 1 of 4 missed, 20 not measured`; nothing where there are none. */
export function gatesLine(gates: readonly Gate[]): string[] {
  if (gates.length === 0) return [];
  const absent = gates.filter(({ measured }) => measured === null).length;
  const missed = gates.filter(({ passed }) => !passed).length - absent;
  if (missed + absent === 0) return [`gates: all ${gates.length} met`];
  const measured = `${missed} of ${gates.length - absent} missed`;
  return [`gates: ${absent === 0 ? measured : `${measured}, ${absent} not measured`}`];
}
