/** Makes groups: k source packets as they come, and their repair packets right behind the last of them. */
import { coefficient, type Scheme } from './code.ts';
import { type FecDatagram, LENGTH_BYTES } from './datagram.ts';
import { addProduct, symbolOf } from './gf256.ts';

/** What a code is applied to: a packet behind its length, zeros behind it (as the ADUI of RFC 6865). */
export function symbolOfPacket(content: Uint8Array): Uint8Array {
  const symbol = symbolOf(LENGTH_BYTES + content.length);
  symbol[0] = content.length >> 8;
  symbol[1] = content.length & 255;
  symbol.set(content, LENGTH_BYTES);
  return symbol;
}

export class FecEncoder {
  readonly #scheme: Scheme;
  readonly #k: number;
  readonly #send: (datagram: FecDatagram) => void;
  readonly #repairOf: () => number;
  /** The group under way: its number, repair symbols, packets so far and the longest of them behind its length. */
  #group = 0;
  #repair: Uint8Array[] = [];
  #filled = 0;
  #bytes = 0;

  /** `repairOf` is asked at the beginning of each group how many repair packets it gets. */
  constructor(options: {
    scheme: Scheme;
    k: number;
    repairOf: () => number;
    send: (datagram: FecDatagram) => void;
  }) {
    this.#scheme = options.scheme;
    this.#k = options.k;
    this.#repairOf = options.repairOf;
    this.#send = options.send;
  }

  /** Sends a source packet of at most `mostBytes`. The last of a group brings its repair packets. */
  push(content: Uint8Array, mostBytes: number): void {
    if (this.#filled === 0)
      this.#repair = Array.from({ length: this.#repairOf() }, () => symbolOf(LENGTH_BYTES + mostBytes));
    const r = this.#repair.length;
    const index = this.#filled;
    this.#send({ kind: 'source', group: this.#group, index, k: this.#k, r, content });
    const symbol = symbolOfPacket(content);
    for (const [j, repair] of this.#repair.entries())
      addProduct(repair, symbol, coefficient(this.#scheme, r, j, index));
    this.#filled++;
    this.#bytes = Math.max(this.#bytes, LENGTH_BYTES + content.length);
    if (this.#filled === this.#k) this.flush();
  }

  /** Ends the group under way, however many packets it has. */
  flush(): void {
    if (this.#filled === 0) return;
    const [group, k, r] = [this.#group, this.#filled, this.#repair.length];
    for (const [index, symbol] of this.#repair.entries())
      this.#send({ kind: 'repair', group, index, k, r, content: symbol.subarray(0, this.#bytes) });
    this.#group++;
    this.#filled = this.#bytes = 0;
  }
}
