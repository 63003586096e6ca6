/** The estimator of a full pipe, draft §5.3.1.2: it ends Startup, and in BBRv3 every ProbeBW_UP. */
import type { Bbr } from './bbr.ts';

export function resetFullBw(bbr: Bbr): void {
  bbr.fullBw = 0;
  bbr.fullBwCount = 0;
  bbr.fullBwNow = false;
}

export function checkFullBwReached(bbr: Bbr): void {
  // A round that gave no rate sample is no evidence of a plateau.
  if (bbr.fullBwNow || !bbr.roundStart || bbr.isAppLimited || bbr.deliveryRate === 0) return;
  const bw = bbr.rules.plateauOf === 'sample' ? bbr.deliveryRate : bbr.maxBw;
  if (bw >= bbr.fullBw * bbr.params.fullBwThresh) {
    resetFullBw(bbr);
    bbr.fullBw = bw;
    return;
  }
  bbr.fullBwCount++;
  bbr.fullBwNow = bbr.fullBwCount >= bbr.params.fullBwRounds;
  if (bbr.fullBwNow) bbr.fullBwReached = true;
}
