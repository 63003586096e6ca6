/** The variables of BBR as an onlooker gets them: a snapshot, for traces, qlog and tests. */
import type { Bbr } from './bbr.ts';
import { bdpMultiple, inflightFor, inflightWithHeadroom } from './model.ts';
import type { BbrModel } from './types.ts';

const orNull = (value: number): number | null => (Number.isFinite(value) ? value : null);

export function modelOf(bbr: Bbr): BbrModel {
  return {
    pacingGain: bbr.pacingGain,
    cwndGain: bbr.cwndGain,
    roundCount: bbr.roundCount,
    isCwndLimited: bbr.isCwndLimited,
    isAppLimited: bbr.isAppLimited,
    inLossRecovery: bbr.inLossRecovery,
    idleRestart: bbr.idleRestart,
    maxBwBps: bbr.maxBw,
    bwShorttermBps: orNull(bbr.bwShortterm),
    bwLatestBps: bbr.bwLatest,
    minRttUs: orNull(bbr.minRttUs),
    probeRttMinDelayUs: orNull(bbr.probeRttMinDelayUs),
    bdpBytes: bdpMultiple(bbr, bbr.bw, 1),
    extraAckedBytes: bbr.extraAcked,
    maxInflightBytes: bbr.maxInflight,
    inflightLongtermBytes: orNull(bbr.inflightLongterm),
    inflightShorttermBytes: orNull(bbr.inflightShortterm),
    inflightLatestBytes: bbr.inflightLatest,
    inflightWithHeadroomBytes: orNull(inflightWithHeadroom(bbr)),
    inflightTargetBytes: inflightFor(bbr, bbr.maxBw, 1),
    fullBwBps: bbr.fullBw,
    fullBwCount: bbr.fullBwCount,
    fullBwNow: bbr.fullBwNow,
    fullBwReached: bbr.fullBwReached,
    drainStartRound: bbr.drainStartRound,
    ackPhase: bbr.ackPhase,
    cycleCount: bbr.cycleCount,
    cycleStampUs: bbr.cycleStampUs,
    isBwProbeSample: bbr.isBwProbeSample,
    isLossInRound: bbr.isLossInRound,
    prevProbeTooHigh: bbr.prevProbeTooHigh,
    prevProbePrecautionary: bbr.prevProbePrecautionary,
    bwProbeUpRounds: bbr.bwProbeUpRounds,
    probeUpAckedPerIncBytes: orNull(bbr.probeUpAckedPerInc),
    roundsSinceProbeUp: bbr.roundsSinceProbeUp,
    bwProbeWaitUs: bbr.bwProbeWaitUs,
    priorCwnd: bbr.priorCwnd,
    undoState: bbr.undoState,
    undoBwShorttermBps: orNull(bbr.undoBwShortterm),
    undoInflightShorttermBytes: orNull(bbr.undoInflightShortterm),
    undoInflightLongtermBytes: orNull(bbr.undoInflightLongterm),
  };
}
