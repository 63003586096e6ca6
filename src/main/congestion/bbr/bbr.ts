/**
 * The variables of BBR, draft-ietf-ccwg-bbr-06 §2 and §5.2.1. The files beside this one are the functions of its §5,
 * one concern each. Numbers stay numbers (Infinity: not set), so that an ACK allocates nothing.
 */
import { initialWindow } from '../initial-window.ts';
import type { BbrParams } from './params.ts';
import type { BbrRules } from './rules.ts';
import { SlottedMax } from './slotted-max.ts';
import type { AckPhase, BbrState } from './types.ts';

export class Bbr {
  readonly params: BbrParams;
  readonly rules: BbrRules;
  /** Uniform on [0, 1). */
  readonly random: () => number;

  // The connection, C: SMSS and what the newest event told.
  datagramBytes: number;
  nowUs = 0;
  delivered = 0;
  inflight = 0;
  /** Delivered bytes up to which C.is_cwnd_limited holds: a round trip from when the window was last full. */
  cwndLimitedUntil = -1;
  inLossRecovery = false;
  /** Losses of packets sent up to then are part of the newest recovery. */
  recoveryStartUs = Number.NEGATIVE_INFINITY;
  /** It ends with the acknowledgement of a packet sent after that. */
  recoveryEndUs = Number.NEGATIVE_INFINITY;
  hasRtt = false;
  /** The first packet has been sent, or acknowledged: time counts from there. */
  started = false;

  // The rate sample, RS, of the ACK being processed; a rate of 0 is none.
  deliveryRate = 0;
  sampleDelivered = 0;
  isAppLimited = false;

  // Output, C.
  cwnd: number;
  pacingBps: number;
  sendQuantum: number;

  state: BbrState = 'Startup';
  pacingGain: number;
  cwndGain: number;

  // Round trips, §5.5.1.
  roundCount = 0;
  roundStart = false;
  nextRoundDelivered = 0;

  // Rate, bits per second.
  maxBw = 0;
  readonly maxBwFilter: SlottedMax;
  cycleCount = 0;
  bw = 0;
  bwShortterm = Number.POSITIVE_INFINITY;
  bwLatest = 0;

  // Volume, bytes.
  maxInflight = 0;
  inflightLongterm = Number.POSITIVE_INFINITY;
  inflightShortterm = Number.POSITIVE_INFINITY;
  inflightLatest = 0;
  extraAcked = 0;
  readonly extraAckedFilter: SlottedMax;
  extraAckedSlotRounds = 0;
  extraAckedIntervalStartUs = 0;
  extraAckedDelivered = 0;

  // Loss in this round trip.
  isLossInRound = false;
  lossRoundDelivered = 0;
  lossRoundStart = false;
  /** Separate ranges lost in it, and where the last of them ended, in bytes sent. */
  lostRangesInRound = 0;
  lostUpTo = -1;

  // Is the pipe full? §5.3.1.2.
  fullBwReached = false;
  fullBwNow = false;
  fullBw = 0;
  fullBwCount = 0;
  drainStartRound = 0;

  // ProbeBW.
  ackPhase: AckPhase = 'ACKS_INIT';
  isBwProbeSample = false;
  bwProbeUpAcked = 0;
  probeUpAckedPerInc = Number.POSITIVE_INFINITY;
  bwProbeUpRounds = 0;
  roundsSinceProbeUp = 0;
  bwProbeWaitUs = 0;
  cycleStampUs = 0;
  prevProbeTooHigh = false;
  prevProbePrecautionary = false;

  // RTT and ProbeRTT.
  minRttUs = Number.POSITIVE_INFINITY;
  minRttStampUs = 0;
  probeRttMinDelayUs = Number.POSITIVE_INFINITY;
  probeRttMinStampUs = 0;
  probeRttExpired = false;
  /** 0: not yet down at the window of ProbeRTT. */
  probeRttDoneStampUs = 0;
  probeRttRoundDone = false;
  /** Packets sent with this much delivered, from and to, count as application-limited: §5.3.4.3 marks them. */
  probeRttLimitedFrom = 0;
  probeRttLimitedUntil = -1;
  idleRestart = false;

  // Undo.
  priorCwnd = 0;
  undoState: 'Startup' | 'ProbeBW_UP' | null = null;
  undoBwShortterm = 0;
  undoInflightShortterm = 0;
  undoInflightLongterm = 0;
  undoRecoveryStartUs = Number.NEGATIVE_INFINITY;

  constructor(datagramBytes: number, params: BbrParams, rules: BbrRules, random: () => number) {
    this.params = params;
    this.rules = rules;
    this.random = random;
    this.datagramBytes = datagramBytes;
    this.maxBwFilter = new SlottedMax(params.maxBwFilterLen);
    this.extraAckedFilter = new SlottedMax(rules.extraAckedTwoSlots ? 2 : params.extraAckedFilterLen);
    this.cwnd = this.initialCwnd;
    this.pacingGain = params.startupPacingGain;
    this.cwndGain = params.defaultCwndGain;
    this.pacingBps = 0;
    this.sendQuantum = 0;
  }

  get initialCwnd(): number {
    return initialWindow(this.params.initialPackets, this.datagramBytes);
  }

  get minPipeCwnd(): number {
    return this.params.minPipePackets * this.datagramBytes;
  }

  get isCwndLimited(): boolean {
    return this.delivered <= this.cwndLimitedUntil;
  }

  get isInAProbeBwState(): boolean {
    const { state } = this;
    return state !== 'Startup' && state !== 'Drain' && state !== 'ProbeRTT';
  }

  get isProbingBw(): boolean {
    const { state } = this;
    return state === 'Startup' || state === 'ProbeBW_REFILL' || state === 'ProbeBW_UP';
  }

  /** Whether a packet sent with so much delivered was marked application-limited by ProbeRTT, §5.3.4.3. */
  isProbeRttLimited(delivered: number): boolean {
    return delivered >= this.probeRttLimitedFrom && delivered <= this.probeRttLimitedUntil;
  }
}
