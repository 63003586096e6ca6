/** Datagrams that arrived and wait to be taken together. */
import type { PathAddress } from './paths.ts';

export class Inbox {
  readonly datagrams: Buffer[] = [];
  /** Where each came from: one object for each path, the same one every time. */
  readonly from: PathAddress[] = [];
  /** When each arrived, microseconds. */
  readonly atUs: number[] = [];

  add(datagram: Buffer, from: PathAddress, nowUs: number): void {
    this.datagrams.push(datagram);
    this.from.push(from);
    this.atUs.push(nowUs);
  }

  clear(): void {
    this.datagrams.length = this.from.length = this.atUs.length = 0;
  }
}
