/** BBRv3, draft-ietf-ccwg-bbr-06. Deviations: docs/bbr-deviations.md. */
import type { ControllerFactory } from '../controller.ts';
import { BbrController } from './controller.ts';
import { bbrParameters, bbrParams } from './params.ts';
import type { BbrRules } from './rules.ts';
import { BBR_STATES } from './types.ts';

export const BBR3_RULES: BbrRules = {
  plateauOf: 'sample',
  upEndsOn: 'plateau',
  drainsAt: 'bw',
  drainRounds: 3,
  drainResetsSignals: false,
  startupKeepsDelivered: true,
  tooHighOnAck: false,
  forfeitsUnusedCredit: false,
  cruiseBoundsShortterm: false,
  targetHasBudgets: false,
  equalRttRefreshes: false,
  probeRttCwndGain: null,
  extraAckedTwoSlots: false,
  extraAckedMaxUs: Number.POSITIVE_INFINITY,
  growsFreely: 'until-initial-delivered',
  offloadQuanta: 1,
  collapseRestartsFullPipe: false,
  undoesTransition: true,
};

export const bbr3: ControllerFactory = {
  name: 'bbr3',
  parameters: bbrParameters({
    StartupPacingGain: 2.77,
    DefaultCwndGain: 2,
    DrainPacingGain: 0.5,
    ProbeBwUpPacingGain: 1.25,
    ProbeBwDownPacingGain: 0.9,
    ProbeBwCruisePacingGain: 1,
    ProbeBwRefillPacingGain: 1,
    ProbeBwCwndGain: 2,
    ProbeBwUpCwndGain: 2.25,
    LossThresh: 2,
    Beta: 0.7,
    Headroom: 0.15,
    FullBwThresh: 1.25,
    FullBwRounds: 3,
    StartupFullLossCnt: 6,
    MaxBwFilterLen: 2,
    MinRTTFilterLen: 10_000,
    ProbeRTTInterval: 5_000,
    ProbeRTTDuration: 200,
    ProbeRTTCwndGain: 0.5,
    MinPipeCwnd: 4,
    ExtraAckedFilterLen: 10,
    T_bbr: 2_000,
    T_bbr_random: 1_000,
    T_reno_bound: 63,
    PacingMarginPercent: 1,
    SendQuantum: 1,
  }),
  states: BBR_STATES,
  create: ({ datagramBytes, parameters, random }) =>
    new BbrController('bbr3', datagramBytes, bbrParams(parameters), BBR3_RULES, random),
};
