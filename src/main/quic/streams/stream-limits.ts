/** Stream IDs (RFC 9000 §2.1) and how many streams each side may open (§4.6). */
import { QuicError, TransportError } from '../wire/errors.ts';

export type Role = 'client' | 'server';

export const isClientInitiated = (id: number): boolean => id % 2 === 0;
export const isUnidirectional = (id: number): boolean => id % 4 >= 2;

/** The lowest stream ID of a type; the others follow in steps of 4. */
const firstId = (initiator: Role, unidirectional: boolean): number =>
  (unidirectional ? 2 : 0) + (initiator === 'client' ? 0 : 1);

/** Streams of one type that this endpoint opens, up to the peer's limit. */
export class LocalStreams {
  readonly #firstId: number;
  #opened = 0;
  #max: number;

  /** `role` is ours; `max` the peer's initial_max_streams, 0 until it is known. */
  constructor(role: Role, unidirectional: boolean, max = 0) {
    this.#firstId = firstId(role, unidirectional);
    this.#max = max;
  }

  /** The ID of a new stream; null when the peer's limit is reached. */
  open(): number | null {
    if (this.#opened >= this.#max) return null;
    return this.#firstId + 4 * this.#opened++;
  }

  /** Whether a stream of this type has been opened: a frame for one that has not is a STREAM_STATE_ERROR. */
  isOpened(id: number): boolean {
    return id < this.#firstId + 4 * this.#opened;
  }

  /** The limit in the way of another stream (for STREAMS_BLOCKED); null when there is none. */
  get blockedAt(): number | null {
    return this.#opened < this.#max ? null : this.#max;
  }

  /** The limit begins anew, where early data went by a remembered one; false when more were opened than it allows. */
  restart(max: number): boolean {
    this.#max = max;
    return this.#opened <= max;
  }

  /** From the peer's initial_max_streams or MAX_STREAMS; a lower one than before is ignored. */
  raiseMax(max: number): void {
    if (max > this.#max) this.#max = max;
  }
}

/** Streams of one type that the peer opens, up to the limit we grant. */
export class RemoteStreams {
  readonly #firstId: number;
  readonly #concurrent: number;
  #opened = 0;
  #closed = 0;
  #max: number;
  #announce = false;

  /** `peer` is the other endpoint's role; `concurrent` the streams it may have open at once, our initial_max_streams. */
  constructor(peer: Role, unidirectional: boolean, concurrent: number) {
    this.#firstId = firstId(peer, unidirectional);
    this.#concurrent = concurrent;
    this.#max = concurrent;
  }

  /**
   * The streams that the first frame for stream `id` opens: itself and all lower ones of its type not open yet (RFC 9000
   * §3.2); none when it was opened before. Throws QuicError STREAM_LIMIT_ERROR beyond the limit granted.
   */
  open(id: number): number[] {
    const index = (id - this.#firstId) / 4;
    if (index >= this.#max) {
      throw new QuicError(
        TransportError.STREAM_LIMIT_ERROR,
        `stream ${id} exceeds the limit of ${this.#max}`,
      );
    }
    const opened: number[] = [];
    while (this.#opened <= index) opened.push(this.#firstId + 4 * this.#opened++);
    return opened;
  }

  /** A stream has ended in both directions and is forgotten. */
  onClosed(): void {
    this.#closed++;
  }

  /** The limit to advertise in a MAX_STREAMS now: when half of it is used up, or after a loss. */
  takeMaxStreams(): number | null {
    if (this.#max - this.#closed <= this.#concurrent / 2) {
      this.#max = this.#closed + this.#concurrent;
      this.#announce = true;
    }
    if (!this.#announce) return null;
    this.#announce = false;
    return this.#max;
  }

  onMaxStreamsLost(): void {
    this.#announce = true;
  }
}
