/** Connection flow control, both directions (RFC 9000 §4.1): the sum over all streams. */
import { QuicError, TransportError } from '../wire/errors.ts';
import type { Pace, ReceiveWindow } from './receive-window.ts';

/** Connection window by that of one stream, as Chromium has it. */
const STREAM_SHARE = 1.5;

export class FlowControl {
  readonly #window: ReceiveWindow;
  #received = 0;
  #consumed = 0;
  #sent = 0;
  #maxSend = 0;

  /** `window`: how far the peer may be ahead of our readers, all together. */
  constructor(window: ReceiveWindow) {
    this.#window = window;
  }

  /** Counts growth of streams' highest offsets. Throws QuicError FLOW_CONTROL_ERROR beyond the limit granted. */
  receive(newBytes: number): void {
    this.#received += newBytes;
    if (this.#received > this.#window.limit) {
      const message = `connection exceeds its limit of ${this.#window.limit} bytes`;
      throw new QuicError(TransportError.FLOW_CONTROL_ERROR, message);
    }
  }

  /** Counts bytes that were read, or discarded (`ReceiveStream.takeDiscarded`). */
  consume(bytes: number): void {
    this.#consumed += bytes;
  }

  /** The limit to advertise in a MAX_DATA now, if one is due (`ReceiveWindow.advance`). */
  takeMaxData(pace: Pace | null = null): number | null {
    return this.#window.advance(this.#consumed, pace);
  }

  onMaxDataLost(): void {
    this.#window.onLost();
  }

  /** A stream's window is so wide now: a few of them have to fit. */
  onStreamWindow(bytes: number): void {
    this.#window.widen(STREAM_SHARE * bytes);
  }

  /** New stream bytes that may be sent now. */
  get sendCredit(): number {
    return this.#maxSend - this.#sent;
  }

  /** The limit in the way of new stream bytes (for DATA_BLOCKED); null when there is credit. */
  get blockedAt(): number | null {
    return this.#sent < this.#maxSend ? null : this.#maxSend;
  }

  onSent(newBytes: number): void {
    this.#sent += newBytes;
  }

  /** The limit begins anew, where early data went by a remembered one; false when more was sent than it allows. */
  restart(max: number): boolean {
    this.#maxSend = max;
    return this.#sent <= max;
  }

  /** From the peer's initial_max_data or MAX_DATA; a lower one than before is ignored. */
  raiseMaxData(max: number): void {
    if (max > this.#maxSend) this.#maxSend = max;
  }
}
