/** The model of the path from what is acknowledged: round trips, max_bw, aggregation, BDP. Draft §5.5.1–§5.5.9, §5.6.4.2. */
import type { AckSample } from '../controller.ts';
import type { Bbr } from './bbr.ts';

export function startRound(bbr: Bbr): void {
  bbr.nextRoundDelivered = bbr.delivered;
}

function updateRound(bbr: Bbr, priorDelivered: number): void {
  bbr.roundStart = priorDelivered >= bbr.nextRoundDelivered;
  if (!bbr.roundStart) return;
  startRound(bbr);
  bbr.roundCount++;
  bbr.roundsSinceProbeUp++;
}

/** §5.5.5. */
export function updateMaxBw(bbr: Bbr, priorDelivered: number): void {
  updateRound(bbr, priorDelivered);
  const { deliveryRate } = bbr;
  if (deliveryRate === 0 || (bbr.isAppLimited && deliveryRate < bbr.maxBw)) return;
  bbr.maxBwFilter.add(deliveryRate);
  bbr.maxBw = bbr.maxBwFilter.value;
}

/** §5.5.6. A cycle without a sample is none: what is known would be forgotten for nothing. */
export function advanceMaxBwFilter(bbr: Bbr): void {
  if (bbr.maxBwFilter.current === 0) return;
  bbr.cycleCount++;
  bbr.maxBwFilter.advance(bbr.params.maxBwFilterLen);
}

/** §5.5.9. */
export function updateAckAggregation(bbr: Bbr, ackedBytes: number): void {
  let expected = (bbr.bw * (bbr.nowUs - bbr.extraAckedIntervalStartUs)) / 8e6;
  if (bbr.extraAckedDelivered <= expected) {
    resetAckAggregation(bbr);
    expected = 0;
  }
  bbr.extraAckedDelivered += ackedBytes;
  const extra = Math.min(bbr.extraAckedDelivered - expected, bbr.cwnd);
  if (bbr.roundStart) {
    const rounds = bbr.fullBwReached ? bbr.params.extraAckedFilterLen : 1;
    if (!bbr.rules.extraAckedTwoSlots) {
      bbr.extraAckedFilter.advance(rounds);
    } else if (++bbr.extraAckedSlotRounds >= rounds) {
      bbr.extraAckedSlotRounds = 0;
      bbr.extraAckedFilter.advance(2);
    }
  }
  bbr.extraAckedFilter.add(extra);
  bbr.extraAcked = bbr.extraAckedFilter.value;
}

export function resetAckAggregation(bbr: Bbr): void {
  bbr.extraAckedDelivered = 0;
  bbr.extraAckedIntervalStartUs = bbr.nowUs;
}

/** BDPMultiple of §5.6.4.2, at a bandwidth in bits per second. */
export function bdpMultiple(bbr: Bbr, bw: number, gain: number): number {
  if (bbr.minRttUs === Number.POSITIVE_INFINITY) return bbr.initialCwnd;
  return (gain * bw * bbr.minRttUs) / 8e6;
}

function withBudgets(bbr: Bbr, inflight: number): number {
  const budget = bbr.rules.offloadQuanta * bbr.sendQuantum;
  const cap = Math.max(inflight, budget, bbr.minPipeCwnd);
  return bbr.state === 'ProbeBW_UP' ? cap + 2 * bbr.datagramBytes : cap;
}

/** Inflight of §5.6.4.2. */
export function inflightFor(bbr: Bbr, bw: number, gain: number): number {
  return withBudgets(bbr, bdpMultiple(bbr, bw, gain));
}

export function updateMaxInflight(bbr: Bbr): void {
  let extra = bbr.extraAcked;
  const { extraAckedMaxUs } = bbr.rules;
  if (extraAckedMaxUs !== Number.POSITIVE_INFINITY) extra = Math.min(extra, (bbr.bw * extraAckedMaxUs) / 8e6);
  bbr.maxInflight = withBudgets(bbr, bdpMultiple(bbr, bbr.bw, bbr.cwndGain) + extra);
}

/** §5.3.3.8: the estimated BDP, unless congestion cut the window. */
export function targetInflight(bbr: Bbr): number {
  const bdp = bbr.rules.targetHasBudgets ? inflightFor(bbr, bbr.bw, 1) : bdpMultiple(bbr, bbr.bw, 1);
  return Math.min(bdp, bbr.cwnd);
}

/** §5.3.3.9. */
export function inflightWithHeadroom(bbr: Bbr): number {
  const { inflightLongterm } = bbr;
  if (inflightLongterm === Number.POSITIVE_INFINITY) return inflightLongterm;
  const headroom = Math.max(bbr.datagramBytes, bbr.params.headroom * inflightLongterm);
  return Math.max(inflightLongterm - headroom, bbr.minPipeCwnd);
}

/** UpdateLatestDeliverySignals of §5.5.10.3, near the start of an ACK. */
export function updateLatestDeliverySignals(bbr: Bbr, sample: AckSample): void {
  bbr.bwLatest = Math.max(bbr.bwLatest, bbr.deliveryRate);
  bbr.inflightLatest = Math.max(bbr.inflightLatest, bbr.sampleDelivered);
  bbr.lossRoundStart = sample.priorDeliveredBytes >= bbr.lossRoundDelivered;
  if (bbr.lossRoundStart) bbr.lossRoundDelivered = bbr.delivered;
}

/** AdvanceLatestDeliverySignals of §5.5.10.3, near the end of it. */
export function advanceLatestDeliverySignals(bbr: Bbr): void {
  if (!bbr.lossRoundStart) return;
  bbr.bwLatest = bbr.deliveryRate;
  bbr.inflightLatest = bbr.sampleDelivered;
}

export function resetCongestionSignals(bbr: Bbr): void {
  bbr.isLossInRound = false;
  bbr.bwLatest = 0;
  bbr.inflightLatest = 0;
}

export function resetShortTermModel(bbr: Bbr): void {
  bbr.bwShortterm = Number.POSITIVE_INFINITY;
  bbr.inflightShortterm = Number.POSITIVE_INFINITY;
}

export function boundBwForModel(bbr: Bbr): void {
  bbr.bw = Math.min(bbr.maxBw, bbr.bwShortterm);
}
