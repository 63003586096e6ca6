/** min_rtt and ProbeRTT, draft §5.3.4; restarting from idle, which may end it, §5.4. */
import type { AckSample } from '../controller.ts';
import type { Bbr } from './bbr.ts';
import { paceAt, probeRttCwnd } from './control.ts';
import { restoreCwnd, saveCwnd } from './loss.ts';
import { resetAckAggregation, resetShortTermModel, startRound } from './model.ts';
import { startProbeBwCruise, startProbeBwDown } from './probe-bw.ts';
import { enterStartup } from './startup.ts';

/** §5.3.4.3. The RTT is that of the newest packet acknowledged, as §4.2 has it: no reported delay is taken off. */
export function updateMinRtt(bbr: Bbr, sample: AckSample): void {
  const { nowUs, params } = bbr;
  const { equalRttRefreshes } = bbr.rules;
  // Whole microseconds: a clock that is finer would have RTTs that are lower by nothing, and ProbeRTT wait for ever.
  const rttUs = Math.max(1, Math.round(nowUs - sample.largestAckedSentAtUs));
  bbr.probeRttExpired = nowUs > bbr.probeRttMinStampUs + params.probeRttIntervalUs;
  if (isBelow(rttUs, bbr.probeRttMinDelayUs, equalRttRefreshes) || bbr.probeRttExpired) {
    bbr.probeRttMinDelayUs = rttUs;
    bbr.probeRttMinStampUs = nowUs;
  }
  const isMinRttExpired = nowUs > bbr.minRttStampUs + params.minRttFilterUs;
  if (isBelow(bbr.probeRttMinDelayUs, bbr.minRttUs, equalRttRefreshes) || isMinRttExpired) {
    bbr.minRttUs = bbr.probeRttMinDelayUs;
    bbr.minRttStampUs = bbr.probeRttMinStampUs;
  }
}

const isBelow = (rttUs: number, minUs: number, orEqual: boolean): boolean =>
  rttUs < minUs || (orEqual && rttUs === minUs);

export function checkProbeRtt(bbr: Bbr): void {
  if (bbr.state !== 'ProbeRTT' && bbr.probeRttExpired && !bbr.idleRestart) enterProbeRtt(bbr);
  if (bbr.state === 'ProbeRTT') handleProbeRtt(bbr);
  // An ACK comes here only when it delivered something.
  bbr.idleRestart = false;
}

function enterProbeRtt(bbr: Bbr): void {
  bbr.state = 'ProbeRTT';
  bbr.pacingGain = 1;
  bbr.cwndGain = bbr.rules.probeRttCwndGain ?? bbr.params.probeRttCwndGain;
  saveCwnd(bbr);
  bbr.probeRttDoneStampUs = 0;
  bbr.ackPhase = 'ACKS_PROBE_STOPPING';
  startRound(bbr);
  bbr.probeRttLimitedFrom = bbr.delivered;
}

function handleProbeRtt(bbr: Bbr): void {
  // MarkConnectionAppLimited(): what is sent until this much is delivered gives low rates by design.
  bbr.probeRttLimitedUntil = bbr.delivered + bbr.inflight;
  if (bbr.probeRttDoneStampUs === 0) {
    if (bbr.inflight > probeRttCwnd(bbr)) return;
    bbr.probeRttDoneStampUs = bbr.nowUs + bbr.params.probeRttDurationUs;
    bbr.probeRttRoundDone = false;
    startRound(bbr);
    return;
  }
  if (bbr.roundStart) bbr.probeRttRoundDone = true;
  if (bbr.probeRttRoundDone) checkProbeRttDone(bbr);
}

function checkProbeRttDone(bbr: Bbr): void {
  if (bbr.probeRttDoneStampUs === 0 || bbr.nowUs <= bbr.probeRttDoneStampUs) return;
  // Schedules the next.
  bbr.probeRttMinStampUs = bbr.nowUs;
  restoreCwnd(bbr);
  exitProbeRtt(bbr);
}

/** §5.3.4.4. */
function exitProbeRtt(bbr: Bbr): void {
  resetShortTermModel(bbr);
  if (bbr.fullBwReached) {
    startProbeBwDown(bbr);
    startProbeBwCruise(bbr);
  } else {
    enterStartup(bbr);
  }
}

/** §5.4.1: nothing is in flight, the application is what held it, and a packet goes out. */
export function handleRestartFromIdle(bbr: Bbr): void {
  bbr.idleRestart = true;
  resetAckAggregation(bbr);
  if (bbr.isInAProbeBwState) paceAt(bbr, 1);
  else if (bbr.state === 'ProbeRTT') checkProbeRttDone(bbr);
}
