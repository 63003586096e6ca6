/**
 * Takes FEC datagrams in any order, hands on packets, and accounts for every source packet: received in time, recovered or
 * unrecoverable. Memory is bounded by groups open at once, and each of them by time.
 */
import type { FecCounts } from '../../../shared/fec.ts';
import { recover, type Scheme } from './code.ts';
import { decodeDatagram, type FecDatagram, LENGTH_BYTES } from './datagram.ts';
import { symbolOfPacket } from './encoder.ts';
import { symbolOf } from './gf256.ts';

/** Groups open at once; the oldest is closed when another begins. */
const MOST_OPEN = 16;

interface Group {
  id: number;
  k: number;
  /** Repair packets it has; null before any packet of it came. */
  r: number | null;
  source: (Uint8Array | null)[];
  repair: (Uint8Array | null)[];
  /** Of a repair symbol; 0 before one came. */
  bytes: number;
  /** Sources received or recovered. */
  known: number;
  received: boolean[];
  deadlineUs: number;
}

export interface DecoderOptions {
  scheme: Scheme;
  /** Source packets of each group but the last. */
  k: number;
  /** Most groups that there may be: what a peer can make us count. */
  mostGroups: number;
  /** A group is closed so long after its first packet, or the first of a later one, came. */
  holdUs: number;
  onPacket?: (content: Uint8Array, info: { recovered: boolean; atUs: number }) => void;
}

export class FecDecoder {
  readonly counts: FecCounts = {
    receivedSource: 0,
    receivedRepair: 0,
    erasures: 0,
    recovered: 0,
    unrecoverable: 0,
    late: 0,
    duplicates: 0,
    invalid: 0,
  };
  readonly #options: DecoderOptions;
  readonly #open = new Map<number, Group>();
  /** The lowest group that was not opened yet. */
  #next = 0;
  #limit: number;
  #isEnded = false;

  constructor(options: DecoderOptions) {
    this.#options = options;
    this.#limit = options.mostGroups;
  }

  /** Source packets of open groups that are neither received nor recovered. */
  get missing(): number {
    return [...this.#open.values()].reduce((sum, { k, known }) => sum + k - known, 0);
  }

  /** Of them, those of groups before the newest: over a path that keeps order they are lost. */
  get overdue(): number {
    const newest = this.#open.get(this.#next - 1);
    return this.missing - (newest === undefined ? 0 : newest.k - newest.known);
  }

  /** Nothing that may still come would change the account. */
  get isDone(): boolean {
    return this.#isEnded && this.missing === 0;
  }

  /** Never throws. `nowUs` never goes back. */
  push(payload: Buffer, nowUs: number): void {
    this.expire(nowUs);
    const datagram = decodeDatagram(payload);
    if (datagram === null || !this.#take(datagram, nowUs)) this.counts.invalid++;
  }

  /** Closes what is due; the newest group stays open until the end is told, for it may be shorter than the others. */
  expire(nowUs: number): void {
    for (const group of this.#open.values()) {
      if (group.deadlineUs > nowUs || (!this.#isEnded && group.id === this.#next - 1)) return;
      this.#close(group);
    }
  }

  /** The sender says how many groups there were, the last one of `lastK` packets. False where that cannot be. */
  end({ groups, lastK }: { groups: number; lastK: number }, nowUs: number): boolean {
    if (this.#isEnded || groups < this.#next || groups > this.#limit) return false;
    this.#limit = groups;
    if (groups > 0) {
      this.#openUpTo(groups - 1, nowUs);
      if (!this.#shorten(this.#open.get(groups - 1)!, lastK)) return false;
    }
    this.#isEnded = true;
    return true;
  }

  /** Closes every group that is open. */
  close(): void {
    for (const group of [...this.#open.values()]) this.#close(group);
  }

  /** False for what an honest sender does not send. */
  #take(datagram: FecDatagram, nowUs: number): boolean {
    const { kind, group: id, index, k, r, content } = datagram;
    if (id >= this.#limit || (kind === 'source' ? k !== this.#options.k : k > this.#options.k)) return false;
    this.#openUpTo(id, nowUs);
    const group = this.#open.get(id);
    if (group === undefined) {
      if (kind === 'source') this.counts.late++;
      return true;
    }
    if (group.r === null) {
      group.r = r;
      group.repair = Array<null>(r).fill(null);
    }
    if (group.r !== r) return false;
    return kind === 'source'
      ? this.#source(group, index, content, nowUs)
      : this.#shorten(group, k) && this.#repair(group, index, content, nowUs);
  }

  #source(group: Group, index: number, content: Uint8Array, nowUs: number): boolean {
    if (index >= group.k || (group.bytes > 0 && LENGTH_BYTES + content.length > group.bytes)) return false;
    if (group.received[index]) {
      this.counts.duplicates++;
      return true;
    }
    group.received[index] = true;
    if (group.source[index] !== null) {
      // A repair was there first.
      this.counts.late++;
      return true;
    }
    group.source[index] = symbolOfPacket(content);
    group.known++;
    this.counts.receivedSource++;
    this.#options.onPacket?.(content, { recovered: false, atUs: nowUs });
    this.#recover(group, nowUs);
    return true;
  }

  #repair(group: Group, index: number, content: Uint8Array, nowUs: number): boolean {
    if (group.bytes === 0) {
      if (group.source.some((symbol) => symbol !== null && symbol.length > symbolOf(content.length).length))
        return false;
      group.bytes = content.length;
    }
    if (content.length !== group.bytes) return false;
    if (group.repair[index] !== null) {
      this.counts.duplicates++;
      return true;
    }
    const symbol = symbolOf(content.length);
    symbol.set(content);
    group.repair[index] = symbol;
    this.counts.receivedRepair++;
    this.#recover(group, nowUs);
    return true;
  }

  #recover(group: Group, nowUs: number): void {
    if (group.bytes === 0 || group.known === group.k) return;
    for (const [index, symbol] of recover(this.#options.scheme, group, group.bytes)) {
      const length = (symbol[0]! << 8) | symbol[1]!;
      group.source[index] = symbol;
      group.known++;
      this.counts.erasures++;
      // Symbols that an honest sender did not make of packets give no packet.
      if (LENGTH_BYTES + length > group.bytes) {
        this.counts.invalid++;
        this.counts.unrecoverable++;
        continue;
      }
      this.counts.recovered++;
      const content = symbol.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
      this.#options.onPacket?.(content, { recovered: true, atUs: nowUs });
    }
  }

  /** Only the newest group can have fewer packets than the others, and not fewer than came. */
  #shorten(group: Group, k: number): boolean {
    if (k === group.k) return true;
    const isFirst = group.k === this.#options.k && group.id === this.#next - 1;
    if (k < 1 || k > group.k || !isFirst || group.source.some((symbol, i) => i >= k && symbol !== null))
      return false;
    group.k = k;
    group.source.length = group.received.length = k;
    return true;
  }

  #openUpTo(id: number, nowUs: number): void {
    const { k, holdUs } = this.#options;
    // What no window holds: a sender we did not hear of for long, or one that says so.
    const skipped = Math.max(0, id - MOST_OPEN + 1 - this.#next);
    if (skipped > 0) {
      this.close();
      this.counts.erasures += skipped * k;
      this.counts.unrecoverable += skipped * k;
      this.#next += skipped;
    }
    for (; this.#next <= id; this.#next++) {
      if (this.#open.size === MOST_OPEN) this.#close(this.#open.values().next().value!);
      this.#open.set(this.#next, {
        id: this.#next,
        k,
        r: null,
        source: Array<null>(k).fill(null),
        repair: [],
        bytes: 0,
        known: 0,
        received: Array<boolean>(k).fill(false),
        deadlineUs: nowUs + holdUs,
      });
    }
  }

  #close(group: Group): void {
    this.#open.delete(group.id);
    this.counts.erasures += group.k - group.known;
    this.counts.unrecoverable += group.k - group.known;
  }
}
