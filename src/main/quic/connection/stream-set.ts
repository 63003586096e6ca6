/**
 * All streams of a connection at work: routing of stream frames, connection flow control, whose turn it is to send, and
 * what the peer is to be told (RFC 9000 §2, §4).
 */
import { FlowControl } from '../streams/flow-control.ts';
import type { ReceiveStream } from '../streams/receive-stream.ts';
import { type Pace, ReceiveWindow } from '../streams/receive-window.ts';
import type { SendStream } from '../streams/send-stream.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import { type ConnectionEvent, WINDOWS } from './config.ts';
import { StreamControl, type StreamControlFrame } from './stream-control.ts';
import { type StreamState, StreamTable } from './stream-table.ts';

/** Unsent bytes above which a writer is asked to wait. */
const HIGH_WATER = 1024 * 1024;

export class StreamSet {
  readonly flow: FlowControl;
  readonly #emit: (event: ConnectionEvent) => void;
  /** Streams with something to send, round robin. */
  readonly #queue: StreamState[] = [];
  readonly #control = new StreamControl();
  readonly #streams: StreamTable;
  /** Limit of the newest DATA_BLOCKED. */
  #blockedAt: number | null = null;
  /** Written and not yet sent, all streams together. */
  bytesUnsent = 0;
  bytesSent = 0;
  bytesRetransmitted = 0;

  constructor(isClient: boolean, emit: (event: ConnectionEvent) => void) {
    this.#emit = emit;
    this.flow = new FlowControl(new ReceiveWindow(WINDOWS.connection, WINDOWS.connectionCap));
    this.#streams = new StreamTable(isClient, emit, this.#control);
  }

  /** How many were opened so far, by either end. */
  get opened(): number {
    return this.#streams.opened;
  }

  applyPeerParameters(peer: TransportParameters): void {
    this.flow.raiseMaxData(peer.initialMaxData);
    this.#streams.applyPeerParameters(peer);
    // Streams opened for early data went by what was remembered.
    for (const { id, send } of this.#streams.all())
      if (send) this.onMaxStreamData(id, this.#streams.initialSendLimit(id));
  }

  /** Early data was rejected: limits begin anew (RFC 9001 §4.6.2). False when more was used than they allow. */
  restart(peer: TransportParameters): boolean {
    const fits = this.#streams.restart(peer);
    return this.flow.restart(peer.initialMaxData) && fits;
  }

  /** Opens a stream; null when the peer's limit is reached (RFC 9000 §4.6). */
  open(unidirectional: boolean): number | null {
    return this.#streams.open(unidirectional);
  }

  /** Queues data; false asks the writer to wait for `stream-writable`. */
  write(id: number, data: Buffer): boolean {
    const stream = this.#streams.get(id);
    if (!stream?.send) return true;
    const before = stream.send.unsentBytes;
    stream.send.write(data);
    this.bytesUnsent += stream.send.unsentBytes - before;
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
    this.#abandon(stream.send, (send) => send.reset(code));
    stream.waiting = false;
    this.#enqueue(stream);
  }

  #abandon(send: SendStream, how: (send: SendStream) => void): void {
    const before = send.unsentBytes;
    how(send);
    this.bytesUnsent -= before - send.unsentBytes;
  }

  /** Discards what is unread and asks the peer to stop (RFC 9000 §3.5). There is nothing more to read. */
  stopSending(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.receive) return;
    stream.readOver = true;
    stream.receive.stopSending(code);
    this.#consume(stream.receive.takeDiscarded());
    this.#requestStop(id, stream.receive);
    this.#streams.release(stream);
  }

  /**
   * Hands all contiguous data of a stream to `sink`. Reading is consuming: it opens the windows again. True, once,
   * when that was all up to the FIN. How fast that goes on tells how wide the windows have to be.
   */
  read(id: number, sink: (data: Buffer) => void, pace: Pace | null): boolean {
    const stream = this.#streams.get(id);
    const receive = stream?.receive;
    if (!receive || stream.readOver) return false;
    stream.readableQueued = false;
    while (!stream.paused && !stream.readOver) {
      const data = receive.read();
      if (!data) break;
      this.flow.consume(data.length);
      sink(data);
    }
    this.#grant(pace);
    const max = receive.takeMaxData(pace);
    if (max !== null) {
      this.#control.put({ type: 'max_stream_data', id, max });
      this.flow.onStreamWindow(receive.windowBytes);
    }
    if (!receive.isFinished || receive.resetCode !== null || stream.paused || stream.readOver) return false;
    stream.readOver = true;
    this.#streams.release(stream);
    return true;
  }

  #consume(bytes: number): void {
    this.flow.consume(bytes);
    this.#grant(null);
  }

  #grant(pace: Pace | null): void {
    const max = this.flow.takeMaxData(pace);
    if (max !== null) this.#control.put({ type: 'max_data', max });
  }

  #requestStop(id: number, receive: ReceiveStream): void {
    const code = receive.takeStopSending();
    if (code !== null) this.#control.put({ type: 'stop_sending', id, code });
  }

  setPaused(id: number, paused: boolean): void {
    const stream = this.#streams.get(id);
    if (!stream) return;
    stream.paused = paused;
    if (!paused) this.#markReadable(stream);
  }

  // Frames received

  onStreamFrame(id: number, offset: number, data: Buffer, fin: boolean): void {
    const stream = this.#streams.forReceiving(id);
    if (!stream) return;
    const receive = stream.receive!;
    const newBytes = receive.receive(offset, data, fin);
    if (newBytes > 0) this.flow.receive(newBytes);
    const discarded = receive.takeDiscarded();
    if (discarded > 0) this.#consume(discarded);
    if (stream.readOver) this.#streams.release(stream);
    else this.#markReadable(stream);
  }

  onResetStream(id: number, code: number, finalSize: number): void {
    const stream = this.#streams.forReceiving(id);
    if (!stream) return;
    const receive = stream.receive!;
    const newBytes = receive.receiveReset(code, finalSize);
    if (newBytes > 0) this.flow.receive(newBytes);
    this.#consume(receive.takeDiscarded());
    if (receive.resetCode === null || stream.resetReported) return;
    stream.resetReported = true;
    stream.readOver = true;
    this.#emit({ type: 'stream-reset', id, code });
    this.#streams.release(stream);
  }

  onStopSending(id: number, code: number): void {
    const stream = this.#streams.forSending(id);
    if (!stream) return;
    this.#abandon(stream.send!, (send) => send.onStopSending(code));
    this.#enqueue(stream);
    if (!stream.waiting) return;
    // A writer that was told to wait finds out when it goes on: nothing it writes is kept any more.
    stream.waiting = false;
    this.#emit({ type: 'stream-writable', id });
  }

  onMaxStreamData(id: number, max: number): void {
    const stream = this.#streams.forSending(id);
    if (!stream) return;
    stream.send!.raiseMaxData(max);
    this.#enqueue(stream);
  }

  onMaxStreams(unidirectional: boolean, max: number): void {
    this.#streams.onMaxStreams(unidirectional, max);
  }

  onMaxData(max: number): void {
    const wasBlocked = this.flow.blockedAt !== null;
    this.flow.raiseMaxData(max);
    if (!wasBlocked) return;
    // Streams that were blocked by the connection's window get their turn again.
    for (const stream of this.#streams.all()) if (stream.send?.unsentBytes) this.#enqueue(stream);
  }

  /** STREAM_DATA_BLOCKED says nothing we act on, but for a wrong stream it is an error (RFC 9000 §19.13). */
  onStreamDataBlocked(id: number): void {
    this.#streams.forReceiving(id);
  }

  // Sending

  get hasWork(): boolean {
    if (this.#queue.length === 0) return false;
    const credit = this.flow.sendCredit;
    do {
      const stream = this.#queue[0]!;
      if (stream.send!.hasWork(credit)) return true;
      // Blocked or idle: a window update or a loss puts it back.
      this.#queue.shift();
      stream.queued = false;
      this.#tellBlocked(stream);
    } while (this.#queue.length > 0);
    return false;
  }

  /** RFC 9000 §4.1: a sender that has data and no credit says so, once for each limit. */
  #tellBlocked(stream: StreamState): void {
    const send = stream.send!;
    if (send.unsentBytes === 0) return;
    const limit = send.blockedAt;
    if (limit !== null) {
      if (limit === stream.blockedAt) return;
      stream.blockedAt = limit;
      this.#control.put({ type: 'stream_data_blocked', id: stream.id, limit });
      return;
    }
    const max = this.flow.blockedAt;
    if (max === null || max === this.#blockedAt) return;
    this.#blockedAt = max;
    this.#control.put({ type: 'data_blocked', limit: max });
  }

  /** Says again what still holds data back. */
  remindOfBlocks(): void {
    this.#blockedAt = null;
    for (const stream of this.#streams.all()) {
      if (!stream.send || stream.queued) continue;
      stream.blockedAt = null;
      this.#tellBlocked(stream);
    }
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
    this.bytesUnsent -= newBytes;
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
    if (stream.send.isDone) this.#streams.release(stream);
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
    if (stream.send.isDone) this.#streams.release(stream);
  }

  onResetLost(id: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.send) return;
    stream.send.onResetLost();
    this.#enqueue(stream);
  }

  get hasControl(): boolean {
    return !this.#control.isEmpty;
  }

  /** The next limit or request to tell the peer, handed out once; at most STREAM_CONTROL_BYTES as a frame. */
  nextControl(): StreamControlFrame | null {
    return this.#control.take();
  }

  /** A frame of `nextControl` was lost: what still matters is told again, as it stands now (RFC 9000 §13.3). */
  onControlLost(frame: StreamControlFrame): void {
    switch (frame.type) {
      case 'max_data': {
        this.flow.onMaxDataLost();
        this.#consume(0);
        break;
      }
      case 'max_stream_data': {
        const receive = this.#streams.get(frame.id)?.receive;
        receive?.onMaxDataLost();
        const max = receive?.takeMaxData() ?? null;
        if (max !== null) this.#control.put({ type: 'max_stream_data', id: frame.id, max });
        break;
      }
      case 'stop_sending': {
        const receive = this.#streams.get(frame.id)?.receive;
        receive?.onStopSendingLost();
        if (receive) this.#requestStop(frame.id, receive);
        break;
      }
      case 'data_blocked':
        if (this.flow.blockedAt === frame.limit) this.#control.put(frame);
        break;
      case 'stream_data_blocked':
        if (this.#streams.get(frame.id)?.send?.blockedAt === frame.limit) this.#control.put(frame);
        break;
      case 'max_streams':
      case 'streams_blocked':
        this.#streams.onLimitLost(frame);
        break;
    }
  }

  #enqueue(stream: StreamState): void {
    if (stream.queued) return;
    stream.queued = true;
    this.#queue.push(stream);
  }

  #markReadable(stream: StreamState): void {
    if (stream.readableQueued || stream.paused || stream.readOver) return;
    stream.readableQueued = true;
    this.#emit({ type: 'stream-readable', id: stream.id });
  }
}
