/** Loss recovery, and how the short-term model answers to loss: draft §5.5.10.3, §5.5.11.1, §5.6.4.4. */
import type { Bbr } from './bbr.ts';
import { updateMaxBw } from './model.ts';

/** UpdateCongestionSignals of §5.5.10.3. */
export function updateCongestionSignals(bbr: Bbr, priorDelivered: number): void {
  updateMaxBw(bbr, priorDelivered);
  if (!bbr.lossRoundStart) return;
  if (bbr.isLossInRound && !bbr.isProbingBw) adaptLowerBounds(bbr);
  bbr.isLossInRound = false;
}

/** InitLowerBounds and LossLowerBounds: towards what the last round trip delivered, by no more than Beta. */
function adaptLowerBounds(bbr: Bbr): void {
  const { beta } = bbr.params;
  const bw = bbr.bwShortterm === Number.POSITIVE_INFINITY ? bbr.maxBw : bbr.bwShortterm;
  const inflight = bbr.inflightShortterm === Number.POSITIVE_INFINITY ? bbr.cwnd : bbr.inflightShortterm;
  bbr.bwShortterm = Math.max(bbr.bwLatest, beta * bw);
  bbr.inflightShortterm = Math.max(bbr.inflightLatest, beta * inflight);
}

export function isInflightTooHigh(bbr: Bbr, lost: number, txInFlight: number): boolean {
  return lost > txInFlight * bbr.params.lossThresh;
}

/** SaveCwnd of §5.6.4.4. */
export function saveCwnd(bbr: Bbr): void {
  const untouched = !bbr.inLossRecovery && bbr.state !== 'ProbeRTT';
  bbr.priorCwnd = untouched ? bbr.cwnd : Math.max(bbr.priorCwnd, bbr.cwnd);
}

/** RestoreCwnd of §5.6.4.4. */
export function restoreCwnd(bbr: Bbr): void {
  bbr.cwnd = Math.max(bbr.cwnd, bbr.priorCwnd);
}

/** OnEnterFastRecovery of §5.6.4.4, with SaveStateUponLoss of §5.5.11.1. */
export function enterLossRecovery(bbr: Bbr): void {
  saveCwnd(bbr);
  bbr.inLossRecovery = true;
  bbr.undoRecoveryStartUs = bbr.recoveryStartUs;
  bbr.recoveryStartUs = bbr.nowUs;
  bbr.recoveryEndUs = bbr.nowUs;
  bbr.undoState = null;
  bbr.undoBwShortterm = bbr.bwShortterm;
  bbr.undoInflightShortterm = bbr.inflightShortterm;
  bbr.undoInflightLongterm = bbr.inflightLongterm;
}

export function exitLossRecovery(bbr: Bbr): void {
  bbr.inLossRecovery = false;
  restoreCwnd(bbr);
}

/**
 * OnEnterRTO of §5.6.4.4; QUIC has persistent congestion in its place (RFC 9002 §7.6). What it saves was saved when the
 * recovery began, with the losses that established it.
 */
export function enterPersistentCongestion(bbr: Bbr): void {
  saveCwnd(bbr);
  bbr.inLossRecovery = true;
  bbr.recoveryEndUs = bbr.nowUs;
  if (bbr.rules.collapseRestartsFullPipe) bbr.fullBw = 0;
  // The round's lower bound is to start from the window before it collapses; the draft would take what is left of it.
  if (!bbr.isProbingBw && bbr.inflightShortterm === Number.POSITIVE_INFINITY) {
    bbr.inflightShortterm = bbr.priorCwnd;
  }
  bbr.cwnd = bbr.inflight + bbr.datagramBytes;
}
