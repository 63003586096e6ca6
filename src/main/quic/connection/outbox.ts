/** Datagrams on their way out: the memory they are written to, and what is left to do before they leave. */
import { HeaderBatch } from '../wire/header-protection.ts';
import type { PathAddress } from './paths.ts';

export class Outbox {
  readonly datagrams: Buffer[] = [];
  /** Where each of them goes. */
  readonly to: PathAddress[] = [];
  /** 1-RTT packets whose headers `finish` protects. */
  readonly headers = new HeaderBatch();
  /** What the next datagram is written to, from `start` on: valid after `reserve`. */
  buffer = Buffer.alloc(0);
  start = 0;
  readonly #slabBytes: number;
  /** The datagrams before: a full packet is most often written just where the last one was. */
  readonly #last: Buffer[] = [];

  /** `slabBytes`: how much memory is taken at a time. */
  constructor(slabBytes = 0) {
    this.#slabBytes = slabBytes;
  }

  /** Makes sure of room for a datagram. */
  reserve(bytes: number): void {
    if (this.start + bytes <= this.buffer.length) return;
    this.buffer = Buffer.allocUnsafeSlow(Math.max(bytes, this.#slabBytes));
    this.start = 0;
  }

  /** What was written from `start` to `end` is a datagram. */
  add(end: number, to: PathAddress): void {
    const { buffer, start, datagrams } = this;
    const last = this.#last[datagrams.length];
    const isSame = last?.buffer === buffer.buffer && last.byteOffset === start && last.length === end - start;
    datagrams.push(isSame ? last : buffer.subarray(start, end));
    this.to.push(to);
    this.start = end;
  }

  /** What was begun of the next datagram comes to nothing: none of it is left over for the next that is written there. */
  giveUp(): void {
    this.headers.protect();
  }

  /** Makes the datagrams ready to leave. */
  finish(): void {
    this.headers.protect();
  }

  /** Forgets the datagrams. With `haveLeft` their memory is written to again, else it is left to whoever still sends them. */
  clear(haveLeft: boolean): void {
    for (const [i, datagram] of this.datagrams.entries()) this.#last[i] = datagram;
    this.datagrams.length = 0;
    this.to.length = 0;
    if (!haveLeft) this.buffer = NO_ROOM;
    this.start = 0;
  }
}

const NO_ROOM = Buffer.alloc(0);
