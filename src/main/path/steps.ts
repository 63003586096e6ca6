/** Moments from which something else holds, repeated with a period. Asked with times that never go back. */
import type { LinkTrace } from '../../shared/link-settings.ts';

export class Steps {
  readonly #fromUs: Float64Array;
  readonly #periodUs: number;
  #index = 0;
  /** When the present turn began. */
  #turnUs: number;

  /** `fromUs` rises from 0 and counts from `originUs`, before which the first step holds. Infinity is never repeated. */
  constructor(fromUs: readonly number[], periodUs: number, originUs: number) {
    this.#fromUs = Float64Array.from(fromUs);
    this.#periodUs = periodUs;
    this.#turnUs = originUs;
  }

  static ofTrace(trace: Extract<LinkTrace, { kind: 'series' }>, originUs: number): Steps {
    return new Steps(
      trace.steps.map(([second]) => second * 1e6),
      trace.periodS * 1e6,
      originUs,
    );
  }

  /** Index of the step that holds at `atUs`. */
  seek(atUs: number): number {
    const fromUs = this.#fromUs;
    if (atUs >= this.#turnUs + this.#periodUs) {
      const turns = Math.max(1, Math.floor((atUs - this.#turnUs) / this.#periodUs));
      this.#turnUs += turns * this.#periodUs;
      this.#index = 0;
    }
    while (this.#index + 1 < fromUs.length && this.#turnUs + fromUs[this.#index + 1]! <= atUs) this.#index++;
    return this.#index;
  }

  /** When the step found last ends. */
  get endUs(): number {
    const next = this.#index + 1;
    return this.#turnUs + (next < this.#fromUs.length ? this.#fromUs[next]! : this.#periodUs);
  }
}
