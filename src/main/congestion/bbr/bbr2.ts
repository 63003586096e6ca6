/** BBRv2, the alpha of 2019 to 2022 (google/bbr, branch v2alpha). Deviations: docs/bbr-deviations.md. */
import type { ControllerFactory } from '../controller.ts';
import { BbrController } from './controller.ts';
import { bbrParameters, bbrParams } from './params.ts';
import type { BbrRules } from './rules.ts';
import { BBR_STATES } from './types.ts';

const RULES: BbrRules = {
  plateauOf: 'max_bw',
  upEndsOn: 'queue',
  drainsAt: 'max_bw',
  drainRounds: Number.POSITIVE_INFINITY,
  drainResetsSignals: true,
  startupKeepsDelivered: false,
  tooHighOnAck: true,
  forfeitsUnusedCredit: true,
  cruiseBoundsShortterm: true,
  targetHasBudgets: true,
  equalRttRefreshes: true,
  probeRttCwndGain: 1,
  extraAckedTwoSlots: true,
  extraAckedMaxUs: 100_000,
  growsFreely: 'to-twice-initial',
  offloadQuanta: 3,
  collapseRestartsFullPipe: true,
  undoesTransition: false,
};

const DEFAULTS = {
  StartupPacingGain: 2.885,
  DefaultCwndGain: 2.885,
  DrainPacingGain: 0.347,
  ProbeBwUpPacingGain: 1.25,
  ProbeBwDownPacingGain: 0.75,
  ProbeBwCruisePacingGain: 1,
  ProbeBwRefillPacingGain: 1,
  ProbeBwCwndGain: 2,
  ProbeBwUpCwndGain: 2,
  LossThresh: 2,
  Beta: 0.7,
  Headroom: 0.15,
  FullBwThresh: 1.25,
  FullBwRounds: 3,
  StartupFullLossCnt: 8,
  MaxBwFilterLen: 2,
  MinRTTFilterLen: 10_000,
  ProbeRTTInterval: 5_000,
  ProbeRTTDuration: 200,
  ProbeRTTCwndGain: 0.5,
  MinPipeCwnd: 4,
  ExtraAckedFilterLen: 5,
  T_bbr: 2_000,
  T_bbr_random: 1_000,
  T_reno_bound: 63,
  PacingMarginPercent: 1,
  SendQuantum: 1,
};

/** Names of the alpha; the send quantum is the draft's. */
const ALPHA = {
  StartupPacingGain: 'bbr_high_gain',
  DefaultCwndGain: 'bbr_startup_cwnd_gain',
  DrainPacingGain: 'bbr_drain_gain',
  ProbeBwUpPacingGain: 'bbr_pacing_gain[0]',
  ProbeBwDownPacingGain: 'bbr_pacing_gain[1]',
  ProbeBwCruisePacingGain: 'bbr_pacing_gain[2]',
  ProbeBwRefillPacingGain: 'bbr_pacing_gain[3]',
  ProbeBwCwndGain: 'bbr_cwnd_gain',
  ProbeBwUpCwndGain: 'bbr_cwnd_gain',
  LossThresh: 'bbr_loss_thresh',
  Beta: 'bbr_beta',
  Headroom: 'bbr_inflight_headroom',
  FullBwThresh: 'bbr_full_bw_thresh',
  FullBwRounds: 'bbr_full_bw_cnt',
  StartupFullLossCnt: 'bbr_full_loss_cnt',
  MaxBwFilterLen: 'bbr_max_bw',
  MinRTTFilterLen: 'bbr_min_rtt_win_sec',
  ProbeRTTInterval: 'bbr_probe_rtt_win_ms',
  ProbeRTTDuration: 'bbr_probe_rtt_mode_ms',
  ProbeRTTCwndGain: 'bbr_probe_rtt_cwnd_gain',
  MinPipeCwnd: 'bbr_cwnd_min_target',
  ExtraAckedFilterLen: 'bbr_extra_acked_win_rtts',
  T_bbr: 'bbr_bw_probe_base_us',
  T_bbr_random: 'bbr_bw_probe_rand_us',
  T_reno_bound: 'bbr_bw_probe_max_rounds',
  PacingMarginPercent: 'bbr_pacing_margin_percent',
};

const SOURCES = Object.fromEntries(
  Object.entries(ALPHA).map(([name, alpha]) => [name, { section: `google/bbr tcp_bbr2.c ${alpha}` }]),
);

export const bbr2: ControllerFactory = {
  name: 'bbr2',
  parameters: bbrParameters(DEFAULTS, {
    ...SOURCES,
    StartupPacingGain: {
      section: SOURCES['StartupPacingGain']!.section,
      doc: 'Pacing gain in Startup: 2 / ln 2 doubles the sending rate every round trip.',
    },
  }),
  states: BBR_STATES,
  create: ({ datagramBytes, parameters, random }) =>
    new BbrController('bbr2', datagramBytes, bbrParams(parameters), RULES, random),
};
