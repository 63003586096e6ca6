/** NewReno as RFC 9002 §7.3 and Appendix B have it: one packet more per round trip, half the window per loss event. */
import type { AckSample, ControllerFactory } from './controller.ts';
import { LossBasedController, lossBasedParameters } from './loss-based.ts';

class NewReno extends LossBasedController {
  readonly name = 'newreno';
  readonly #lossReductionFactor: number;
  /** Bytes acknowledged since the window last grew. A reduction leaves them the same part of the window. */
  #acked = 0;

  constructor(datagramBytes: number, parameters: Readonly<Record<string, number>>) {
    super(datagramBytes, parameters);
    this.#lossReductionFactor = parameters['LossReductionFactor']!;
  }

  onAppLimited(_nowUs: number, _bytesInFlight: number): void {}

  protected grow(_sample: AckSample, ackedBytes: number): void {
    // RFC 9002 §7.3.3: a packet more for each whole window acknowledged. Growing by the fraction with every ACK, as B.5 does,
    // lags behind that by half a packet: it is whole packets that are sent.
    this.#acked += ackedBytes;
    while (this.#acked >= this.window) {
      this.#acked -= this.window;
      this.window += this.datagramBytes;
    }
  }

  protected reduced(): number {
    this.#acked *= this.#lossReductionFactor;
    return this.window * this.#lossReductionFactor;
  }

  protected undo(): void {}

  protected restart(): void {
    this.#acked = 0;
  }
}

export const newReno: ControllerFactory = {
  name: 'newreno',
  parameters: [
    {
      name: 'LossReductionFactor',
      default: 0.5,
      unit: 'ratio',
      min: 0.3,
      max: 0.9,
      section: 'RFC 9002 §7.3.2',
      doc: 'kLossReductionFactor: what a congestion event leaves of the window.',
    },
    ...lossBasedParameters({ hyStart: 0 }),
  ],
  create: ({ datagramBytes, parameters }) => new NewReno(datagramBytes, parameters),
};
