/** The states of a controller as bands on the strip above the panels: named, coloured and, colour-blind safe, hatched. */
import type { Window } from './decimate.ts';
import type { Phase } from './trace.ts';

const HATCHES = ['none', 'rising', 'falling', 'dots', 'level', 'upright', 'cross'] as const;
export type Hatch = (typeof HATCHES)[number];

export interface PhaseStyle {
  /** As people read it: `ProbeBW: up`. */
  label: string;
  /** Where the band is too narrow for the label. */
  short: string;
  /** Index of the `--phase-n` token. */
  tone: number;
  hatch: Hatch;
}

/** By the state's name in lower case with hyphens; BBR's states are those of draft-ietf-ccwg-bbr §5.1.1. */
const KNOWN: Readonly<Record<string, PhaseStyle>> = {
  'slow-start': { label: 'Slow start', short: 'SS', tone: 0, hatch: 'rising' },
  'conservative-slow-start': { label: 'Conservative slow start', short: 'CSS', tone: 1, hatch: 'dots' },
  'congestion-avoidance': { label: 'Congestion avoidance', short: 'CA', tone: 2, hatch: 'none' },
  recovery: { label: 'Recovery', short: 'R', tone: 3, hatch: 'falling' },
  'application-limited': { label: 'Application limited', short: 'App', tone: 6, hatch: 'level' },
  startup: { label: 'Startup', short: 'St', tone: 0, hatch: 'rising' },
  drain: { label: 'Drain', short: 'Dr', tone: 1, hatch: 'falling' },
  'probe-bw': { label: 'ProbeBW', short: 'BW', tone: 2, hatch: 'none' },
  'probe-bw-cruise': { label: 'ProbeBW: cruise', short: 'Cr', tone: 2, hatch: 'none' },
  'probe-bw-refill': { label: 'ProbeBW: refill', short: 'Rf', tone: 4, hatch: 'dots' },
  'probe-bw-up': { label: 'ProbeBW: up', short: 'Up', tone: 0, hatch: 'upright' },
  'probe-bw-down': { label: 'ProbeBW: down', short: 'Dn', tone: 5, hatch: 'level' },
  'probe-rtt': { label: 'ProbeRTT', short: 'RTT', tone: 3, hatch: 'cross' },
};

/** `ProbeBW_UP`, `probe_bw_up` and `probe-bw-up` are one state. */
const keyOf = (state: string): string =>
  state
    .replace(/probe_?bw/i, 'probe-bw')
    .replace(/probe_?rtt/i, 'probe-rtt')
    .replaceAll(/[_\s:]+/g, '-')
    .toLowerCase();

/** How a state is shown; one that is not known, of another implementation, by its own name. */
export function styleOf(state: string): PhaseStyle {
  const known = KNOWN[keyOf(state)];
  if (known) return known;
  let hash = 0;
  for (const letter of state) hash = (hash * 31 + letter.codePointAt(0)!) % 1009;
  return {
    label: state,
    short: state.slice(0, 3),
    tone: hash % 7,
    hatch: HATCHES[1 + (hash % (HATCHES.length - 1))]!,
  };
}

export interface Band extends Window {
  state: string;
}

/** The phases that overlap the window, cut to it; the last one lasts until `endUs`. */
export function bandsOf(phases: readonly Phase[], { fromUs, toUs }: Window, endUs: number): Band[] {
  return phases.flatMap(({ fromUs: start, state }, index) => {
    const end = phases[index + 1]?.fromUs ?? endUs;
    return end > fromUs && start < toUs
      ? [{ state, fromUs: Math.max(start, fromUs), toUs: Math.min(end, toUs) }]
      : [];
  });
}

/** The states that occur, in order of their first occurrence, with the share of the time spent in each. */
export function statesOf(phases: readonly Phase[], endUs: number): { state: string; share: number }[] {
  const spent = new Map<string, number>();
  const whole = Math.max(1, endUs - (phases[0]?.fromUs ?? 0));
  phases.forEach(({ fromUs, state }, index) => {
    const end = phases[index + 1]?.fromUs ?? endUs;
    spent.set(state, (spent.get(state) ?? 0) + Math.max(0, end - fromUs));
  });
  return [...spent].map(([state, us]) => ({ state, share: us / whole }));
}
