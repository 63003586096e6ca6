/** Makes groups: k source packets as they come, and their repair packets right behind the last of them. */
import { coefficient, type Scheme } from './code.ts';
import { encodeDatagram, LENGTH_BYTES } from './datagram.ts';
import { addProduct, symbolOf } from './gf256.ts';

/** Sends a datagram; false when it was not taken. */
export type Send = (datagram: Buffer) => boolean;

export interface EncoderCounts {
  source: number;
  repair: number;
  /** Repair packets that `send` did not take. */
  repairDropped: number;
  groups: number;
  /** Source packets of the last group. */
  lastK: number;
  /** Groups by how many repair packets they were to have. */
  groupsByRepair: number[];
}

/** What a code is applied to: a packet behind its length, zeros behind it (as the ADUI of RFC 6865). */
export function symbolOfPacket(content: Uint8Array): Uint8Array {
  const symbol = symbolOf(LENGTH_BYTES + content.length);
  symbol[0] = content.length >> 8;
  symbol[1] = content.length & 255;
  symbol.set(content, LENGTH_BYTES);
  return symbol;
}

export class FecEncoder {
  readonly counts: EncoderCounts = {
    source: 0,
    repair: 0,
    repairDropped: 0,
    groups: 0,
    lastK: 0,
    groupsByRepair: [],
  };
  readonly #scheme: Scheme;
  readonly #k: number;
  readonly #send: Send;
  readonly #repairOf: () => number;
  /** Of the group under way: repair symbols, packets so far and the longest of them behind its length. */
  #repair: Uint8Array[] = [];
  #filled = 0;
  #bytes = 0;

  /** `repairOf` is asked at the beginning of each group how many repair packets it gets. */
  constructor(options: { scheme: Scheme; k: number; repairOf: () => number; send: Send }) {
    this.#scheme = options.scheme;
    this.#k = options.k;
    this.#repairOf = options.repairOf;
    this.#send = options.send;
  }

  /** Sends a source packet; false when it was not taken: then there is no such packet. The last of a group brings its repair packets. */
  push(content: Uint8Array, mostBytes: number): boolean {
    if (this.#filled === 0)
      this.#repair = Array.from({ length: this.#repairOf() }, () => symbolOf(LENGTH_BYTES + mostBytes));
    const r = this.#repair.length;
    const group = this.counts.groups;
    const index = this.#filled;
    if (!this.#send(encodeDatagram({ kind: 'source', group, index, k: this.#k, r, content }))) return false;
    const symbol = symbolOfPacket(content);
    for (const [j, repair] of this.#repair.entries())
      addProduct(repair, symbol, coefficient(this.#scheme, r, j, index));
    this.counts.source++;
    this.#filled++;
    this.#bytes = Math.max(this.#bytes, LENGTH_BYTES + content.length);
    if (this.#filled === this.#k) this.flush();
    return true;
  }

  /** Ends the group under way, however many packets it has. */
  flush(): void {
    if (this.#filled === 0) return;
    const [group, k, r] = [this.counts.groups, this.#filled, this.#repair.length];
    for (const [index, symbol] of this.#repair.entries()) {
      const content = symbol.subarray(0, this.#bytes);
      if (this.#send(encodeDatagram({ kind: 'repair', group, index, k, r, content }))) this.counts.repair++;
      else this.counts.repairDropped++;
    }
    this.counts.groups++;
    this.counts.lastK = k;
    const { groupsByRepair } = this.counts;
    while (groupsByRepair.length <= r) groupsByRepair.push(0);
    groupsByRepair[r]!++;
    this.#filled = this.#bytes = 0;
  }
}
