/**
 * What NewReno and CUBIC share: slow start, recovery periods, the freeze of an unused window, persistent congestion
 * and the pacing rate (RFC 9002 §7 and Appendix B), the proportional way down (RFC 9937) and the way back from losses
 * that were none (RFC 9438 §4.9). They differ in how far the window falls and how it grows back.
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
import { Prr } from './prr.ts';

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
    {
      name: 'PRR',
      default: 1,
      unit: 'count',
      min: 0,
      max: 1,
      section: 'RFC 9937 §6',
      doc: 'Recovery shrinks the flight in proportion to what arrives, not at one stroke: 1 on, 0 off.',
    },
    {
      name: 'SpuriousUndo',
      default: 1,
      unit: 'count',
      min: 0,
      max: 1,
      section: 'RFC 9438 §4.9',
      doc: 'Takes a reduction back when all its losses turn out to be none: 1 on, 0 off.',
    },
  ];
}

export abstract class LossBasedController implements CongestionController {
  abstract readonly name: string;
  /** Bytes of UDP payload in a full packet. */
  protected datagramBytes: number;
  /** Bytes, fractions included: small acknowledgements must add up. In recovery with PRR: the flight and what may join it. */
  protected window: number;
  protected ssthresh = Number.POSITIVE_INFINITY;

  readonly #parameters: Readonly<Record<string, number>>;
  readonly #pacingGain: number;
  readonly #slowStartPacingGain: number;
  readonly #quantumMs: number;
  readonly #hyStart: HyStart | null;
  readonly #prr: Prr | null;
  /** RFC 9002 §7.3.2: the window does not grow with acknowledgements of packets sent before this instant. */
  #recoveryStartUs = Number.NEGATIVE_INFINITY;
  /** Losses of packets sent before this instant belong to a congestion event that was answered. */
  #answeredUntilUs = Number.NEGATIVE_INFINITY;
  #inRecovery = false;
  /** What the newest congestion event changed, for the case that there was none; `#canUndo` until that is void. */
  #canUndo = false;
  #undoWindow = 0;
  #undoSsthresh = 0;
  #undoRecoveryStartUs = 0;
  #undoAnsweredUntilUs = 0;
  #untouched = true;
  /** 0 before the first sample. */
  #smoothedRttUs = 0;
  /** 0 after whatever changed window or RTT, until it is asked for. */
  #pacingBps = 0;

  constructor(datagramBytes: number, parameters: Readonly<Record<string, number>>) {
    this.#parameters = parameters;
    this.#pacingGain = parameters['PacingGain']!;
    this.#slowStartPacingGain = parameters['SlowStartPacingGain']!;
    this.#quantumMs = parameters['SendQuantum']!;
    this.datagramBytes = datagramBytes;
    this.window = this.#initialWindow;
    this.#hyStart = parameters['HyStart'] === 1 ? new HyStart() : null;
    this.#prr = parameters['PRR'] === 1 ? new Prr() : null;
  }

  get cwnd(): number {
    return Math.floor(this.window);
  }

  get pacingBps(): number | null {
    if (this.#smoothedRttUs === 0) return null;
    if (this.#pacingBps === 0) this.#pacingBps = this.#pacedWindow * (8e6 / this.#smoothedRttUs);
    return this.#pacingBps;
  }

  get sendQuantum(): number {
    const least = MIN_SEND_QUANTUM_PACKETS * this.datagramBytes;
    const bytes = ((this.pacingBps ?? 0) * this.#quantumMs) / 8e3;
    return Math.max(least, Math.min(bytes, MAX_SEND_QUANTUM));
  }

  onSent(_nowUs: number, bytes: number, _bytesInFlight: number, _isAppLimited: boolean): void {
    if (this.#inRecovery) this.#prr?.onSent(bytes);
  }

  onAck(sample: AckSample): void {
    this.#pacingBps = 0;
    this.#smoothedRttUs = sample.smoothedRttUs;
    // RFC 9002 §7.3.2: recovery ends with the acknowledgement of a packet sent during it.
    if (sample.largestAckedSentAtUs <= this.#recoveryStartUs) {
      if (this.#inRecovery) this.#reduce(sample);
      return;
    }
    this.#endRecovery();
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
    this.#pacingBps = 0;
    if (sample.largestLostSentAtUs <= this.#answeredUntilUs) {
      // What is lost makes no room; what may be sent is up to the next acknowledgement.
      if (this.#inRecovery && this.#prr) this.#setFlight(this.window - sample.lostBytes);
      return;
    }
    // Of a recovery that is not over the window that it aimed at counts.
    this.#endRecovery();
    this.#canUndo = true;
    this.#undoWindow = this.window;
    this.#undoSsthresh = this.ssthresh;
    this.#undoRecoveryStartUs = this.#recoveryStartUs;
    this.#undoAnsweredUntilUs = this.#answeredUntilUs;
    this.#recoveryStartUs = sample.nowUs;
    this.#answeredUntilUs = sample.nowUs;
    this.#inRecovery = true;
    this.#untouched = false;
    this.ssthresh = Math.max(this.reduced(), this.#minimumWindow);
    if (!this.#prr) {
      this.window = this.ssthresh;
      return;
    }
    this.#prr.begin(sample.bytesInFlight + sample.lostBytes);
    this.#setFlight(sample.bytesInFlight + this.datagramBytes);
  }

  onPersistentCongestion(_nowUs: number): void {
    this.#pacingBps = 0;
    this.window = this.#minimumWindow;
    // RFC 9002 B.8: the window grows again at once. Deviation: B.8 forgets the recovery period altogether, so that a straggler
    // sent in it and found lost later would be an event of its own, and leave ssthresh at the minimum.
    this.#recoveryStartUs = Number.NEGATIVE_INFINITY;
    this.#inRecovery = false;
    this.#canUndo = false;
    this.restart();
  }

  onSpuriousLoss(_nowUs: number): void {
    this.#pacingBps = 0;
    if (!this.#canUndo || this.#parameters['SpuriousUndo'] === 0) return;
    this.#canUndo = false;
    this.#endRecovery();
    this.#recoveryStartUs = this.#undoRecoveryStartUs;
    this.#answeredUntilUs = this.#undoAnsweredUntilUs;
    // RFC 9438 §4.9.2: a window that has outgrown the old one meanwhile stays.
    if (this.window >= this.#undoWindow) return;
    this.window = this.#undoWindow;
    this.ssthresh = this.#undoSsthresh;
    this.undo();
  }

  abstract onAppLimited(nowUs: number, bytesInFlight: number): void;

  onDatagramSize(bytes: number): void {
    this.#pacingBps = 0;
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
  /** The window a congestion event leaves, before it is held to the minimum. What it changes, `undo` can take back. */
  protected abstract reduced(): number;
  /** The newest congestion event was none: what `reduced` changed is as before. */
  protected abstract undo(): void;
  /** Persistent congestion: what was learned of the path is void. */
  protected abstract restart(): void;

  /** RFC 9937 §6.2: an acknowledgement in recovery. */
  #reduce(sample: AckSample): void {
    const prr = this.#prr;
    if (!prr) return;
    const { ackedBytes, lostBytes, bytesInFlight } = sample;
    if (lostBytes > 0 && sample.nowUs === this.#recoveryStartUs) prr.addToFlight(ackedBytes);
    const allowed = prr.allowance(
      ackedBytes,
      lostBytes === 0,
      bytesInFlight,
      this.ssthresh,
      this.datagramBytes,
    );
    this.#setFlight(bytesInFlight + allowed);
  }

  /** RFC 9937 §6.2: cwnd = inflight + SndCnt, but, by RFC 9002 §7.2, never under the minimum window. */
  #setFlight(bytes: number): void {
    this.window = Math.max(bytes, this.#minimumWindow);
  }

  /** RFC 9937 §6.4: by the end of recovery, or before another begins. */
  #endRecovery(): void {
    if (!this.#inRecovery) return;
    this.#inRecovery = false;
    this.window = this.ssthresh;
  }

  /** The window times what pacing gains on it. */
  get #pacedWindow(): number {
    // A flight that heavy losses left short of ssthresh catches up with it, as PRR lets it.
    if (this.#inRecovery) return this.#pacingGain * Math.max(this.window, this.ssthresh);
    return (this.#inSlowStart ? this.#slowStartPacingGain : this.#pacingGain) * this.window;
  }

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
