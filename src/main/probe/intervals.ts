/**
 * What arrived of a transfer, second by second, and from where its goodput counts. Fed with the receiver's totals: on each
 * delivery where that is us, else as the reports come.
 */
import type { CountedTransfer, Interval } from '../../shared/probe-details.ts';
import { goodputBps } from '../../shared/samples.ts';
import type { Received } from './throughput.ts';

const SECOND_US = 1_000_000;

export class Intervals {
  readonly #warmUpUs: number;
  readonly #isExact: boolean;
  readonly #done: Interval[] = [];
  /** Where the interval under way began. */
  #from: Received = { bytes: 0, durationUs: 0 };
  #newest: Received = { bytes: 0, durationUs: 0 };
  #warm: Received | null;

  /**
   * `isExact`: totals come as payload does, so that an interval ends on the second, and what comes later belongs to the next. Else
   * it ends with the first total at or after the second.
   */
  constructor(options: { warmUpMs: number; isExact: boolean }) {
    this.#warmUpUs = options.warmUpMs * 1000;
    this.#isExact = options.isExact;
    this.#warm = this.#warmUpUs === 0 ? this.#from : null;
  }

  add(total: Received): void {
    const { durationUs } = total;
    if (this.#isExact) {
      for (let end = this.#endUs; end <= durationUs; end = this.#endUs)
        this.#close({ bytes: this.#newest.bytes, durationUs: end });
    } else if (durationUs >= this.#endUs) this.#close(total);
    if (durationUs >= this.#warmUpUs) this.#warm ??= total;
    this.#newest = total;
  }

  /** As it stands: the interval under way ends with the newest total. Null before anything came. */
  counted(): CountedTransfer | null {
    if (this.#newest.bytes === 0) return null;
    const isBegun = this.#newest.durationUs > this.#from.durationUs;
    const warm = this.#warm ?? this.#newest;
    return {
      bytes: this.#newest.bytes - warm.bytes,
      durationUs: this.#newest.durationUs - warm.durationUs,
      warmUpUs: warm.durationUs,
      intervals: [...this.#done, ...(isBegun ? [intervalOf(this.#from, this.#newest)] : [])],
    };
  }

  get #endUs(): number {
    return (Math.floor(this.#from.durationUs / SECOND_US) + 1) * SECOND_US;
  }

  #close(at: Received): void {
    this.#done.push(intervalOf(this.#from, at));
    this.#from = at;
  }
}

function intervalOf(from: Received, to: Received): Interval {
  const bytes = to.bytes - from.bytes;
  const durationUs = to.durationUs - from.durationUs;
  return {
    fromUs: from.durationUs,
    toUs: to.durationUs,
    bytes,
    goodputBps: Math.round(goodputBps({ bytes, durationUs })),
  };
}
