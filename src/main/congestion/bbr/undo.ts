/** A loss recovery was spurious: draft §5.5.11.2. */
import type { Bbr } from './bbr.ts';
import { resetFullBw } from './full-pipe.ts';
import { exitLossRecovery } from './loss.ts';
import { startProbeBwRefill } from './probe-bw.ts';
import { enterStartup } from './startup.ts';

export function handleSpuriousLoss(bbr: Bbr): void {
  exitLossRecovery(bbr);
  bbr.recoveryStartUs = bbr.undoRecoveryStartUs;
  bbr.isLossInRound = false;
  bbr.lostRangesInRound = 0;
  resetFullBw(bbr);
  bbr.bwShortterm = Math.max(bbr.bwShortterm, bbr.undoBwShortterm);
  bbr.inflightShortterm = Math.max(bbr.inflightShortterm, bbr.undoInflightShortterm);
  bbr.inflightLongterm = Math.max(bbr.inflightLongterm, bbr.undoInflightLongterm);
  const { undoState, state } = bbr;
  bbr.undoState = null;
  if (undoState === 'Startup' && state !== 'Startup') {
    bbr.fullBwReached = false;
    if (state !== 'ProbeRTT') enterStartup(bbr);
  } else if (undoState === 'ProbeBW_UP' && state !== 'ProbeBW_UP' && state !== 'ProbeRTT') {
    startProbeBwRefill(bbr);
  }
}
