/**
 * The parameters of BBRv1: the draft's numbers under the names that BBRv2 and v3 have for them, and of what Linux added
 * to the draft (tcp_bbr.c) Linux's.
 */
import type { ParameterSpec } from '../controller.ts';
import { INITIAL_WINDOW } from '../initial-window.ts';

const DRAFT = 'draft-cardwell-iccrg-bbr-congestion-control-00';
const LINUX = 'Linux tcp_bbr.c';

const TABLE = {
  StartupPacingGain: {
    default: 2.885,
    unit: 'ratio',
    min: 2,
    max: 3.5,
    section: `${DRAFT} §4.3.2.1`,
    doc: 'Pacing gain in Startup: 2 / ln 2 doubles the sending rate every round trip.',
  },
  DefaultCwndGain: {
    default: 2.885,
    unit: 'ratio',
    min: 1.5,
    max: 3,
    section: `${DRAFT} §4.3.2.1`,
    doc: 'Window in Startup and Drain, as a multiple of the estimated BDP.',
  },
  DrainPacingGain: {
    default: 0.347,
    unit: 'ratio',
    min: 0.3,
    max: 0.9,
    section: `${DRAFT} §4.3.3`,
    doc: 'Pacing gain in Drain: the inverse of that of Startup drains its queue in one round trip.',
  },
  ProbeBwUpPacingGain: {
    default: 1.25,
    unit: 'ratio',
    min: 1.05,
    max: 1.5,
    section: `${DRAFT} §4.3.4.1`,
    doc: 'Pacing gain in phase 0 of the cycle: how much more bandwidth is probed for.',
  },
  ProbeBwDownPacingGain: {
    default: 0.75,
    unit: 'ratio',
    min: 0.6,
    max: 0.98,
    section: `${DRAFT} §4.3.4.1`,
    doc: 'Pacing gain in phase 1: how fast the queue of the probe is drained.',
  },
  ProbeBwCruisePacingGain: {
    default: 1,
    unit: 'ratio',
    min: 0.95,
    max: 1.05,
    section: `${DRAFT} §4.3.4.1`,
    doc: 'Pacing gain in phases 2 to 7.',
  },
  ProbeBwCwndGain: {
    default: 2,
    unit: 'ratio',
    min: 1.25,
    max: 3,
    section: `${DRAFT} §4.3.4.1`,
    doc: 'Window in ProbeBW, as a multiple of the estimated BDP.',
  },
  FullBwThresh: {
    default: 1.25,
    unit: 'ratio',
    min: 1.1,
    max: 1.5,
    section: `${DRAFT} §4.3.2.2`,
    doc: 'Growth of the bandwidth estimate per round trip below which the pipe counts as full.',
  },
  FullBwRounds: {
    default: 3,
    unit: 'rounds',
    min: 2,
    max: 6,
    section: `${DRAFT} §4.3.2.2`,
    doc: 'Round trips without that growth after which it does.',
  },
  MaxBwFilterLen: {
    default: 10,
    unit: 'rounds',
    min: 2,
    max: 40,
    section: `${DRAFT} §4.1.1.3`,
    doc: 'Round trips for which the largest delivery rate stays the bandwidth estimate.',
  },
  MinRTTFilterLen: {
    default: 10_000,
    unit: 'ms',
    min: 5_000,
    max: 30_000,
    section: `${DRAFT} §4.1.2.2`,
    doc: 'Time for which the smallest RTT stays the estimate of the propagation delay.',
  },
  ProbeRTTInterval: {
    default: 10_000,
    unit: 'ms',
    min: 2_000,
    max: 20_000,
    section: `${DRAFT} §4.3.5`,
    doc: 'Time without a lower RTT after which ProbeRTT is entered; with MinRTTFilterLen it is in any case.',
  },
  ProbeRTTDuration: {
    default: 200,
    unit: 'ms',
    min: 50,
    max: 400,
    section: `${DRAFT} §4.3.5`,
    doc: 'Least time at MinPipeCwnd in ProbeRTT.',
  },
  MinPipeCwnd: {
    default: 4,
    unit: 'packets',
    min: 2,
    max: 8,
    section: `${DRAFT} §4.2.3.3`,
    doc: 'Least window, and the window of ProbeRTT.',
  },
  ExtraAckedFilterLen: {
    default: 5,
    unit: 'rounds',
    min: 1,
    max: 20,
    section: `${LINUX} bbr_extra_acked_win_rtts`,
    doc: 'Round trips of each of the two windows over which extra_acked is the maximum.',
  },
  PacingMarginPercent: {
    default: 1,
    unit: 'percent',
    min: 0,
    max: 5,
    section: `${LINUX} bbr_pacing_margin_percent`,
    doc: 'How far below the estimated bandwidth packets are paced.',
  },
  SendQuantum: {
    default: 1,
    unit: 'ms',
    min: 0.25,
    max: 4,
    section: `${DRAFT} §4.2.2`,
    doc: 'Longest burst, as time at the pacing rate; held within 2 packets (1 below 1.2 Mbit/s) and 64 KB.',
  },
  PolicerDetection: {
    default: 1,
    unit: 'count',
    min: 0,
    max: 1,
    section: `${LINUX} bbr_lt_bw_sampling`,
    doc: 'Looks for a token-bucket policer and paces at its rate: 1 on, 0 off.',
  },
  LtIntvlMinRtts: {
    default: 4,
    unit: 'rounds',
    min: 2,
    max: 16,
    section: `${LINUX} bbr_lt_intvl_min_rtts`,
    doc: 'Shortest sampling interval of the policer detector; four times as many is the longest.',
  },
  LtLossThresh: {
    default: 19.53125,
    unit: 'percent',
    min: 1,
    max: 50,
    section: `${LINUX} bbr_lt_loss_thresh`,
    doc: 'Lost over delivered from which an interval may be a policer’s (50/256).',
  },
  LtBwRatio: {
    default: 0.125,
    unit: 'ratio',
    min: 0.01,
    max: 0.5,
    section: `${LINUX} bbr_lt_bw_ratio`,
    doc: 'Largest difference between the rates of two intervals that are consistent, relative to the first.',
  },
  LtBwDiff: {
    default: 4,
    unit: 'kbit/s',
    min: 0,
    max: 1_000,
    section: `${LINUX} bbr_lt_bw_diff`,
    doc: 'Difference that is consistent whatever the rate.',
  },
  LtBwMaxRtts: {
    default: 48,
    unit: 'rounds',
    min: 8,
    max: 200,
    section: `${LINUX} bbr_lt_bw_max_rtts`,
    doc: 'Round trips of ProbeBW for which the rate of a policer is kept to.',
  },
} satisfies Record<string, Omit<ParameterSpec, 'name'>>;

export const bbr1Parameters: readonly ParameterSpec[] = [
  ...Object.entries(TABLE).map(([name, row]) => ({ name, ...row })),
  INITIAL_WINDOW,
];

/** The same, resolved, in the units of the algorithm: ratios, microseconds, bits per second, packets, rounds. */
export interface Bbr1Params {
  readonly startupPacingGain: number;
  readonly startupCwndGain: number;
  readonly drainPacingGain: number;
  readonly upPacingGain: number;
  readonly downPacingGain: number;
  readonly cruisePacingGain: number;
  readonly probeBwCwndGain: number;
  readonly fullBwThresh: number;
  readonly fullBwRounds: number;
  readonly maxBwFilterLen: number;
  readonly minRttFilterUs: number;
  readonly probeRttIntervalUs: number;
  readonly probeRttDurationUs: number;
  readonly minPipePackets: number;
  readonly extraAckedFilterLen: number;
  /** 1 − PacingMarginPercent / 100. */
  readonly pacingMargin: number;
  readonly sendQuantumUs: number;
  readonly policerDetection: boolean;
  readonly ltIntvlMinRtts: number;
  readonly ltLossThresh: number;
  readonly ltBwRatio: number;
  readonly ltBwDiffBps: number;
  readonly ltBwMaxRtts: number;
  readonly initialPackets: number;
}

export function bbr1Params(given: Readonly<Record<string, number>>): Bbr1Params {
  const of = (name: keyof typeof TABLE): number => given[name]!;
  return {
    startupPacingGain: of('StartupPacingGain'),
    startupCwndGain: of('DefaultCwndGain'),
    drainPacingGain: of('DrainPacingGain'),
    upPacingGain: of('ProbeBwUpPacingGain'),
    downPacingGain: of('ProbeBwDownPacingGain'),
    cruisePacingGain: of('ProbeBwCruisePacingGain'),
    probeBwCwndGain: of('ProbeBwCwndGain'),
    fullBwThresh: of('FullBwThresh'),
    fullBwRounds: of('FullBwRounds'),
    maxBwFilterLen: of('MaxBwFilterLen'),
    minRttFilterUs: of('MinRTTFilterLen') * 1000,
    probeRttIntervalUs: of('ProbeRTTInterval') * 1000,
    probeRttDurationUs: of('ProbeRTTDuration') * 1000,
    minPipePackets: of('MinPipeCwnd'),
    extraAckedFilterLen: of('ExtraAckedFilterLen'),
    pacingMargin: 1 - of('PacingMarginPercent') / 100,
    sendQuantumUs: of('SendQuantum') * 1000,
    policerDetection: of('PolicerDetection') === 1,
    ltIntvlMinRtts: of('LtIntvlMinRtts'),
    ltLossThresh: of('LtLossThresh') / 100,
    ltBwRatio: of('LtBwRatio'),
    ltBwDiffBps: of('LtBwDiff') * 1000,
    ltBwMaxRtts: of('LtBwMaxRtts'),
    initialPackets: given[INITIAL_WINDOW.name]!,
  };
}
