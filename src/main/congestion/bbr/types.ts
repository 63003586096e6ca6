/** What BBR believes of the path and of itself: draft names in camel case. Bounds that are not set are null. */

export const BBR_STATES = [
  'Startup',
  'Drain',
  'ProbeBW_DOWN',
  'ProbeBW_CRUISE',
  'ProbeBW_REFILL',
  'ProbeBW_UP',
  'ProbeRTT',
] as const;
export type BbrState = (typeof BBR_STATES)[number];

export type AckPhase =
  | 'ACKS_INIT'
  | 'ACKS_REFILLING'
  | 'ACKS_PROBE_STARTING'
  | 'ACKS_PROBE_FEEDBACK'
  | 'ACKS_PROBE_STOPPING';

/** Rates in bits per second, volumes in bytes, times in microseconds. */
export interface BbrModel {
  pacingGain: number;
  cwndGain: number;
  roundCount: number;
  isCwndLimited: boolean;
  isAppLimited: boolean;
  inLossRecovery: boolean;
  idleRestart: boolean;
  // The path.
  maxBwBps: number;
  bwShorttermBps: number | null;
  bwLatestBps: number;
  minRttUs: number | null;
  probeRttMinDelayUs: number | null;
  bdpBytes: number;
  extraAckedBytes: number;
  maxInflightBytes: number;
  inflightLongtermBytes: number | null;
  inflightShorttermBytes: number | null;
  inflightLatestBytes: number;
  /** InflightWithHeadroom() and Inflight(1.0) of the draft: what ProbeBW_DOWN drains to. */
  inflightWithHeadroomBytes: number | null;
  inflightTargetBytes: number;
  // Is the pipe full?
  fullBwBps: number;
  fullBwCount: number;
  fullBwNow: boolean;
  fullBwReached: boolean;
  drainStartRound: number;
  // Probing for bandwidth.
  ackPhase: AckPhase;
  cycleCount: number;
  cycleStampUs: number;
  isBwProbeSample: boolean;
  isLossInRound: boolean;
  prevProbeTooHigh: boolean;
  prevProbePrecautionary: boolean;
  bwProbeUpRounds: number;
  probeUpAckedPerIncBytes: number | null;
  roundsSinceProbeUp: number;
  bwProbeWaitUs: number;
  // What a spurious loss restores.
  priorCwnd: number;
  undoState: 'Startup' | 'ProbeBW_UP' | null;
  undoBwShorttermBps: number | null;
  undoInflightShorttermBytes: number | null;
  undoInflightLongtermBytes: number | null;
}
