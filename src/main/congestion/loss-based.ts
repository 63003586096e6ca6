/**
 * What NewReno and CUBIC share: slow start, recovery periods, the freeze of an unused window, persistent congestion
 * and the pacing rate (RFC 9002 §7 and Appendix B). They differ in how far the window falls and how it grows back.
 */
import type {
  AckSample,
  CongestionController,
  ControllerSnapshot,
  LossSample,
  ParameterSpec,
} from './controller.ts';
import { HyStart } from './hystart.ts';
import { INITIAL_WINDOW, initialWindow } from './initial-window.ts';

/** Bounds of one burst whatever the rate; the upper is what a kernel takes as one GSO buffer. */
const MAX_SEND_QUANTUM = 65_536;
const MIN_SEND_QUANTUM_PACKETS = 2;

/** Parameters of every loss-based controller. */
export function lossBasedParameters(defaults: { hyStart: 0 | 1 }): ParameterSpec[] {
  return [
    INITIAL_WINDOW,
    {
      name: 'MinimumWindow',
      default: 2,
      unit: 'packets',
      min: 2,
      max: 16,
      section: 'RFC 9002 §7.2',
      doc: 'kMinimumWindow: the window after persistent congestion, and the least after a loss.',
    },
    {
      name: 'PacingGain',
      default: 1.25,
      unit: 'ratio',
      min: 1,
      max: 4,
      section: 'RFC 9002 §7.7',
      doc: 'N in: pacing rate = N × window / smoothed RTT, in congestion avoidance and recovery.',
    },
    {
      name: 'SlowStartPacingGain',
      default: 2,
      unit: 'ratio',
      min: 1,
      max: 4,
      section: 'RFC 9002 §7.7',
      doc: 'The same factor in slow start, where the window doubles every round trip.',
    },
    {
      name: 'SendQuantum',
      default: 1,
      unit: 'ms',
      min: 0.25,
      max: 4,
      section: 'RFC 9002 §7.7',
      doc: 'Longest burst, as time at the pacing rate; held within 2 packets and 64 KB.',
    },
    {
      name: 'HyStart',
      default: defaults.hyStart,
      unit: 'count',
      min: 0,
      max: 1,
      section: 'RFC 9406 §4.2',
      doc: 'HyStart++ leaves the first slow start when the RTT rises: 1 on, 0 off.',
    },
  ];
}

export abstract class LossBasedController implements CongestionController {
  abstract readonly name: string;
  /** Bytes of UDP payload in a full packet. */
  protected datagramBytes: number;
  /** Bytes, fractions included: small acknowledgements must add up. */
  protected window: number;
  protected ssthresh = Number.POSITIVE_INFINITY;

  readonly #parameters: Readonly<Record<string, number>>;
  readonly #hyStart: HyStart | null;
  /** RFC 9002 §7.3.2: losses of packets sent before this instant belong to the same congestion event. */
  #recoveryStartUs = Number.NEGATIVE_INFINITY;
  #inRecovery = false;
  #untouched = true;
  #smoothedRttUs: number | null = null;

  constructor(datagramBytes: number, parameters: Readonly<Record<string, number>>) {
    this.#parameters = parameters;
    this.datagramBytes = datagramBytes;
    this.window = this.#initialWindow;
    this.#hyStart = parameters['HyStart'] === 1 ? new HyStart() : null;
  }

  get cwnd(): number {
    return Math.floor(this.window);
  }

  get pacingBps(): number | null {
    if (this.#smoothedRttUs === null) return null;
    const gain = this.#parameters[this.#inSlowStart ? 'SlowStartPacingGain' : 'PacingGain']!;
    return (gain * this.window * 8e6) / this.#smoothedRttUs;
  }

  get sendQuantum(): number {
    const least = MIN_SEND_QUANTUM_PACKETS * this.datagramBytes;
    const bytes = ((this.pacingBps ?? 0) * this.#parameters['SendQuantum']!) / 8e3;
    return Math.max(least, Math.min(bytes, MAX_SEND_QUANTUM));
  }

  onSent(_nowUs: number, _bytes: number, _bytesInFlight: number, _isAppLimited: boolean): void {}

  onAck(sample: AckSample): void {
    this.#smoothedRttUs = sample.smoothedRttUs;
    // RFC 9002 §7.3.2: recovery ends with the acknowledgement of a packet sent during it.
    if (sample.largestAckedSentAtUs <= this.#recoveryStartUs) return;
    this.#inRecovery = false;
    // RFC 9406 §4.2: only for the first slow start, while ssthresh has no value yet.
    const hyStart = this.ssthresh === Number.POSITIVE_INFINITY ? this.#hyStart : null;
    if (hyStart?.onAck(sample)) this.ssthresh = this.window;
    // RFC 9002 §7.8: a window that was not used tells nothing about the path. One used up to the last packet was. One that
    // was not even half used is held back by something else, flow control or a sender without the time to fill it.
    if (sample.isAppLimited && sample.priorInFlight + this.datagramBytes < this.cwnd) return;
    if (2 * sample.priorInFlight < this.cwnd) return;
    this.#untouched = false;
    let { ackedBytes } = sample;
    if (this.#inSlowStart) {
      const grown = Math.min(ackedBytes, this.ssthresh - this.window) / (hyStart?.divisor ?? 1);
      this.window += grown;
      if (this.#inSlowStart) return;
      ackedBytes -= grown;
    }
    this.grow(sample, ackedBytes);
  }

  onLoss(sample: LossSample): void {
    if (sample.largestLostSentAtUs <= this.#recoveryStartUs) return;
    this.#recoveryStartUs = sample.nowUs;
    this.#inRecovery = true;
    this.#untouched = false;
    this.ssthresh = Math.max(this.reduced(), this.#minimumWindow);
    this.window = this.ssthresh;
  }

  onPersistentCongestion(_nowUs: number): void {
    this.window = this.#minimumWindow;
    // RFC 9002 B.8: what is sent from now on may end slow start again.
    this.#recoveryStartUs = Number.NEGATIVE_INFINITY;
    this.#inRecovery = false;
    this.restart();
  }

  onSpuriousLoss(_nowUs: number): void {}

  abstract onAppLimited(nowUs: number, bytesInFlight: number): void;

  onDatagramSize(bytes: number): void {
    this.datagramBytes = bytes;
    // RFC 9002 §7.2: the initial window follows the size while it is still in force.
    if (this.#untouched) this.window = this.#initialWindow;
    this.window = Math.max(this.window, this.#minimumWindow);
  }

  snapshot(): ControllerSnapshot {
    return {
      name: this.name,
      state: this.#inRecovery ? 'recovery' : this.#inSlowStart ? 'slow-start' : 'congestion-avoidance',
      cwnd: this.cwnd,
      ssthresh: Number.isFinite(this.ssthresh) ? Math.floor(this.ssthresh) : null,
      pacingBps: this.pacingBps,
      bandwidthBps: null,
    };
  }

  /** The window of congestion avoidance after `ackedBytes` more of a fully used window. */
  protected abstract grow(sample: AckSample, ackedBytes: number): void;
  /** The window a congestion event leaves, before it is held to the minimum. */
  protected abstract reduced(): number;
  /** Persistent congestion: what was learned of the path is void. */
  protected abstract restart(): void;

  get #inSlowStart(): boolean {
    return this.window < this.ssthresh;
  }

  get #initialWindow(): number {
    return initialWindow(this.#parameters['InitialWindow']!, this.datagramBytes);
  }

  get #minimumWindow(): number {
    return this.#parameters['MinimumWindow']! * this.datagramBytes;
  }
}
