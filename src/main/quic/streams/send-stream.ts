/** The sending part of a stream (RFC 9000 §3.1): what is queued, in flight, lost and acknowledged. */
import { varintSize } from '../wire/cursor.ts';
import { RangeSet } from './range-set.ts';

interface Chunk {
  start: number;
  data: Buffer;
}

/** What goes into one STREAM frame. */
interface Piece {
  offset: number;
  /** A view of what was written; empty when only the FIN goes out. */
  data: Buffer;
  fin: boolean;
  /** Bytes sent for the first time: they use up connection flow control. */
  newBytes: number;
}

/**
 * Sizes are for STREAM frames as `writeStreamHeader` writes them. A CRYPTO frame is never larger than one of stream 0,
 * so a SendStream with id 0 and an infinite limit serves CRYPTO data too.
 */
export class SendStream {
  readonly id: number;
  /** Unacknowledged data by offset; those before `#firstChunk` are released. */
  #chunks: Chunk[] = [];
  #firstChunk = 0;
  /** End of what was written, end of what was sent once, and the peer's limit. */
  #written = 0;
  #sent = 0;
  #maxData: number;
  readonly #acked = new RangeSet();
  readonly #lost = new RangeSet();
  #fin: 'open' | 'queued' | 'sent' | 'acked' = 'open';
  #reset: { code: number; finalSize: number; state: 'queued' | 'sent' | 'acked' } | null = null;

  constructor(id: number, maxData: number) {
    this.id = id;
    this.#maxData = maxData;
  }

  /** Queues bytes by reference: the caller does not change them any more. What follows a reset is dropped. */
  write(data: Buffer): void {
    if (this.#fin !== 'open') throw new Error(`write to stream ${this.id} after its end`);
    if (this.#reset !== null || data.length === 0) return;
    this.#chunks.push({ start: this.#written, data });
    this.#written += data.length;
  }

  /** Ends the stream after what is queued. */
  finish(): void {
    if (this.#fin === 'open') this.#fin = 'queued';
  }

  /** Abandons the stream: a RESET_STREAM takes the place of all that is not acknowledged. */
  reset(code: number): void {
    if (this.#reset !== null || this.isDone) return;
    // RFC 9000 §4.5: the final size is what has used flow control; once a FIN is out, that is all that was written.
    this.#reset = { code, finalSize: this.#sent, state: 'queued' };
    this.#chunks = [];
    this.#firstChunk = 0;
    this.#lost.clear();
  }

  /** RFC 9000 §3.5: a STOP_SENDING is answered by a reset with its code. */
  onStopSending(code: number): void {
    this.reset(code);
  }

  /** Bytes written and not yet sent for the first time. */
  get unsentBytes(): number {
    return this.#reset === null ? this.#written - this.#sent : 0;
  }

  /** Everything including the FIN is acknowledged, or the reset is: nothing more will ever be sent. */
  get isDone(): boolean {
    if (this.#reset?.state === 'acked') return true;
    return this.#fin === 'acked' && this.#ackedFront === this.#written;
  }

  /** The stream limit that keeps queued bytes from being sent (for STREAM_DATA_BLOCKED); null when none does. */
  get blockedAt(): number | null {
    return this.unsentBytes > 0 && this.#sent >= this.#maxData ? this.#maxData : null;
  }

  /** The limit begins anew, where early data went by a remembered one; false when more was sent than it allows. */
  restart(maxData: number): boolean {
    this.#maxData = maxData;
    return this.#sent <= maxData;
  }

  /** From the peer's MAX_STREAM_DATA; a lower one than before is ignored (RFC 9000 §4.1). */
  raiseMaxData(max: number): void {
    if (max > this.#maxData) this.#maxData = max;
  }

  /** Whether `takeReset`, or `next` given enough room, would return something. */
  hasWork(connectionCredit: number): boolean {
    if (this.#reset !== null) return this.#reset.state === 'queued';
    if (!this.#lost.isEmpty) return true;
    if (this.#sent === this.#written) return this.#fin === 'queued';
    return this.#sent < this.#maxData && connectionCredit > 0;
  }

  /**
   * The next piece to send, lost data first: STREAM header and data fit `room` bytes, new data fits
   * `connectionCredit`. It counts as sent. Null when there is nothing, or no room or credit for it. A piece ends where one
   * `write` ended: ask again for what follows.
   */
  next(room: number, connectionCredit: number): Piece | null {
    if (this.#reset !== null) return null;
    const retransmit = !this.#lost.isEmpty;
    const offset = retransmit ? this.#lost.firstStart : this.#sent;
    const limit = retransmit
      ? this.#lost.firstEnd
      : Math.min(this.#written, this.#maxData, this.#sent + connectionCredit);
    const roomForData = dataRoom(this.id, offset, room);
    if (offset < limit) {
      if (roomForData <= 0) return null;
      const data = this.#view(offset, Math.min(limit, offset + roomForData));
      const end = offset + data.length;
      if (retransmit) this.#lost.remove(offset, end);
      else this.#sent = end;
      return { offset, data, fin: this.#takeFin(end), newBytes: retransmit ? 0 : data.length };
    }
    if (this.#fin !== 'queued' || this.#sent < this.#written || roomForData < 0) return null;
    return { offset, data: NO_DATA, fin: this.#takeFin(offset), newBytes: 0 };
  }

  /** The RESET_STREAM to send now, if any. */
  takeReset(): { code: number; finalSize: number } | null {
    if (this.#reset?.state !== 'queued') return null;
    this.#reset.state = 'sent';
    return { code: this.#reset.code, finalSize: this.#reset.finalSize };
  }

  onResetLost(): void {
    if (this.#reset?.state === 'sent') this.#reset.state = 'queued';
  }

  onResetAcked(): void {
    if (this.#reset !== null) this.#reset.state = 'acked';
  }

  /** A frame with these bytes was acknowledged. */
  onAcked(offset: number, length: number, fin: boolean): void {
    if (fin) this.#fin = 'acked';
    this.#acked.add(offset, offset + length);
    this.#lost.remove(offset, offset + length);
    const front = this.#ackedFront;
    while (this.#firstChunk < this.#chunks.length) {
      const chunk = this.#chunks[this.#firstChunk]!;
      if (chunk.start + chunk.data.length > front) break;
      // Release the bytes now; the array is compacted now and then.
      this.#chunks[this.#firstChunk++] = RELEASED;
    }
    if (this.#firstChunk >= 64 && this.#firstChunk * 2 >= this.#chunks.length) {
      this.#chunks.splice(0, this.#firstChunk);
      this.#firstChunk = 0;
    }
  }

  /** A frame with these bytes was declared lost: what of it no other frame brought across is sent again. */
  onLost(offset: number, length: number, fin: boolean): void {
    if (this.#reset !== null) return;
    if (fin && this.#fin === 'sent') this.#fin = 'queued';
    this.#acked.forEachMissing(offset, offset + length, (start, end) => this.#lost.add(start, end));
  }

  /** Everything before this offset is acknowledged. */
  get #ackedFront(): number {
    return this.#acked.firstStart === 0 ? this.#acked.firstEnd : 0;
  }

  /** Whether a frame that ends at `end` carries the FIN. */
  #takeFin(end: number): boolean {
    if (this.#fin === 'open' || end !== this.#written) return false;
    if (this.#fin === 'queued') this.#fin = 'sent';
    return true;
  }

  /** Bytes from `start` to `end`, or to the end of the chunk that has the first of them. */
  #view(start: number, end: number): Buffer {
    let low = this.#firstChunk;
    let high = this.#chunks.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if (this.#chunks[middle]!.start <= start) low = middle;
      else high = middle - 1;
    }
    const chunk = this.#chunks[low]!;
    return chunk.data.subarray(start - chunk.start, end - chunk.start);
  }
}

/** Data bytes that fit `room` together with their STREAM header; negative when even the header does not fit. */
function dataRoom(id: number, offset: number, room: number): number {
  const withLength = room - 1 - varintSize(id) - (offset > 0 ? varintSize(offset) : 0);
  return withLength - varintSize(Math.max(withLength - 1, 0));
}

const NO_DATA = Buffer.alloc(0);
const RELEASED: Chunk = { start: 0, data: NO_DATA };
