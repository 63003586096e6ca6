/** BBRv2, the alpha of 2019 to 2022 (google/bbr, branch v2alpha). Deviations: docs/bbr-deviations.md. */
import type { ControllerFactory } from '../controller.ts';
import { BbrController } from './controller.ts';
import { bbrParameters, bbrParams } from './params.ts';
import type { BbrRules } from './rules.ts';

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

export const bbr2: ControllerFactory = {
  name: 'bbr2',
  parameters: bbrParameters({
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
  }),
  create: ({ datagramBytes, parameters, random }) =>
    new BbrController('bbr2', datagramBytes, bbrParams(parameters), RULES, random),
};
