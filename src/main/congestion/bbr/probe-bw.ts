/** ProbeBW, draft §5.3.3: DOWN, CRUISE, REFILL, UP, and when to go from one to the next. */
import type { AckSample } from '../controller.ts';
import type { Bbr } from './bbr.ts';
import { resetFullBw } from './full-pipe.ts';
import { isInflightTooHigh } from './loss.ts';
import {
  advanceMaxBwFilter,
  inflightFor,
  inflightWithHeadroom,
  resetCongestionSignals,
  resetShortTermModel,
  startRound,
  targetInflight,
} from './model.ts';

export function enterProbeBw(bbr: Bbr): void {
  startProbeBwDown(bbr);
}

export function startProbeBwDown(bbr: Bbr): void {
  resetCongestionSignals(bbr);
  bbr.probeUpAckedPerInc = Number.POSITIVE_INFINITY;
  pickProbeWait(bbr);
  bbr.cycleStampUs = bbr.nowUs;
  bbr.ackPhase = 'ACKS_PROBE_STOPPING';
  startRound(bbr);
  bbr.state = 'ProbeBW_DOWN';
  bbr.pacingGain = bbr.params.downPacingGain;
  bbr.cwndGain = bbr.params.probeBwCwndGain;
}

export function startProbeBwCruise(bbr: Bbr): void {
  if (bbr.rules.cruiseBoundsShortterm && bbr.inflightShortterm !== Number.POSITIVE_INFINITY) {
    bbr.inflightShortterm = Math.min(bbr.inflightShortterm, bbr.inflightLongterm);
  }
  bbr.state = 'ProbeBW_CRUISE';
  bbr.pacingGain = bbr.params.cruisePacingGain;
  bbr.cwndGain = bbr.params.probeBwCwndGain;
}

export function startProbeBwRefill(bbr: Bbr): void {
  resetShortTermModel(bbr);
  bbr.bwProbeUpRounds = 0;
  bbr.bwProbeUpAcked = 0;
  bbr.prevProbePrecautionary = false;
  bbr.ackPhase = 'ACKS_REFILLING';
  startRound(bbr);
  bbr.state = 'ProbeBW_REFILL';
  bbr.pacingGain = bbr.params.refillPacingGain;
  bbr.cwndGain = bbr.params.probeBwCwndGain;
}

function startProbeBwUp(bbr: Bbr): void {
  bbr.ackPhase = 'ACKS_PROBE_STARTING';
  startRound(bbr);
  resetFullBw(bbr);
  bbr.fullBw = bbr.deliveryRate;
  // BBRv2 measures its least time in UP from here; BBRv3 does not look at the clock again before DOWN.
  bbr.cycleStampUs = bbr.nowUs;
  bbr.state = 'ProbeBW_UP';
  bbr.pacingGain = bbr.params.upPacingGain;
  bbr.cwndGain = bbr.params.upCwndGain;
  raiseInflightLongtermSlope(bbr);
}

export function updateProbeBwCyclePhase(bbr: Bbr, sample: AckSample): void {
  if (!bbr.fullBwReached) return;
  if (adaptLongTermModel(bbr, sample)) return;
  switch (bbr.state) {
    case 'ProbeBW_DOWN':
      if (!isTimeToProbeBw(bbr) && isTimeToCruise(bbr)) startProbeBwCruise(bbr);
      break;
    case 'ProbeBW_CRUISE':
      isTimeToProbeBw(bbr);
      break;
    case 'ProbeBW_REFILL':
      if (!bbr.roundStart) break;
      bbr.isBwProbeSample = true;
      startProbeBwUp(bbr);
      break;
    case 'ProbeBW_UP':
      if (!isTimeToGoDown(bbr, sample.priorInFlight)) break;
      bbr.prevProbeTooHigh = false;
      startProbeBwDown(bbr);
      break;
  }
}

/** §5.3.3.8. Starts REFILL when it is. */
function isTimeToProbeBw(bbr: Bbr): boolean {
  if (!hasElapsedInPhase(bbr, bbr.bwProbeWaitUs) && !isRenoCoexistenceProbeTime(bbr)) return false;
  startProbeBwRefill(bbr);
  return true;
}

function hasElapsedInPhase(bbr: Bbr, intervalUs: number): boolean {
  return bbr.nowUs > bbr.cycleStampUs + intervalUs;
}

function pickProbeWait(bbr: Bbr): void {
  bbr.roundsSinceProbeUp = Math.floor(2 * bbr.random());
  bbr.bwProbeWaitUs = bbr.params.probeWaitUs + bbr.params.probeWaitRandomUs * bbr.random();
}

/** The draft compares bytes with round trips; a Reno flow of a BDP of n packets would probe every n rounds. */
function isRenoCoexistenceProbeTime(bbr: Bbr): boolean {
  const { renoBoundRounds } = bbr.params;
  if (renoBoundRounds === 0) return false;
  const renoRounds = targetInflight(bbr) / bbr.datagramBytes;
  return bbr.roundsSinceProbeUp >= Math.min(renoRounds, renoBoundRounds);
}

function isTimeToCruise(bbr: Bbr): boolean {
  return bbr.inflight <= inflightWithHeadroom(bbr) && bbr.inflight <= inflightFor(bbr, bbr.maxBw, 1);
}

/**
 * §5.3.3.7. C.inflight here is what was in flight before this ACK made room: after it, it is never as large as a window
 * that inflight_longterm caps. A bound is reached when no full packet fits below it.
 */
function isTimeToGoDown(bbr: Bbr, priorInFlight: number): boolean {
  const reached = priorInFlight + bbr.datagramBytes;
  if (bbr.prevProbeTooHigh && reached > bbr.inflightLongterm) {
    bbr.prevProbePrecautionary = true;
    return true;
  }
  if (bbr.rules.upEndsOn === 'queue') {
    const queued = inflightFor(bbr, bbr.maxBw, bbr.params.upPacingGain);
    return hasElapsedInPhase(bbr, bbr.minRttUs) && reached > queued;
  }
  if (bbr.isCwndLimited && bbr.cwnd >= bbr.inflightLongterm) {
    resetFullBw(bbr);
    bbr.fullBw = bbr.deliveryRate;
    return false;
  }
  return bbr.fullBwNow;
}

function raiseInflightLongtermSlope(bbr: Bbr): void {
  const growthThisRound = 2 ** bbr.bwProbeUpRounds;
  bbr.bwProbeUpRounds = Math.min(bbr.bwProbeUpRounds + 1, 30);
  bbr.probeUpAckedPerInc = Math.max(bbr.cwnd / growthThisRound, bbr.datagramBytes);
}

function probeInflightLongtermUpward(bbr: Bbr, ackedBytes: number): void {
  if (!bbr.isCwndLimited || bbr.cwnd < bbr.inflightLongterm) {
    if (bbr.rules.forfeitsUnusedCredit) bbr.bwProbeUpAcked = 0;
    return;
  }
  bbr.bwProbeUpAcked += ackedBytes;
  const delta = Math.floor(bbr.bwProbeUpAcked / bbr.probeUpAckedPerInc);
  if (delta > 0) {
    bbr.bwProbeUpAcked -= delta * bbr.probeUpAckedPerInc;
    bbr.inflightLongterm += delta * bbr.datagramBytes;
  }
  if (bbr.roundStart) raiseInflightLongtermSlope(bbr);
}

/** §5.5.10.2. Once per probe. */
export function handleInflightTooHigh(bbr: Bbr, inflight: number, isAppLimited: boolean): void {
  bbr.prevProbeTooHigh = true;
  bbr.isBwProbeSample = false;
  if (!isAppLimited) bbr.inflightLongterm = Math.max(inflight, targetInflight(bbr) * bbr.params.beta);
  if (bbr.state !== 'ProbeBW_UP') return;
  if (bbr.rules.undoesTransition) bbr.undoState = 'ProbeBW_UP';
  startProbeBwDown(bbr);
}

/** §5.3.3.9. True when it decided a state transition. */
function adaptLongTermModel(bbr: Bbr, sample: AckSample): boolean {
  if (bbr.roundStart && bbr.ackPhase === 'ACKS_PROBE_STARTING') bbr.ackPhase = 'ACKS_PROBE_FEEDBACK';
  if (bbr.roundStart && bbr.ackPhase === 'ACKS_PROBE_STOPPING') {
    bbr.isBwProbeSample = false;
    bbr.ackPhase = 'ACKS_INIT';
    if (bbr.isInAProbeBwState) {
      if (!bbr.isAppLimited) advanceMaxBwFilter(bbr);
      // §5.3.3.6: the cautious probe met no excess loss, so probe again, without that caution.
      if (bbr.prevProbePrecautionary && !bbr.prevProbeTooHigh) {
        startProbeBwRefill(bbr);
        return true;
      }
    }
  }
  const { txInFlightBytes } = sample;
  if (isInflightTooHigh(bbr, sample.lostSinceSentBytes, txInFlightBytes)) {
    if (bbr.rules.tooHighOnAck && bbr.isBwProbeSample) {
      handleInflightTooHigh(bbr, txInFlightBytes, bbr.isAppLimited);
    }
    return false;
  }
  if (bbr.inflightLongterm === Number.POSITIVE_INFINITY) return false;
  if (txInFlightBytes > bbr.inflightLongterm) bbr.inflightLongterm = txInFlightBytes;
  if (bbr.state === 'ProbeBW_UP') probeInflightLongtermUpward(bbr, sample.ackedBytes);
  return false;
}
