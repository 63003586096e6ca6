/** Drain, draft §5.3.2: pace slowly until the queue of Startup is gone. */
import type { Bbr } from './bbr.ts';
import { inflightFor, resetCongestionSignals } from './model.ts';
import { enterProbeBw } from './probe-bw.ts';

export function enterDrain(bbr: Bbr): void {
  if (bbr.rules.drainResetsSignals) resetCongestionSignals(bbr);
  bbr.state = 'Drain';
  bbr.pacingGain = bbr.params.drainPacingGain;
  bbr.cwndGain = bbr.params.defaultCwndGain;
  bbr.drainStartRound = bbr.roundCount;
}

export function checkDrainDone(bbr: Bbr): void {
  if (bbr.state !== 'Drain') return;
  const { drainsAt, drainRounds } = bbr.rules;
  const isDrained = bbr.inflight <= inflightFor(bbr, drainsAt === 'bw' ? bbr.bw : bbr.maxBw, 1);
  if (isDrained || bbr.roundCount > bbr.drainStartRound + drainRounds) enterProbeBw(bbr);
}
