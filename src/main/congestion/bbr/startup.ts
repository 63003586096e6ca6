/** Startup, draft §5.3.1: double the rate every round trip until the pipe is full, by bandwidth or by loss. */
import type { AckSample } from '../controller.ts';
import type { Bbr } from './bbr.ts';
import { enterDrain } from './drain.ts';
import { isInflightTooHigh } from './loss.ts';
import { bdpMultiple, inflightFor } from './model.ts';

export function enterStartup(bbr: Bbr): void {
  bbr.state = 'Startup';
  bbr.pacingGain = bbr.params.startupPacingGain;
  bbr.cwndGain = bbr.params.defaultCwndGain;
}

export function checkStartupDone(bbr: Bbr, sample: AckSample): void {
  checkStartupHighLoss(bbr, sample);
  if (bbr.state === 'Startup' && bbr.fullBwReached) enterDrain(bbr);
}

/**
 * §5.3.1.3. loss_round_start comes one packet-timed round trip after the first loss of a round: the recovery that began
 * there has lasted as long.
 */
function checkStartupHighLoss(bbr: Bbr, sample: AckSample): void {
  if (!bbr.lossRoundStart) return;
  const ranges = bbr.lostRangesInRound;
  bbr.lostRangesInRound = 0;
  if (bbr.state !== 'Startup' || bbr.fullBwReached || ranges < bbr.params.startupFullLossCnt) return;
  if (!isInflightTooHigh(bbr, sample.lostSinceSentBytes, sample.txInFlightBytes)) return;
  // §5.3.1.3 names full_bw_reached alone; A.2 has both set.
  bbr.fullBwReached = true;
  bbr.fullBwNow = true;
  if (bbr.rules.undoesTransition) bbr.undoState = 'Startup';
  bbr.inflightLongterm = bbr.rules.startupKeepsDelivered
    ? Math.max(bdpMultiple(bbr, bbr.bw, 1), bbr.inflightLatest)
    : inflightFor(bbr, bbr.maxBw, 1);
}
