/**
 * How many repair packets a group gets, from what the receiver reports. The erasure ratio p is that of the newest packets, at
 * least 200 where there are so many, and margin is two standard errors of it. Wanted is the smallest r from `least` to `most` with
 * residualLoss(p + margin) ≤ TARGET. More is given at once; less, one at a time, when four reports in a row wanted less.
 */
import type { FecCounts } from '../../../shared/fec.ts';
import type { Scheme } from './code.ts';
import { residualLoss } from './theory.ts';

/** Residual loss that is aimed at. */
const TARGET = 0.001;
const LEAST_PACKETS = 200;
const PATIENCE = 4;

/** Erasures, and what will most likely be some. */
type Account = Pick<FecCounts, 'receivedSource' | 'erasures'>;

export class AdaptiveRepair {
  readonly #scheme: Scheme;
  readonly #k: number;
  readonly #bounds: { least: number; most: number };
  /** Reports that the newest packets are counted from, the oldest first. */
  readonly #reports: Account[] = [{ receivedSource: 0, erasures: 0 }];
  #fewer = 0;
  r: number;

  constructor(options: { scheme: Scheme; k: number; r: number; least: number; most: number }) {
    this.#scheme = options.scheme;
    this.#k = options.k;
    this.#bounds = { least: options.least, most: options.most };
    this.r = Math.min(options.most, Math.max(options.least, options.r));
  }

  /** Takes a report of the receiver's, counted from the beginning. */
  report({ receivedSource, erasures }: Account): void {
    const newest = this.#reports.at(-1)!;
    if (total(newest) >= receivedSource + erasures) return;
    this.#reports.push({ receivedSource, erasures });
    const all = receivedSource + erasures;
    while (this.#reports.length > 2 && all - total(this.#reports[1]!) >= LEAST_PACKETS) this.#reports.shift();
    const from = this.#reports[0]!;
    const n = all - total(from);
    const p = (erasures - from.erasures) / n;
    const wanted = this.#wanted(p + 2 * Math.sqrt((p * (1 - p)) / n));
    this.#fewer = wanted < this.r ? this.#fewer + 1 : 0;
    if (wanted > this.r) this.r = wanted;
    else if (this.#fewer >= PATIENCE) {
      this.r--;
      this.#fewer = 0;
    }
  }

  #wanted(p: number): number {
    const { least, most } = this.#bounds;
    for (let r = least; r < most; r++)
      if (residualLoss(this.#scheme, { k: this.#k, r }, p) <= TARGET) return r;
    return most;
  }
}

const total = ({ receivedSource, erasures }: Account): number => receivedSource + erasures;
