/**
 * The parameters of BBRv2 and BBRv3: one table, two columns of defaults. Names are the draft's where it has one,
 * those of its sections where it has a number only.
 */
import type { ParameterSpec } from '../controller.ts';
import { INITIAL_WINDOW } from '../initial-window.ts';

type Row = Omit<ParameterSpec, 'name' | 'default'>;

const TABLE = {
  StartupPacingGain: {
    unit: 'ratio',
    min: 2,
    max: 3.5,
    section: '§5.3.1.1',
    doc: 'Pacing gain in Startup: 4 ln 2 doubles the sending rate every round trip.',
  },
  DefaultCwndGain: {
    unit: 'ratio',
    min: 1.5,
    max: 3,
    section: '§2.6',
    doc: 'Window in Startup and Drain, as a multiple of the estimated BDP.',
  },
  DrainPacingGain: {
    unit: 'ratio',
    min: 0.3,
    max: 0.9,
    section: '§5.3.2',
    doc: 'Pacing gain in Drain; at or below the inverse of the Startup window gain it takes one round trip.',
  },
  ProbeBwUpPacingGain: {
    unit: 'ratio',
    min: 1.05,
    max: 1.5,
    section: '§5.3.3.5',
    doc: 'Pacing gain in ProbeBW_UP: how much more bandwidth is probed for.',
  },
  ProbeBwDownPacingGain: {
    unit: 'ratio',
    min: 0.6,
    max: 0.98,
    section: '§5.3.3.1',
    doc: 'Pacing gain in ProbeBW_DOWN: how fast the queue of a probe is drained.',
  },
  ProbeBwCruisePacingGain: {
    unit: 'ratio',
    min: 0.95,
    max: 1.05,
    section: '§5.3.3.2',
    doc: 'Pacing gain in ProbeBW_CRUISE.',
  },
  ProbeBwRefillPacingGain: {
    unit: 'ratio',
    min: 0.95,
    max: 1.05,
    section: '§5.3.3.3',
    doc: 'Pacing gain in ProbeBW_REFILL.',
  },
  ProbeBwCwndGain: {
    unit: 'ratio',
    min: 1.25,
    max: 3,
    section: '§5.6.1',
    doc: 'Window in ProbeBW except UP, as a multiple of the estimated BDP.',
  },
  ProbeBwUpCwndGain: {
    unit: 'ratio',
    min: 1.25,
    max: 3,
    section: '§5.3.3.5',
    doc: 'Window in ProbeBW_UP, as a multiple of the estimated BDP.',
  },
  LossThresh: {
    unit: 'percent',
    min: 0.5,
    max: 10,
    section: '§2.8',
    doc: 'Loss per round trip that is tolerated while probing for bandwidth.',
  },
  Beta: {
    unit: 'ratio',
    min: 0.5,
    max: 0.95,
    section: '§2.8',
    doc: 'What a round trip with loss leaves of the bounds on rate and volume, at least.',
  },
  Headroom: {
    unit: 'ratio',
    min: 0,
    max: 0.3,
    section: '§2.8',
    doc: 'Share of inflight_longterm left to others while cruising.',
  },
  FullBwThresh: {
    unit: 'ratio',
    min: 1.1,
    max: 1.5,
    section: '§5.3.1.2',
    doc: 'Growth of the delivery rate per round trip below which the pipe counts as full.',
  },
  FullBwRounds: {
    unit: 'rounds',
    min: 2,
    max: 6,
    section: '§5.3.1.2',
    doc: 'Round trips without that growth after which it does.',
  },
  StartupFullLossCnt: {
    unit: 'count',
    min: 2,
    max: 12,
    section: '§5.3.1.3',
    doc: 'Separate ranges lost in one round trip that, with LossThresh, end Startup.',
  },
  MaxBwFilterLen: {
    unit: 'count',
    min: 1,
    max: 4,
    section: '§2.11',
    doc: 'Cycles of ProbeBW over which max_bw is the maximum.',
  },
  MinRTTFilterLen: {
    unit: 'ms',
    min: 5_000,
    max: 30_000,
    section: '§2.16.1',
    doc: 'Time over which min_rtt is the minimum.',
  },
  ProbeRTTInterval: {
    unit: 'ms',
    min: 2_000,
    max: 20_000,
    section: '§2.16.2',
    doc: 'Time without a lower RTT after which ProbeRTT is entered.',
  },
  ProbeRTTDuration: {
    unit: 'ms',
    min: 50,
    max: 400,
    section: '§2.16.2',
    doc: 'Least time at the reduced window of ProbeRTT.',
  },
  ProbeRTTCwndGain: {
    unit: 'ratio',
    min: 0.25,
    max: 0.9,
    section: '§2.16.2',
    doc: 'Window in ProbeRTT, as a multiple of the estimated BDP.',
  },
  MinPipeCwnd: {
    unit: 'packets',
    min: 2,
    max: 8,
    section: '§5.6.4.3',
    doc: 'Least window: what delayed acknowledgements need for pipelining.',
  },
  ExtraAckedFilterLen: {
    unit: 'rounds',
    min: 1,
    max: 20,
    section: '§5.5.9',
    doc: 'Round trips over which extra_acked is the maximum (bbr2: once to twice as many); 1 in Startup.',
  },
  T_bbr: {
    unit: 'ms',
    min: 500,
    max: 10_000,
    section: '§5.3.3.8',
    doc: 'Least time between bandwidth probes on the clock.',
  },
  T_bbr_random: {
    unit: 'ms',
    min: 0,
    max: 5_000,
    section: '§5.3.3.8',
    doc: 'Longest random addition to T_bbr.',
  },
  T_reno_bound: {
    unit: 'rounds',
    min: 0,
    max: 200,
    section: '§5.3.3.8.2',
    doc: 'Round trips after which a probe is due, if the BDP in packets is not fewer; worth sweeping from 10, 0 is never.',
  },
  PacingMarginPercent: {
    unit: 'percent',
    min: 0,
    max: 5,
    section: '§5.6.2',
    doc: 'How far below the estimated bandwidth packets are paced.',
  },
  SendQuantum: {
    unit: 'ms',
    min: 0.25,
    max: 4,
    section: '§5.6.3',
    doc: 'Longest burst, as time at the pacing rate; held within 2 packets and 64 KB.',
  },
} satisfies Record<string, Row>;

type Name = keyof typeof TABLE;

/** The table with one version's defaults; `sources` says where they are from instead of draft-06. */
export function bbrParameters(
  defaults: Readonly<Record<Name, number>>,
  sources: { readonly [name in Name]?: { section: string; doc?: string } } = {},
): ParameterSpec[] {
  const specs = (Object.keys(TABLE) as Name[]).map((name) => ({
    name,
    default: defaults[name],
    ...TABLE[name],
    section: `draft-ietf-ccwg-bbr-06 ${TABLE[name].section}`,
    ...sources[name],
  }));
  return [...specs, INITIAL_WINDOW];
}

/** The same, resolved, in the units of the algorithm: ratios, bytes per packet to be multiplied, microseconds. */
export interface BbrParams {
  readonly startupPacingGain: number;
  readonly defaultCwndGain: number;
  readonly drainPacingGain: number;
  readonly upPacingGain: number;
  readonly downPacingGain: number;
  readonly cruisePacingGain: number;
  readonly refillPacingGain: number;
  readonly probeBwCwndGain: number;
  readonly upCwndGain: number;
  readonly lossThresh: number;
  readonly beta: number;
  readonly headroom: number;
  readonly fullBwThresh: number;
  readonly fullBwRounds: number;
  readonly startupFullLossCnt: number;
  readonly maxBwFilterLen: number;
  readonly minRttFilterUs: number;
  readonly probeRttIntervalUs: number;
  readonly probeRttDurationUs: number;
  readonly probeRttCwndGain: number;
  readonly minPipePackets: number;
  readonly extraAckedFilterLen: number;
  readonly probeWaitUs: number;
  readonly probeWaitRandomUs: number;
  readonly renoBoundRounds: number;
  /** 1 − PacingMarginPercent / 100. */
  readonly pacingMargin: number;
  readonly sendQuantumUs: number;
  readonly initialPackets: number;
}

export function bbrParams(given: Readonly<Record<string, number>>): BbrParams {
  const of = (name: Name): number => given[name]!;
  return {
    startupPacingGain: of('StartupPacingGain'),
    defaultCwndGain: of('DefaultCwndGain'),
    drainPacingGain: of('DrainPacingGain'),
    upPacingGain: of('ProbeBwUpPacingGain'),
    downPacingGain: of('ProbeBwDownPacingGain'),
    cruisePacingGain: of('ProbeBwCruisePacingGain'),
    refillPacingGain: of('ProbeBwRefillPacingGain'),
    probeBwCwndGain: of('ProbeBwCwndGain'),
    upCwndGain: of('ProbeBwUpCwndGain'),
    lossThresh: of('LossThresh') / 100,
    beta: of('Beta'),
    headroom: of('Headroom'),
    fullBwThresh: of('FullBwThresh'),
    fullBwRounds: of('FullBwRounds'),
    startupFullLossCnt: of('StartupFullLossCnt'),
    maxBwFilterLen: of('MaxBwFilterLen'),
    minRttFilterUs: of('MinRTTFilterLen') * 1000,
    probeRttIntervalUs: of('ProbeRTTInterval') * 1000,
    probeRttDurationUs: of('ProbeRTTDuration') * 1000,
    probeRttCwndGain: of('ProbeRTTCwndGain'),
    minPipePackets: of('MinPipeCwnd'),
    extraAckedFilterLen: of('ExtraAckedFilterLen'),
    probeWaitUs: of('T_bbr') * 1000,
    probeWaitRandomUs: of('T_bbr_random') * 1000,
    renoBoundRounds: of('T_reno_bound'),
    pacingMargin: 1 - of('PacingMarginPercent') / 100,
    sendQuantumUs: of('SendQuantum') * 1000,
    initialPackets: given[INITIAL_WINDOW.name]!,
  };
}
