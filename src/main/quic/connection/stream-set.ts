/**
 * All streams of a connection: opening and accepting within limits (RFC 9000 §2, §4.6), routing of stream frames,
 * connection flow control, and whose turn it is to send.
 */
import { FlowControl } from '../streams/flow-control.ts';
import { isClientInitiated, isUnidirectional } from '../streams/ids.ts';
import { ReceiveStream } from '../streams/receive-stream.ts';
import { SendStream } from '../streams/send-stream.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import { type ConnectionEvent, WINDOWS } from './config.ts';

/** Unsent bytes above which a writer is asked to wait. */
const HIGH_WATER = 1024 * 1024;

interface StreamState {
  readonly id: number;
  readonly send: SendStream | null;
  readonly receive: ReceiveStream | null;
  queued: boolean;
  readableQueued: boolean;
  /** A writer was told to wait. */
  waiting: boolean;
  paused: boolean;
  resetReported: boolean;
}

export class StreamSet {
  readonly flow: FlowControl;
  readonly #isClient: boolean;
  readonly #emit: (event: ConnectionEvent) => void;
  readonly #streams = new Map<number, StreamState>();
  /** Streams with something to send, round robin. */
  #queue: StreamState[] = [];
  #peer: TransportParameters | null = null;
  /** [bidirectional, unidirectional] */
  readonly #opened = [0, 0];
  readonly #peerLimit = [0, 0];
  readonly #accepted = [0, 0];
  readonly #localLimit: [number, number] = [WINDOWS.streamsBidi, WINDOWS.streamsUni];
  readonly #advertised: [number, number] = [WINDOWS.streamsBidi, WINDOWS.streamsUni];
  readonly #advertiseAgain = [false, false];
  bytesSent = 0;
  bytesRetransmitted = 0;

  constructor(isClient: boolean, emit: (event: ConnectionEvent) => void) {
    this.#isClient = isClient;
    this.#emit = emit;
    this.flow = new FlowControl(WINDOWS.connection);
  }

  applyPeerParameters(peer: TransportParameters): void {
    this.#peer = peer;
    this.flow.raiseMaxData(peer.initialMaxData);
    this.#peerLimit[0] = peer.initialMaxStreamsBidi;
    this.#peerLimit[1] = peer.initialMaxStreamsUni;
    for (const stream of this.#streams.values()) {
      if (stream.send) this.#raise(stream, this.#initialSendLimit(stream.id));
    }
  }

  /** Opens a stream; null when the peer's limit is reached (RFC 9000 §4.6). */
  open(unidirectional: boolean): number | null {
    const kind = unidirectional ? 1 : 0;
    if (this.#opened[kind]! >= this.#peerLimit[kind]!) return null;
    const id = this.#opened[kind]! * 4 + (unidirectional ? 2 : 0) + (this.#isClient ? 0 : 1);
    this.#opened[kind]!++;
    this.#create(id);
    return id;
  }

  /** Queues data; false asks the writer to wait for `stream-writable`. */
  write(id: number, data: Buffer): boolean {
    const stream = this.#streams.get(id);
    if (!stream?.send) return true;
    stream.send.write(data);
    this.#enqueue(stream);
    if (stream.send.unsentBytes < HIGH_WATER) return true;
    stream.waiting = true;
    return false;
  }

  unsentBytes(id: number): number {
    return this.#streams.get(id)?.send?.unsentBytes ?? 0;
  }

  finish(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.finish();
    this.#enqueue(stream);
  }

  reset(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.reset(code);
    this.#enqueue(stream);
  }

  /** Whether STOP_SENDING makes sense: the peer may still be sending. */
  canStop(id: number): boolean {
    const receive = this.#streams.get(id)?.receive;
    return receive ? !receive.isFinished : false;
  }

  /** Next contiguous bytes of a stream, or null. Reading is consuming: it opens the windows again. */
  read(id: number): Buffer | null {
    const stream = this.#streams.get(id);
    if (!stream?.receive || stream.paused) return null;
    const data = stream.receive.read();
    if (data) this.flow.consume(data.length);
    return data;
  }

  /** True once everything up to the FIN was read. */
  isReadToEnd(id: number): boolean {
    const receive = this.#streams.get(id)?.receive;
    return receive ? receive.isFinished && receive.resetCode === null : false;
  }

  setPaused(id: number, paused: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    stream.paused = paused;
    if (!paused) this.#markReadable(stream);
  }

  /** Forgets a stream once both of its halves are finished; lets the peer open another in its place. */
  release(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (stream.send && !stream.send.isDone) return;
    if (stream.receive && !stream.receive.isFinished) return;
    this.#streams.delete(id);
    if (isClientInitiated(id) !== this.#isClient) this.#localLimit[isUnidirectional(id) ? 1 : 0]++;
  }

  get count(): number {
    return this.#streams.size;
  }

  // Frames received

  onStreamFrame(id: number, offset: number, data: Buffer, fin: boolean): void {
    const stream = this.#forReceiving(id);
    if (!stream) return;
    const newBytes = stream.receive!.receive(offset, data, fin);
    if (newBytes > 0) this.flow.receive(newBytes);
    this.#markReadable(stream);
  }

  onResetStream(id: number, code: number, finalSize: number): void {
    const stream = this.#forReceiving(id);
    if (!stream) return;
    const receive = stream.receive!;
    const newBytes = receive.receiveReset(code, finalSize);
    if (newBytes > 0) this.flow.receive(newBytes);
    if (receive.resetCode !== null && !stream.resetReported) {
      stream.resetReported = true;
      // What will never be read is given back to the connection's window.
      this.flow.consume(receive.takeDiscardedBytes());
      this.#emit({ type: 'stream-reset', id, code });
      this.release(id);
    }
  }

  onStopSending(id: number, code: number): void {
    const stream = this.#forSending(id);
    if (!stream) return;
    stream.send!.onStopSending(code);
    this.#enqueue(stream);
  }

  onMaxStreamData(id: number, max: number): void {
    const stream = this.#forSending(id);
    if (stream) this.#raise(stream, max);
  }

  onMaxStreams(unidirectional: boolean, max: number): void {
    const kind = unidirectional ? 1 : 0;
    this.#peerLimit[kind] = Math.max(this.#peerLimit[kind]!, max);
  }

  onMaxData(max: number): void {
    this.flow.raiseMaxData(max);
  }

  /** STREAM_DATA_BLOCKED says nothing we act on, but for a wrong stream it is an error (RFC 9000 §19.13). */
  onStreamDataBlocked(id: number): void {
    this.#forReceiving(id);
  }

  // Sending

  get hasWork(): boolean {
    const credit = this.flow.sendCredit;
    while (this.#queue.length > 0) {
      if (this.#queue[0]!.send!.hasWork(credit)) return true;
      // Blocked or idle: a window update or a loss puts it back.
      this.#dequeueFirst();
    }
    return false;
  }

  /** The stream whose turn it is. Call `hasWork` first. */
  get current(): StreamState {
    return this.#queue[0]!;
  }

  /** Next of the queue gets its turn: called once per packet, so streams share by packets. */
  rotate(): void {
    if (this.#queue.length < 2) return;
    const first = this.#queue.shift()!;
    this.#queue.push(first);
  }

  onSentData(stream: StreamState, bytes: number, newBytes: number): void {
    this.flow.onSent(newBytes);
    this.bytesSent += newBytes;
    this.bytesRetransmitted += bytes - newBytes;
    if (stream.waiting && stream.send!.unsentBytes < HIGH_WATER / 2) {
      stream.waiting = false;
      this.#emit({ type: 'stream-writable', id: stream.id });
    }
  }

  onAcked(id: number, offset: number, length: number, fin: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.onAcked(offset, length, fin);
    if (stream.send.isDone) this.release(id);
  }

  onLost(id: number, offset: number, length: number, fin: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.onLost(offset, length, fin);
    this.#enqueue(stream);
  }

  onResetAcked(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.onResetAcked();
    if (stream.send.isDone) this.release(id);
  }

  onResetLost(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.onResetLost();
    this.#enqueue(stream);
  }

  /** Window updates that are due, each handed out once. */
  takeStreamWindow(): { id: number; max: number } | null {
    for (const id of this.#windowDue) {
      this.#windowDue.delete(id);
      const max = this.#streams.get(id)?.receive?.takeMaxData() ?? null;
      if (max !== null) return { id, max };
    }
    return null;
  }

  readonly #windowDue = new Set<number>();

  /** The reader took data of this stream: its window may be due. */
  noteConsumed(id: number): void {
    if (this.#streams.get(id)?.receive?.isMaxDataDue) this.#windowDue.add(id);
  }

  get hasWindowDue(): boolean {
    return (
      this.#windowDue.size > 0 || this.flow.isMaxDataDue || this.#streamLimitDue(0) || this.#streamLimitDue(1)
    );
  }

  onStreamWindowLost(id: number): void {
    const receive = this.#streams.get(id)?.receive;
    if (!receive) return;
    receive.onMaxDataLost();
    this.#windowDue.add(id);
  }

  /** MAX_STREAMS to advertise, once half of the limit has been used up again. */
  takeStreamLimit(): { unidirectional: boolean; max: number } | null {
    for (const kind of [0, 1] as const) {
      if (!this.#streamLimitDue(kind)) continue;
      this.#advertised[kind] = this.#localLimit[kind];
      this.#advertiseAgain[kind] = false;
      return { unidirectional: kind === 1, max: this.#localLimit[kind] };
    }
    return null;
  }

  onStreamLimitLost(unidirectional: boolean): void {
    this.#advertiseAgain[unidirectional ? 1 : 0] = true;
  }

  #streamLimitDue(kind: 0 | 1): boolean {
    const initial = kind === 0 ? WINDOWS.streamsBidi : WINDOWS.streamsUni;
    return this.#advertiseAgain[kind]! || this.#localLimit[kind] - this.#advertised[kind] >= initial / 2;
  }

  #raise(stream: StreamState, max: number): void {
    stream.send!.raiseMaxData(max);
    this.#enqueue(stream);
  }

  /** A connection-level window opened: streams that were blocked by it get their turn again. */
  unblockAll(): void {
    for (const stream of this.#streams.values()) if (stream.send) this.#enqueue(stream);
  }

  #enqueue(stream: StreamState): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#queue.push(stream);
  }

  #dequeueFirst(): void {
    const stream = this.#queue.shift();
    if (stream) stream.queued = false;
  }

  #markReadable(stream: StreamState): void {
    if (stream.readableQueued || stream.paused) return;
    stream.readableQueued = true;
    this.#emit({ type: 'stream-readable', id: stream.id });
  }

  /** The owner is about to read: later arrivals announce themselves again. */
  clearReadable(id: number): void {
    const stream = this.#streams.get(id);
    if (stream) stream.readableQueued = false;
  }

  #initialSendLimit(id: number): number {
    const peer = this.#peer;
    if (!peer) return 0;
    if (isUnidirectional(id)) return peer.initialMaxStreamDataUni;
    // "Local" and "remote" are from the view of whoever sent the parameter (RFC 9000 §18.2).
    return isClientInitiated(id) === this.#isClient
      ? peer.initialMaxStreamDataBidiRemote
      : peer.initialMaxStreamDataBidiLocal;
  }

  #create(id: number): StreamState {
    const local = isClientInitiated(id) === this.#isClient;
    const uni = isUnidirectional(id);
    const stream: StreamState = {
      id,
      send: uni && !local ? null : new SendStream(id, this.#initialSendLimit(id)),
      receive: uni && local ? null : new ReceiveStream(id, WINDOWS.stream),
      queued: false,
      readableQueued: false,
      waiting: false,
      paused: false,
      resetReported: false,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  /** The stream a frame of its sender refers to; null when it is finished and forgotten. */
  #forReceiving(id: number): StreamState | null {
    if (isUnidirectional(id) && isClientInitiated(id) === this.#isClient) {
      throw new QuicError(TransportError.STREAM_STATE_ERROR, `stream ${id} is ours to send on`);
    }
    return this.#lookUp(id);
  }

  #forSending(id: number): StreamState | null {
    if (isUnidirectional(id) && isClientInitiated(id) !== this.#isClient) {
      throw new QuicError(TransportError.STREAM_STATE_ERROR, `stream ${id} is the peer’s to send on`);
    }
    return this.#lookUp(id);
  }

  #lookUp(id: number): StreamState | null {
    const existing = this.#streams.get(id);
    if (existing) return existing;
    const kind = isUnidirectional(id) ? 1 : 0;
    const index = Math.floor(id / 4);
    if (isClientInitiated(id) === this.#isClient) {
      // RFC 9000 §19.8: a frame for a locally initiated stream that was never opened.
      if (index >= this.#opened[kind]!) {
        throw new QuicError(TransportError.STREAM_STATE_ERROR, `stream ${id} was never opened`);
      }
      return null;
    }
    if (index < this.#accepted[kind]!) return null;
    if (index >= this.#advertised[kind]!) {
      throw new QuicError(TransportError.STREAM_LIMIT_ERROR, `stream ${id} is beyond the limit`);
    }
    // RFC 9000 §3.2: opening a stream opens all lower-numbered ones of its kind.
    let stream: StreamState | null = null;
    while (this.#accepted[kind]! <= index) {
      const openedId = this.#accepted[kind]! * 4 + (id & 3);
      this.#accepted[kind]!++;
      stream = this.#create(openedId);
      this.#emit({ type: 'stream-opened', id: openedId });
    }
    return stream;
  }
}
