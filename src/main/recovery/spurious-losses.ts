/** Remembers the newest packets declared lost, to notice when one is acknowledged after all. */
import type { PacketRange } from './packet-ranges.ts';

const MEMORY = 64;

export class SpuriousLosses {
  /** Rising. */
  readonly #numbers: number[] = [];
  readonly #declaredAtUs: number[] = [];
  readonly #sentAtUs: number[] = [];
  #foundSince = 0;

  get isEmpty(): boolean {
    return this.#numbers.length === 0;
  }

  /** Of what the last `take` found, the packets sent after its `sentAfterUs`. */
  get foundSince(): number {
    return this.#foundSince;
  }

  /** Numbers rise from call to call. `sentAtUs` is −∞ for a packet that says nothing about the path. */
  add(packetNumber: number, sentAtUs: number, nowUs: number): void {
    if (this.#numbers.length === MEMORY) this.#forget(0);
    this.#numbers.push(packetNumber);
    this.#sentAtUs.push(sentAtUs);
    this.#declaredAtUs.push(nowUs);
  }

  /** How many of the remembered are in an ACK's ranges; each counts once. Those declared before `sinceUs` are forgotten. */
  take(ranges: readonly PacketRange[], sinceUs: number, sentAfterUs: number): number {
    while (this.#numbers.length > 0 && this.#declaredAtUs[0]! < sinceUs) this.#forget(0);
    let found = 0;
    let at = 0;
    this.#foundSince = 0;
    // Both run downwards, the numbers and the ranges.
    for (let i = this.#numbers.length - 1; i >= 0; i--) {
      const number = this.#numbers[i]!;
      while (at < ranges.length && ranges[at]!.first > number) at++;
      if (at === ranges.length) break;
      if (ranges[at]!.last < number) continue;
      if (this.#sentAtUs[i]! > sentAfterUs) this.#foundSince++;
      this.#forget(i);
      found++;
    }
    return found;
  }

  /** What is remembered says nothing about the path from now on. */
  leavePath(): void {
    this.#sentAtUs.fill(Number.NEGATIVE_INFINITY);
  }

  #forget(index: number): void {
    this.#numbers.splice(index, 1);
    this.#declaredAtUs.splice(index, 1);
    this.#sentAtUs.splice(index, 1);
  }
}
