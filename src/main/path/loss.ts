/** Which packets a link loses before its queue. Each model is asked once for every packet, at times that never go back. */
import type { LinkSettings } from '../../shared/domain.ts';
import type { Rng } from './rng.ts';
import { Steps } from './steps.ts';

export interface Loss {
  hits(nowUs: number): boolean;
}

/** The loss of `settings`; null when there is none. */
export function lossOf(settings: LinkSettings, rng: Rng, originUs: number): Loss | null {
  const { loss, lossRatio, trace } = settings;
  if (loss?.model === 'every_nth') return new EveryNth(loss.n);
  if (loss?.model === 'gilbert') return new GilbertElliott(loss, rng);
  if (trace?.kind === 'series' && trace.steps.some(([, , , ratio]) => ratio !== null)) {
    const ratios = trace.steps.map(([, , , ratio]) => ratio ?? 0);
    return new Replayed(Steps.ofTrace(trace, originUs), ratios, rng);
  }
  return lossRatio > 0 ? new Independent(lossRatio, rng) : null;
}

class Independent implements Loss {
  readonly #ratio: number;
  readonly #rng: Rng;

  constructor(ratio: number, rng: Rng) {
    this.#ratio = ratio;
    this.#rng = rng;
  }

  hits(): boolean {
    return this.#rng.float() < this.#ratio;
  }
}

class Replayed implements Loss {
  readonly #steps: Steps;
  readonly #ratios: readonly number[];
  readonly #rng: Rng;

  constructor(steps: Steps, ratios: readonly number[], rng: Rng) {
    this.#steps = steps;
    this.#ratios = ratios;
    this.#rng = rng;
  }

  hits(nowUs: number): boolean {
    return this.#rng.float() < this.#ratios[this.#steps.seek(nowUs)]!;
  }
}

class EveryNth implements Loss {
  readonly #n: number;
  #seen = 0;

  constructor(n: number) {
    this.#n = n;
  }

  hits(): boolean {
    return ++this.#seen % this.#n === 0;
  }
}

/**
 * Two states, the good one first. As netem does, a packet's fate is drawn by the state it meets, and only then whether the
 * next one meets the other.
 */
class GilbertElliott implements Loss {
  readonly #model: { p: number; r: number; h: number; k: number };
  readonly #rng: Rng;
  #isBad = false;

  constructor(model: { p: number; r: number; h: number; k: number }, rng: Rng) {
    this.#model = model;
    this.#rng = rng;
  }

  hits(): boolean {
    const { p, r, h, k } = this.#model;
    const isLost = this.#rng.float() >= (this.#isBad ? h : k);
    if (this.#rng.float() < (this.#isBad ? r : p)) this.#isBad = !this.#isBad;
    return isLost;
  }
}
