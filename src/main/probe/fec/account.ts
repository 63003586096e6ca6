/** What a sender has sent, counted datagram by datagram as they leave, in their order: what its `end` tells. */
import type { FecDatagram } from './datagram.ts';

export class SentAccount {
  source = 0;
  repair = 0;
  groups = 0;
  /** Source packets of the newest group. */
  lastK = 0;
  /** Groups by their repair packets; the newest is among them once `end` was called. */
  readonly groupsByRepair: number[] = [];
  /** Repair packets of the newest group. */
  #lastR = 0;

  add({ kind, group }: Pick<FecDatagram, 'kind' | 'group'>): void {
    if (kind === 'repair') {
      this.repair++;
      this.#lastR++;
      return;
    }
    if (group === this.groups) {
      this.end();
      this.groups++;
      this.lastK = this.#lastR = 0;
    }
    this.source++;
    this.lastK++;
  }

  /** The newest group is over. */
  end(): void {
    if (this.groups === 0) return;
    while (this.groupsByRepair.length <= this.#lastR) this.groupsByRepair.push(0);
    this.groupsByRepair[this.#lastR]!++;
  }
}
