/**
 * When repetitions are due: k × the period after the first, each moved by chance within the jitter, so that neither the work nor
 * the jitter of one shifts the next, and many probes of one period do not stay in step. Sans-IO.
 */
export class Schedule {
  /** Slots that had passed before the repetition ahead of them was over. */
  skipped = 0;
  readonly #options: { startUs: number; everyUs: number; jitter: number; random: () => number };
  #slot = -1;

  /** `jitter`: largest move of a repetition, either way, as a part of the period, below 1. `random`: uniform on [0, 1). */
  constructor(options: { startUs: number; everyUs: number; jitter: number; random: () => number }) {
    this.#options = options;
  }

  /** When the next repetition is due: the first at once and without jitter, the others in the first slot that is not past. */
  next(nowUs: number): number {
    const { startUs, everyUs, jitter, random } = this.#options;
    const isFirst = this.#slot < 0;
    const slot = Math.max(this.#slot + 1, isFirst ? 0 : Math.ceil((nowUs - startUs) / everyUs));
    this.skipped += slot - this.#slot - 1;
    this.#slot = slot;
    // Half a period either way at most, or two would change places.
    return isFirst ? startUs : startUs + everyUs * (slot + (jitter / 2) * (2 * random() - 1));
  }
}
