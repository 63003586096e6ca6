/**
 * BBRv1: Linux's tcp_bbr.c before version 3, which is draft-cardwell-iccrg-bbr-congestion-control-00 with ACK aggregation
 * and a policer detector. Bytes and bits per second where Linux has packets and packets per microsecond.
 */
import type {
  AckSample,
  CongestionController,
  ControllerFactory,
  ControllerSnapshot,
  LossSample,
} from '../controller.ts';
import { initialWindow } from '../initial-window.ts';
import { AckAggregation } from './ack-aggregation.ts';
import { FullPipe } from './full-pipe.ts';
import { LossRecovery } from './loss-recovery.ts';
import { PathModel } from './model.ts';
import { Pacing } from './pacing.ts';
import { type Bbr1Params, bbr1Parameters, bbr1Params } from './params.ts';
import { Policer } from './policer.ts';
import { GainCycle } from './probe-bw.ts';
import { ProbeRtt } from './probe-rtt.ts';

/** Quanta in flight beyond the BDP: one each in the sender's queue, on its link and at the receiver (§4.2.3.2). */
const QUANTA = 3;

class Bbr1 implements CongestionController {
  readonly name = 'bbr1';
  readonly #params: Bbr1Params;
  readonly #model: PathModel;
  readonly #aggregation: AckAggregation;
  readonly #fullPipe: FullPipe;
  readonly #cycle: GainCycle;
  readonly #probeRtt: ProbeRtt;
  readonly #policer: Policer;
  readonly #pacing: Pacing;
  readonly #recovery = new LossRecovery();
  #state: 'Startup' | 'Drain' | 'ProbeBW' | 'ProbeRTT' = 'Startup';
  #datagramBytes: number;
  #cwnd: number;
  /** The estimate in force, a policer's rate or that of the model; 0 before the first sample. */
  #bandwidthBps = 0;
  #idleRestart = false;
  // Totals of the connection, as last heard.
  #deliveredBytes = 0;
  #totalLostBytes = 0;

  constructor(datagramBytes: number, params: Bbr1Params, random: () => number) {
    this.#params = params;
    this.#datagramBytes = datagramBytes;
    this.#cwnd = initialWindow(params.initialPackets, datagramBytes);
    this.#model = new PathModel(params);
    this.#aggregation = new AckAggregation(params.extraAckedFilterLen);
    this.#fullPipe = new FullPipe(params);
    this.#cycle = new GainCycle(params, random);
    this.#probeRtt = new ProbeRtt(this.#model, params);
    this.#policer = new Policer(params);
    this.#pacing = new Pacing(params, datagramBytes);
  }

  get cwnd(): number {
    return Math.floor(this.#cwnd);
  }

  get pacingBps(): number | null {
    const { bps } = this.#pacing;
    return bps === 0 ? null : bps;
  }

  get sendQuantum(): number {
    return this.#pacing.sendQuantum;
  }

  /** §4.3.4.4. */
  onSent(nowUs: number, bytes: number, bytesInFlight: number, isAppLimited: boolean): void {
    if (bytesInFlight !== bytes) return;
    if (!isAppLimited && !this.#probeRtt.limited(this.#deliveredBytes)) return;
    this.#idleRestart = true;
    this.#aggregation.restart(nowUs);
    if (this.#state === 'ProbeBW') this.#pace(this.#bandwidthBps, 1);
    else if (this.#state === 'ProbeRTT' && this.#probeRtt.isOver(nowUs)) this.#exitProbeRtt(nowUs);
  }

  onAck(sample: AckSample): void {
    // §4.2.1: first the initial window per RTT.
    if (this.#pacing.bps === 0) this.#pace((this.#cwnd * 8e6) / sample.smoothedRttUs, this.#pacingGain);
    this.#deliveredBytes = sample.deliveredBytes;
    const begins = this.#recovery.begins(sample.largestAckedSentAtUs);
    const isAppLimited = sample.isAppLimited || this.#probeRtt.limited(sample.priorDeliveredBytes);
    this.#updateBandwidth(sample, isAppLimited);
    if (this.#state === 'ProbeBW') this.#updateCycle(sample);
    if (this.#model.roundStart && !isAppLimited) this.#fullPipe.check(this.#model.maxBwBps);
    this.#checkDrain(sample);
    this.#updateMinRtt(sample);
    this.#pace(this.#bandwidthBps, this.#pacingGain);
    if (begins) this.#model.restartRound(sample.deliveredBytes);
    this.#setCwnd(sample);
  }

  onLoss(sample: LossSample): void {
    this.#totalLostBytes = sample.totalLostBytes;
    this.#recovery.onLoss(sample.nowUs, sample.lostBytes, this.#cwnd, this.#state === 'ProbeRTT');
  }

  /** What Linux does on a retransmission timeout, with the minimum window of RFC 9002 §7.6. */
  onPersistentCongestion(nowUs: number): void {
    this.#recovery.onCollapse(nowUs, this.#cwnd, this.#state === 'ProbeRTT');
    this.#fullPipe.rebase();
    this.#model.markRound();
    this.#samplePolicer(nowUs, true, false);
    this.#cwnd = Math.min(this.#cwnd, this.#minPipeCwnd);
  }

  /** §4.2.3.4; the bandwidth that the losses seemed to cost is looked for again. */
  onSpuriousLoss(_nowUs: number): void {
    this.#fullPipe.restart();
    this.#policer.reset();
    this.#recovery.cancel();
  }

  /** Packets say of themselves whether the application held them back; there is nothing to note. */
  onAppLimited(_nowUs: number, _bytesInFlight: number): void {}

  onDatagramSize(bytes: number): void {
    // RFC 9002 §7.2: the initial window follows the size while it is still in force.
    const isUntouched = this.#pacing.bps === 0 && this.#totalLostBytes === 0;
    this.#datagramBytes = bytes;
    this.#pacing.onDatagramSize(bytes);
    if (isUntouched) this.#cwnd = initialWindow(this.#params.initialPackets, bytes);
    this.#cwnd = Math.max(this.#cwnd, this.#minPipeCwnd);
  }

  snapshot(): ControllerSnapshot {
    const bandwidthBps = this.#bandwidthBps;
    return {
      name: this.name,
      state: this.#state === 'ProbeBW' ? `ProbeBW_${this.#cycle.phase}` : this.#state,
      cwnd: this.cwnd,
      ssthresh: null,
      pacingBps: this.pacingBps,
      bandwidthBps: bandwidthBps === 0 ? null : bandwidthBps,
    };
  }

  get #minPipeCwnd(): number {
    return this.#params.minPipePackets * this.#datagramBytes;
  }

  get #pacingGain(): number {
    if (this.#state === 'ProbeBW') return this.#policer.rateBps > 0 ? 1 : this.#cycle.pacingGain;
    if (this.#state === 'Startup') return this.#params.startupPacingGain;
    return this.#state === 'Drain' ? this.#params.drainPacingGain : 1;
  }

  get #cwndGain(): number {
    if (this.#state === 'ProbeBW') return this.#params.probeBwCwndGain;
    return this.#state === 'ProbeRTT' ? 1 : this.#params.startupCwndGain;
  }

  /** §4.1.1. */
  #updateBandwidth(sample: AckSample, isAppLimited: boolean): void {
    const model = this.#model;
    if (sample.deliveryRateBps === null) {
      model.noRound();
      return;
    }
    if (model.updateRound(sample)) this.#recovery.onRound();
    this.#samplePolicer(sample.nowUs, this.#recovery.lostBytes > 0, isAppLimited);
    model.updateBandwidth(sample, isAppLimited);
    this.#bandwidthBps = this.#policer.rateBps || model.maxBwBps;
    this.#aggregation.update(sample, this.#bandwidthBps, this.#cwnd, model.roundStart);
  }

  #samplePolicer(nowUs: number, hasLoss: boolean, isAppLimited: boolean): void {
    const { roundStart } = this.#model;
    if (this.#policer.rateBps === 0) {
      this.#policer.sample(
        nowUs,
        this.#deliveredBytes,
        this.#totalLostBytes,
        hasLoss,
        isAppLimited,
        roundStart,
      );
    } else if (this.#policer.expire(roundStart, this.#state === 'ProbeBW')) {
      this.#cycle.start(nowUs);
    }
  }

  /** §4.3.4.3. */
  #updateCycle({ nowUs, priorInFlight }: AckSample): void {
    const cycle = this.#cycle;
    let isOver = cycle.isFullLength(nowUs, this.#model.minRttUs);
    if (this.#policer.rateBps === 0) {
      if (cycle.isUp) {
        // Until the flight shows the probe, or the path that it cannot hold it. Linux counts the burst about to leave.
        isOver &&=
          this.#recovery.lostBytes > 0 ||
          priorInFlight + this.#pacing.sendQuantum >= this.#inflight(this.#params.upPacingGain);
      } else if (cycle.isDown) {
        isOver ||= priorInFlight <= this.#inflight(1);
      }
    }
    if (isOver) cycle.advance(nowUs);
  }

  /** §4.3.3. */
  #checkDrain({ nowUs, bytesInFlight }: AckSample): void {
    if (this.#state === 'Startup' && this.#fullPipe.isReached) this.#state = 'Drain';
    if (this.#state === 'Drain' && bytesInFlight <= this.#inflight(1)) this.#enterProbeBw(nowUs);
  }

  #enterProbeBw(nowUs: number): void {
    this.#state = 'ProbeBW';
    this.#cycle.start(nowUs);
  }

  /** §4.3.5. */
  #updateMinRtt({ nowUs, rttUs, deliveredBytes, bytesInFlight }: AckSample): void {
    const isDue = this.#probeRtt.update(nowUs, rttUs);
    if (isDue && !this.#idleRestart && this.#state !== 'ProbeRTT') {
      this.#recovery.save(this.#cwnd, false);
      this.#state = 'ProbeRTT';
      this.#probeRtt.enter(deliveredBytes);
    }
    if (
      this.#state === 'ProbeRTT' &&
      this.#probeRtt.onAck(nowUs, deliveredBytes, bytesInFlight, bytesInFlight <= this.#minPipeCwnd)
    ) {
      this.#exitProbeRtt(nowUs);
    }
    this.#idleRestart = false;
  }

  #exitProbeRtt(nowUs: number): void {
    this.#probeRtt.exit(nowUs);
    this.#cwnd = this.#recovery.restored(this.#cwnd);
    if (this.#fullPipe.isReached) this.#enterProbeBw(nowUs);
    else this.#state = 'Startup';
  }

  #pace(bandwidthBps: number, gain: number): void {
    this.#pacing.set(gain * bandwidthBps, this.#fullPipe.isReached, this.#datagramBytes);
  }

  /** §4.2.3.2: a multiple of the BDP of the path, with what quantised sending needs. */
  #inflight(gain: number): number {
    const { minRttUs } = this.#model;
    if (minRttUs === Number.POSITIVE_INFINITY) {
      return initialWindow(this.#params.initialPackets, this.#datagramBytes);
    }
    return this.#quantised((gain * this.#model.maxBwBps * minRttUs) / 8e6);
  }

  #quantised(bytes: number): number {
    // An even number of packets, so that no ACK is delayed; a probe is above the BDP however small that is.
    const pair = 2 * this.#datagramBytes;
    const even = Math.ceil((bytes + QUANTA * this.#pacing.sendQuantum) / pair) * pair;
    return this.#state === 'ProbeBW' && this.#cycle.isUp ? even + pair : even;
  }

  /** §4.2.3.6. */
  #setCwnd(sample: AckSample): void {
    const { ackedBytes, bytesInFlight } = sample;
    const minPipe = this.#minPipeCwnd;
    const recovery = this.#recovery;
    let cwnd = recovery.modulated(this.#cwnd, ackedBytes, bytesInFlight, this.#datagramBytes);
    if (!recovery.conserves) {
      const target = this.#targetCwnd();
      if (this.#fullPipe.isReached) {
        cwnd = Math.min(cwnd + ackedBytes, target);
      } else if (cwnd < target || sample.deliveredBytes < this.#params.initialPackets * this.#datagramBytes) {
        cwnd += ackedBytes;
      }
      cwnd = Math.max(cwnd, minPipe);
    }
    this.#cwnd = this.#state === 'ProbeRTT' ? Math.min(cwnd, minPipe) : cwnd;
  }

  #targetCwnd(): number {
    const bandwidthBps = this.#bandwidthBps;
    const { minRttUs } = this.#model;
    if (minRttUs === Number.POSITIVE_INFINITY) return this.#inflight(1);
    const extra = this.#fullPipe.isReached ? this.#aggregation.allowance(bandwidthBps) : 0;
    return this.#quantised((this.#cwndGain * bandwidthBps * minRttUs) / 8e6 + extra);
  }
}

export const bbr1: ControllerFactory = {
  name: 'bbr1',
  parameters: bbr1Parameters,
  states: ['Startup', 'Drain', 'ProbeBW_UP', 'ProbeBW_DOWN', 'ProbeBW_CRUISE', 'ProbeRTT'],
  create: ({ datagramBytes, parameters, random }) => new Bbr1(datagramBytes, bbr1Params(parameters), random),
};
