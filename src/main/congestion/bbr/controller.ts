/** BBR as a congestion controller: the organisation of draft-ietf-ccwg-bbr-06 §5.2. */
import type { AckSample, CongestionController, ControllerSnapshot, LossSample } from '../controller.ts';
import { Bbr } from './bbr.ts';
import { initPacingRate, paceAt, setCwnd, setSendQuantum } from './control.ts';
import { checkDrainDone } from './drain.ts';
import { checkFullBwReached } from './full-pipe.ts';
import {
  enterLossRecovery,
  enterPersistentCongestion,
  exitLossRecovery,
  updateCongestionSignals,
} from './loss.ts';
import { handleLostPacket } from './lost-packet.ts';
import {
  advanceLatestDeliverySignals,
  boundBwForModel,
  updateAckAggregation,
  updateLatestDeliverySignals,
} from './model.ts';
import type { BbrParams } from './params.ts';
import { updateProbeBwCyclePhase } from './probe-bw.ts';
import { checkProbeRtt, handleRestartFromIdle, updateMinRtt } from './probe-rtt.ts';
import type { BbrRules } from './rules.ts';
import { checkStartupDone } from './startup.ts';
import { handleSpuriousLoss } from './undo.ts';
import { modelOf } from './view.ts';

export class BbrController implements CongestionController {
  readonly name: string;
  readonly #bbr: Bbr;

  constructor(name: string, datagramBytes: number, params: BbrParams, rules: BbrRules, random: () => number) {
    this.name = name;
    this.#bbr = new Bbr(datagramBytes, params, rules, random);
    initPacingRate(this.#bbr);
  }

  get cwnd(): number {
    return Math.floor(this.#bbr.cwnd);
  }

  get pacingBps(): number {
    return this.#bbr.pacingBps;
  }

  get sendQuantum(): number {
    return this.#bbr.sendQuantum;
  }

  onSent(nowUs: number, bytes: number, bytesInFlight: number, isAppLimited: boolean): void {
    const bbr = this.#bbr;
    if (!bbr.started) {
      startClock(bbr, nowUs);
    } else if (bytesInFlight === bytes && (isAppLimited || bbr.isProbeRttLimited(bbr.delivered))) {
      bbr.nowUs = nowUs;
      handleRestartFromIdle(bbr);
    }
    bbr.inflight = bytesInFlight;
    // C.is_cwnd_limited: no full packet fits any more.
    if (bytesInFlight + bbr.datagramBytes > bbr.cwnd) bbr.cwndLimitedUntil = bbr.delivered + bytesInFlight;
  }

  onAck(sample: AckSample): void {
    const bbr = this.#bbr;
    // Of a connection that had another controller before, acknowledgements may come first.
    if (!bbr.started) startClock(bbr, sample.nowUs);
    bbr.nowUs = sample.nowUs;
    bbr.delivered = sample.deliveredBytes;
    bbr.inflight = sample.bytesInFlight;
    bbr.deliveryRate = sample.deliveryRateBps ?? 0;
    bbr.sampleDelivered = sample.deliveredBytes - sample.priorDeliveredBytes;
    bbr.isAppLimited = sample.isAppLimited || bbr.isProbeRttLimited(sample.priorDeliveredBytes);
    if (!bbr.hasRtt && sample.rttUs !== null) {
      bbr.hasRtt = true;
      initPacingRate(bbr, sample.smoothedRttUs);
    }
    // RFC 9002 §7.3.2: recovery ends with the acknowledgement of a packet sent during it.
    if (bbr.inLossRecovery && sample.largestAckedSentAtUs > bbr.recoveryEndUs) exitLossRecovery(bbr);

    updateLatestDeliverySignals(bbr, sample);
    updateCongestionSignals(bbr, sample.priorDeliveredBytes);
    updateAckAggregation(bbr, sample.ackedBytes);
    checkFullBwReached(bbr);
    checkStartupDone(bbr, sample);
    checkDrainDone(bbr);
    updateProbeBwCyclePhase(bbr, sample);
    updateMinRtt(bbr, sample);
    checkProbeRtt(bbr);
    advanceLatestDeliverySignals(bbr);
    boundBwForModel(bbr);

    paceAt(bbr, bbr.pacingGain);
    setSendQuantum(bbr);
    setCwnd(bbr, sample);
  }

  onLoss(sample: LossSample): void {
    const bbr = this.#bbr;
    bbr.nowUs = sample.nowUs;
    bbr.delivered = sample.deliveredBytes;
    bbr.inflight = sample.bytesInFlight;
    if (sample.largestLostSentAtUs > bbr.recoveryStartUs) enterLossRecovery(bbr);
    let totalLost = sample.totalLostBytes - sample.lostBytes;
    for (const packet of sample.packets) {
      totalLost += packet.bytes;
      handleLostPacket(bbr, packet, totalLost);
    }
  }

  onPersistentCongestion(nowUs: number): void {
    this.#bbr.nowUs = nowUs;
    enterPersistentCongestion(this.#bbr);
  }

  onSpuriousLoss(nowUs: number): void {
    this.#bbr.nowUs = nowUs;
    handleSpuriousLoss(this.#bbr);
  }

  /** Packets say of themselves whether the application held them back; there is nothing to note. */
  onAppLimited(_nowUs: number, _bytesInFlight: number): void {}

  onDatagramSize(bytes: number): void {
    const bbr = this.#bbr;
    // RFC 9002 §7.2: the initial window follows the size while it is still in force.
    const isUntouched = bbr.delivered === 0 && bbr.cwnd === bbr.initialCwnd;
    bbr.datagramBytes = bytes;
    if (isUntouched) bbr.cwnd = bbr.initialCwnd;
    bbr.cwnd = Math.max(bbr.cwnd, bbr.minPipeCwnd);
    if (bbr.hasRtt) setSendQuantum(bbr);
    else initPacingRate(bbr);
  }

  snapshot(): ControllerSnapshot {
    const bbr = this.#bbr;
    return {
      name: this.name,
      state: bbr.state,
      cwnd: this.cwnd,
      ssthresh: null,
      pacingBps: bbr.pacingBps,
      bandwidthBps: bbr.maxBw === 0 ? null : bbr.bw,
      model: modelOf(bbr),
    };
  }
}

/** What §5.2.1 stamps with Now(): a controller has no clock before the first packet that is sent or acknowledged. */
function startClock(bbr: Bbr, nowUs: number): void {
  bbr.started = true;
  bbr.nowUs = nowUs;
  bbr.minRttStampUs = nowUs;
  bbr.probeRttMinStampUs = nowUs;
  bbr.extraAckedIntervalStartUs = nowUs;
}
