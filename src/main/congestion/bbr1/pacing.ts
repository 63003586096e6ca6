/** Pacing rate and send quantum, draft-cardwell-iccrg-bbr-congestion-control-00 §4.2.1 and §4.2.2. */
import type { Bbr1Params } from './params.ts';

/** Below this rate a burst is one packet. */
const LOW_RATE_BPS = 1.2e6;
const MAX_SEND_QUANTUM = 65_536;

export class Pacing {
  readonly #margin: number;
  readonly #quantumUs: number;
  /** 0 before the first RTT: null in its place would cost an allocation per ACK. */
  #bps = 0;
  #quantum: number;

  constructor(params: Bbr1Params, datagramBytes: number) {
    this.#margin = params.pacingMargin;
    this.#quantumUs = params.sendQuantumUs;
    this.#quantum = 2 * datagramBytes;
  }

  /** Bits per second; 0 before the first RTT. */
  get bps(): number {
    return this.#bps;
  }

  /** Bytes. */
  get sendQuantum(): number {
    return this.#quantum;
  }

  /** Sets the rate to `bps` less the margin; until the pipe is full (`mayFall`) it only rises. */
  set(bps: number, mayFall: boolean, datagramBytes: number): void {
    const paced = bps * this.#margin;
    if (paced === 0 || paced === this.#bps || (paced < this.#bps && !mayFall)) return;
    this.#bps = paced;
    const least = paced < LOW_RATE_BPS ? datagramBytes : 2 * datagramBytes;
    this.#quantum = Math.max(least, Math.min((paced * this.#quantumUs) / 8e6, MAX_SEND_QUANTUM));
  }

  onDatagramSize(bytes: number): void {
    this.#quantum = Math.max(this.#quantum, bytes);
  }
}
