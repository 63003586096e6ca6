/** Connection flow control, both directions (RFC 9000 §4.1): the sum over all streams. */
import { QuicError, TransportError } from '../wire/errors.ts';

export class FlowControl {
  readonly #window: number;
  #received = 0;
  #consumed = 0;
  /** Limit granted to the peer, and whether a MAX_DATA with it has to go out. */
  #maxReceive: number;
  #announce = false;
  #sent = 0;
  #maxSend: number;

  /** `window`: bytes the peer may be ahead of our readers. `maxSend`: the peer's initial_max_data, 0 until it is known. */
  constructor(window: number, maxSend = 0) {
    this.#window = window;
    this.#maxReceive = window;
    this.#maxSend = maxSend;
  }

  /** Counts growth of streams' highest offsets. Throws QuicError FLOW_CONTROL_ERROR beyond the limit granted. */
  receive(newBytes: number): void {
    this.#received += newBytes;
    if (this.#received > this.#maxReceive) {
      const message = `connection exceeds its limit of ${this.#maxReceive} bytes`;
      throw new QuicError(TransportError.FLOW_CONTROL_ERROR, message);
    }
  }

  /** Counts bytes that were read, or discarded (`ReceiveStream.takeDiscarded`). */
  consume(bytes: number): void {
    this.#consumed += bytes;
  }

  /** The limit to advertise in a MAX_DATA now: when half the window is consumed, or after a loss. */
  takeMaxData(): number | null {
    if (this.#maxReceive - this.#consumed <= this.#window / 2) {
      this.#maxReceive = this.#consumed + this.#window;
      this.#announce = true;
    }
    if (!this.#announce) return null;
    this.#announce = false;
    return this.#maxReceive;
  }

  onMaxDataLost(): void {
    this.#announce = true;
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

  /** From the peer's initial_max_data or MAX_DATA; a lower one than before is ignored. */
  raiseMaxData(max: number): void {
    if (max > this.#maxSend) this.#maxSend = max;
  }
}
