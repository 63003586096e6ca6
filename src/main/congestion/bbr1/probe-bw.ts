/**
 * The gain cycle of ProbeBW, draft-cardwell-iccrg-bbr-congestion-control-00 §4.3.4: probe, drain, and six round trips at
 * the estimated bandwidth, from a random phase on.
 */
import type { Bbr1Params } from './params.ts';

const CYCLE_LENGTH = 8;
const UP = 0;
const DOWN = 1;

export class GainCycle {
  readonly #params: Bbr1Params;
  readonly #random: () => number;
  #phase = UP;
  #phaseStartUs = 0;
  #pacingGain: number;

  constructor(params: Bbr1Params, random: () => number) {
    this.#params = params;
    this.#random = random;
    this.#pacingGain = params.upPacingGain;
  }

  get phase(): 'UP' | 'DOWN' | 'CRUISE' {
    return this.isUp ? 'UP' : this.isDown ? 'DOWN' : 'CRUISE';
  }

  get isUp(): boolean {
    return this.#phase === UP;
  }

  get isDown(): boolean {
    return this.#phase === DOWN;
  }

  get pacingGain(): number {
    return this.#pacingGain;
  }

  /** §4.3.4.2: any phase but the draining one, for which there is nothing to drain yet. */
  start(nowUs: number): void {
    this.#phase = CYCLE_LENGTH - 1 - Math.floor(this.#random() * (CYCLE_LENGTH - 1));
    this.advance(nowUs);
  }

  advance(nowUs: number): void {
    this.#phase = (this.#phase + 1) % CYCLE_LENGTH;
    this.#phaseStartUs = nowUs;
    const { upPacingGain, downPacingGain, cruisePacingGain } = this.#params;
    this.#pacingGain = this.isUp ? upPacingGain : this.isDown ? downPacingGain : cruisePacingGain;
  }

  /** Whether the phase has lasted for the propagation delay. */
  isFullLength(nowUs: number, minRttUs: number): boolean {
    return nowUs - this.#phaseStartUs > minRttUs;
  }
}
