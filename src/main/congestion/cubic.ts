/** CUBIC, RFC 9438. Windows are bytes here where the RFC counts segments, times microseconds where it has seconds. */
import type { AckSample, ControllerFactory } from './controller.ts';
import { LossBasedController, lossBasedParameters } from './loss-based.ts';

class Cubic extends LossBasedController {
  readonly name = 'cubic';
  /** Segments per second cubed. */
  readonly #c: number;
  readonly #beta: number;
  readonly #fastConvergence: boolean;
  /** Start of this stage of congestion avoidance; null until its first acknowledgement. */
  #epochStartUs: number | null = null;
  /** Since when the window has been unused; null while it is used. */
  #pausedAtUs: number | null = null;
  #wMax = 0;
  /** Window at the last congestion event. */
  #cwndPrior = 0;
  #wEst = 0;
  /** Seconds. */
  #k = 0;
  // As they were before the last congestion event.
  #undoEpochStartUs: number | null = null;
  #undoWMax = 0;
  #undoCwndPrior = 0;
  #undoWEst = 0;
  #undoK = 0;

  constructor(datagramBytes: number, parameters: Readonly<Record<string, number>>) {
    super(datagramBytes, parameters);
    this.#c = parameters['C']!;
    this.#beta = parameters['Beta']!;
    this.#fastConvergence = parameters['FastConvergence'] === 1;
  }

  onAppLimited(nowUs: number, _bytesInFlight: number): void {
    this.#pausedAtUs ??= nowUs;
  }

  protected grow(sample: AckSample, ackedBytes: number): void {
    const { nowUs } = sample;
    if (this.#epochStartUs === null) {
      this.#epochStartUs = nowUs;
      this.#wEst = this.window;
      // RFC 9438 §4.8, §4.10: after slow start without a loss, or a timeout, the curve starts at its plateau.
      this.#wMax = Math.max(this.#wMax, this.window);
      this.#k = Math.cbrt((this.#wMax - this.window) / this.datagramBytes / this.#c);
    } else if (this.#pausedAtUs !== null) {
      // RFC 9438 §4.2: time in which the window was not updated because it was not used does not count.
      this.#epochStartUs += nowUs - this.#pausedAtUs;
    }
    this.#pausedAtUs = null;

    // RFC 9438 §4.3: α is 1 once the estimate is back at the window of the last congestion event.
    const alpha = this.#wEst < this.#cwndPrior ? (3 * (1 - this.#beta)) / (1 + this.#beta) : 1;
    const acked = ackedBytes / this.window;
    this.#wEst += alpha * acked * this.datagramBytes;
    const elapsedUs = nowUs - this.#epochStartUs;
    if (this.#wCubic(elapsedUs) < this.#wEst) {
      // The Reno-friendly region.
      this.window = Math.max(this.window, this.#wEst);
      return;
    }
    // RFC 9438 §4.2, §4.4, §4.5: towards the curve one RTT ahead, at most half the window in that time.
    const ahead = this.#wCubic(elapsedUs + sample.smoothedRttUs);
    const target = Math.max(this.window, Math.min(ahead, 1.5 * this.window));
    this.window += (target - this.window) * Math.min(1, acked);
  }

  protected reduced(): number {
    this.#undoEpochStartUs = this.#epochStartUs;
    this.#undoWMax = this.#wMax;
    this.#undoCwndPrior = this.#cwndPrior;
    this.#undoWEst = this.#wEst;
    this.#undoK = this.#k;
    // RFC 9438 §4.7: falling short of the last maximum means that others have come; leave them room.
    const release = this.#fastConvergence && this.window < this.#wMax;
    this.#wMax = release ? (this.window * (1 + this.#beta)) / 2 : this.window;
    this.#cwndPrior = this.window;
    this.#epochStartUs = null;
    return this.window * this.#beta;
  }

  /** RFC 9438 §4.9.2. */
  protected undo(): void {
    this.#epochStartUs = this.#undoEpochStartUs;
    this.#wMax = this.#undoWMax;
    this.#cwndPrior = this.#undoCwndPrior;
    this.#wEst = this.#undoWEst;
    this.#k = this.#undoK;
  }

  protected restart(): void {
    this.#epochStartUs = null;
    this.#wMax = 0;
  }

  /** RFC 9438 §4.2, equation 1. */
  #wCubic(elapsedUs: number): number {
    const t = elapsedUs / 1e6 - this.#k;
    return this.#c * t * t * t * this.datagramBytes + this.#wMax;
  }
}

export const cubic: ControllerFactory = {
  name: 'cubic',
  parameters: [
    {
      name: 'C',
      default: 0.4,
      unit: 'ratio',
      min: 0.04,
      max: 4,
      section: 'RFC 9438 §4.1.1',
      doc: 'Steepness of the window curve, in segments per second cubed.',
    },
    {
      name: 'Beta',
      default: 0.7,
      unit: 'ratio',
      min: 0.5,
      max: 0.9,
      section: 'RFC 9438 §4.6',
      doc: 'β_cubic: what a congestion event leaves of the window.',
    },
    {
      name: 'FastConvergence',
      default: 1,
      unit: 'count',
      min: 0,
      max: 1,
      section: 'RFC 9438 §4.7',
      doc: 'Lowers the plateau when the window stops short of the last one: 1 on, 0 off.',
    },
    ...lossBasedParameters({ hyStart: 1 }),
  ],
  create: ({ datagramBytes, parameters }) => new Cubic(datagramBytes, parameters),
};
