/** What the model lets out: pacing rate, send quantum, congestion window. Draft §5.6. */
import type { AckSample } from '../controller.ts';
import type { Bbr } from './bbr.ts';
import { bdpMultiple, inflightWithHeadroom, updateMaxInflight } from './model.ts';

/** What a kernel takes as one GSO buffer, bytes. */
const MAX_SEND_QUANTUM = 65_536;
const MIN_SEND_QUANTUM_PACKETS = 2;
/** Stands in for the RTT before the first sample, §5.6.2. */
const NOMINAL_RTT_US = 1_000;

/** InitPacingRate of §5.6.2: once for the nominal RTT, once again when there is one. */
export function initPacingRate(bbr: Bbr, smoothedRttUs: number = NOMINAL_RTT_US): void {
  bbr.pacingBps = (bbr.params.startupPacingGain * bbr.initialCwnd * 8e6) / smoothedRttUs;
  setSendQuantum(bbr);
}

/** SetPacingRateWithGain of §5.6.2. Until the pipe is full the rate only rises. */
export function paceAt(bbr: Bbr, gain: number): void {
  const rate = gain * bbr.bw * bbr.params.pacingMargin;
  if (bbr.fullBwReached || rate > bbr.pacingBps) bbr.pacingBps = rate;
}

/** §5.6.3. */
export function setSendQuantum(bbr: Bbr): void {
  const bytes = Math.min((bbr.pacingBps * bbr.params.sendQuantumUs) / 8e6, MAX_SEND_QUANTUM);
  bbr.sendQuantum = Math.max(bytes, MIN_SEND_QUANTUM_PACKETS * bbr.datagramBytes);
}

/** ProbeRTTCwnd of §5.6.4.5: the code there, whose prose still says MinPipeCwnd. */
export function probeRttCwnd(bbr: Bbr): number {
  return Math.max(bdpMultiple(bbr, bbr.bw, bbr.params.probeRttCwndGain), bbr.minPipeCwnd);
}

/** SetCwnd of §5.6.4.6. */
export function setCwnd(bbr: Bbr, sample: AckSample): void {
  updateMaxInflight(bbr);
  const { ackedBytes } = sample;
  if (bbr.fullBwReached) {
    bbr.cwnd = Math.min(bbr.cwnd + ackedBytes, bbr.maxInflight);
  } else if (bbr.cwnd < bbr.maxInflight || growsFreely(bbr)) {
    bbr.cwnd += ackedBytes;
  }
  bbr.cwnd = Math.max(bbr.cwnd, bbr.minPipeCwnd);
  if (bbr.state === 'ProbeRTT') bbr.cwnd = Math.min(bbr.cwnd, probeRttCwnd(bbr));
  boundCwndForModel(bbr);
}

function growsFreely(bbr: Bbr): boolean {
  return bbr.rules.growsFreely === 'to-twice-initial'
    ? bbr.cwnd < 2 * bbr.initialCwnd
    : bbr.delivered < bbr.initialCwnd;
}

/** §5.6.4.7. */
function boundCwndForModel(bbr: Bbr): void {
  let cap = Number.POSITIVE_INFINITY;
  if (bbr.state === 'ProbeRTT' || bbr.state === 'ProbeBW_CRUISE') cap = inflightWithHeadroom(bbr);
  else if (bbr.isInAProbeBwState) cap = bbr.inflightLongterm;
  cap = Math.max(Math.min(cap, bbr.inflightShortterm), bbr.minPipeCwnd);
  bbr.cwnd = Math.min(bbr.cwnd, cap);
}
