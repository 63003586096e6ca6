/** The receiving part of a stream (RFC 9000 §3.2): reassembly, flow control and final size. */
import { QuicError, TransportError } from '../wire/errors.ts';
import { RangeSet } from './range-set.ts';
import { type Pace, ReceiveWindow } from './receive-window.ts';

/**
 * Data that arrives in order is handed on as it came, a view into its packet. Data that arrives early, and scraps that
 * pile up unread, are copied into blocks, so that what a peer can make us hold stays within a small multiple of the
 * window however it cuts its frames (RFC 9000 §21.6).
 */
export class ReceiveStream {
  readonly id: number;
  readonly #window: ReceiveWindow;
  /** End of what was received, of what was received without a hole, and of what was read or discarded. */
  #highest = 0;
  #contiguous = 0;
  #consumed = 0;
  #finalSize: number | null = null;
  #resetCode: number | null = null;
  #discarded = 0;
  #stop: { code: number; state: 'queued' | 'sent' } | null = null;
  /** In order and unread; those before `#firstReady` are gone. */
  #ready: Buffer[] = [];
  #firstReady = 0;
  /** Block and position where the last of `#ready` begins, if it lies in a block and can grow there. */
  #tail: { block: Buffer; from: number } | null = null;
  /** Received beyond a hole, in blocks of BLOCK bytes by offset / BLOCK. */
  readonly #early = new RangeSet();
  readonly #blocks = new Map<number, Buffer>();

  /** `window`: how far the peer may be ahead of the reader, also as bytes that stay the same. */
  constructor(id: number, window: ReceiveWindow | number) {
    this.id = id;
    this.#window = typeof window === 'number' ? new ReceiveWindow(window) : window;
  }

  /** Bytes the peer may be ahead of the reader now. */
  get windowBytes(): number {
    return this.#window.bytes;
  }

  /**
   * Takes the contents of a STREAM frame; `data` is kept by reference. Returns by how much the highest offset grew:
   * that counts towards connection flow control. Throws QuicError FLOW_CONTROL_ERROR (RFC 9000 §4.1),
   * FINAL_SIZE_ERROR (§4.5), and INTERNAL_ERROR when the peer leaves more than MAX_HOLES holes.
   */
  receive(offset: number, data: Buffer, fin: boolean): number {
    const end = offset + data.length;
    const newBytes = this.#account(end, fin, STREAM_FRAME);
    if (this.#isDiscarding) {
      this.#discard();
      return newBytes;
    }
    if (end <= this.#contiguous) return newBytes;
    const skip = Math.max(0, this.#contiguous - offset);
    const scrap = this.#firstReady < this.#ready.length && data.length * 4 < data.buffer.byteLength;
    if (offset <= this.#contiguous && !scrap) {
      this.#ready.push(skip === 0 ? data : data.subarray(skip));
      this.#tail = null;
      this.#advance(end);
    } else {
      this.#store(offset + skip, data, skip);
    }
    this.#deliverEarly();
    return newBytes;
  }

  /**
   * Takes a RESET_STREAM; returns and throws as `receive`. What is not read yet is discarded, unless the whole stream
   * up to its FIN has arrived: then it is delivered and the reset ignored (RFC 9000 §3.2).
   */
  receiveReset(code: number, finalSize: number): number {
    const complete = this.#finalSize === this.#contiguous;
    const newBytes = this.#account(finalSize, true, RESET_STREAM_FRAME);
    if (complete) return newBytes;
    this.#resetCode = code;
    this.#discard();
    return newBytes;
  }

  /** The next bytes in order, which count as consumed; null when there are none now. */
  read(): Buffer | null {
    if (this.#firstReady === this.#ready.length) return null;
    const data = this.#ready[this.#firstReady]!;
    this.#ready[this.#firstReady++] = NO_DATA;
    if (this.#firstReady === this.#ready.length) {
      this.#ready.length = 0;
      this.#firstReady = 0;
      this.#tail = null;
    }
    this.#consumed += data.length;
    return data;
  }

  /** Everything up to the FIN was read, or the peer reset the stream, or we stopped it and know its size. */
  get isFinished(): boolean {
    return this.#resetCode !== null || (this.#finalSize !== null && this.#consumed === this.#finalSize);
  }

  /** The peer's code when it reset the stream; null otherwise. */
  get resetCode(): number | null {
    return this.#resetCode;
  }

  /**
   * Bytes newly known that nobody will read, after a reset or `stopSending`: connection flow control counts them as
   * consumed. Ask after `receive`, `receiveReset` and `stopSending`.
   */
  takeDiscarded(): number {
    const bytes = this.#discarded;
    this.#discarded = 0;
    return bytes;
  }

  /** The limit to advertise in a MAX_STREAM_DATA now, if one is due (`ReceiveWindow.advance`). */
  takeMaxData(pace: Pace | null = null): number | null {
    // RFC 9000 §3.2: with the final size known, or the data unwanted, more credit is of no use.
    if (this.#finalSize !== null || this.#isDiscarding) return null;
    return this.#window.advance(this.#consumed, pace);
  }

  onMaxDataLost(): void {
    this.#window.onLost();
  }

  /** Discards what arrived and what will, and asks the peer to stop (RFC 9000 §3.5). */
  stopSending(code: number): void {
    if (this.#stop !== null || this.isFinished) return;
    this.#stop = { code, state: 'queued' };
    this.#discard();
  }

  /** The code of a STOP_SENDING to send now; null when none is due. */
  takeStopSending(): number | null {
    // RFC 9000 §3.5: no use for a stream that the peer has ended or reset.
    if (this.#stop?.state !== 'queued' || this.#finalSize !== null) return null;
    this.#stop.state = 'sent';
    return this.#stop.code;
  }

  onStopSendingLost(): void {
    if (this.#stop !== null) this.#stop.state = 'queued';
  }

  get #isDiscarding(): boolean {
    return this.#stop !== null || this.#resetCode !== null;
  }

  /** Checks final size and limit for data up to `end`; returns by how much the highest offset grows. */
  #account(end: number, final: boolean, frameType: number): number {
    if (
      this.#finalSize === null
        ? final && end < this.#highest
        : end > this.#finalSize || (final && end !== this.#finalSize)
    ) {
      throw new QuicError(
        TransportError.FINAL_SIZE_ERROR,
        `final size of stream ${this.id} changed`,
        frameType,
      );
    }
    if (end > this.#window.limit) {
      const message = `stream ${this.id} exceeds its limit of ${this.#window.limit} bytes`;
      throw new QuicError(TransportError.FLOW_CONTROL_ERROR, message, frameType);
    }
    if (final) this.#finalSize = end;
    const newBytes = Math.max(0, end - this.#highest);
    this.#highest += newBytes;
    return newBytes;
  }

  /** Drops all that is unread and counts what was received as consumed. */
  #discard(): void {
    this.#ready = [];
    this.#firstReady = 0;
    this.#tail = null;
    this.#early.clear();
    this.#blocks.clear();
    this.#discarded += this.#highest - this.#consumed;
    this.#consumed = this.#highest;
    this.#contiguous = this.#highest;
  }

  /** Copies `data` from `skip` on, which begins at `offset`, into blocks. */
  #store(offset: number, data: Buffer, skip: number): void {
    const end = offset + data.length - skip;
    for (let at = offset, from = skip; at < end; ) {
      const index = Math.floor(at / BLOCK);
      let block = this.#blocks.get(index);
      if (block === undefined) {
        block = Buffer.allocUnsafeSlow(BLOCK);
        this.#blocks.set(index, block);
      }
      const copied = data.copy(block, at % BLOCK, from);
      at += copied;
      from += copied;
    }
    this.#early.add(offset, end);
    if (this.#early.size > MAX_HOLES) {
      throw new QuicError(TransportError.INTERNAL_ERROR, `too many holes in stream ${this.id}`, STREAM_FRAME);
    }
  }

  /** Makes ready what lies in blocks and is without a hole now. */
  #deliverEarly(): void {
    if (this.#early.firstStart > this.#contiguous) return;
    const end = this.#early.firstEnd;
    while (this.#contiguous < end) {
      const block = this.#blocks.get(Math.floor(this.#contiguous / BLOCK))!;
      const from = this.#contiguous % BLOCK;
      const to = Math.min(BLOCK, from + end - this.#contiguous);
      if (this.#tail?.block === block) {
        this.#ready[this.#ready.length - 1] = block.subarray(this.#tail.from, to);
      } else {
        this.#ready.push(block.subarray(from, to));
        this.#tail = { block, from };
      }
      this.#advance(this.#contiguous + to - from);
    }
  }

  /** Moves the end of the data without holes to `end`, and lets go of what lies before it. */
  #advance(end: number): void {
    if (this.#blocks.size > 0) {
      const live = Math.floor(end / BLOCK);
      for (let index = Math.floor(this.#contiguous / BLOCK); index < live; index++)
        this.#blocks.delete(index);
    }
    this.#contiguous = end;
    this.#early.remove(0, end);
  }
}

const BLOCK = 16_384;
/** A peer that keeps a window of 20 MB full and loses every other packet leaves half as many. */
const MAX_HOLES = 16_384;
const STREAM_FRAME = 0x08;
const RESET_STREAM_FRAME = 0x04;
const NO_DATA = Buffer.alloc(0);
