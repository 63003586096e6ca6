/**
 * All streams of a connection: opening and accepting within limits (RFC 9000 §2, §4.6), routing of stream frames,
 * connection flow control, and whose turn it is to send.
 */
import { FlowControl } from '../streams/flow-control.ts';
import { ReceiveStream } from '../streams/receive-stream.ts';
import { SendStream } from '../streams/send-stream.ts';
import {
  isClientInitiated,
  isUnidirectional,
  LocalStreams,
  RemoteStreams,
} from '../streams/stream-limits.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import type { Frame } from '../wire/frames.ts';
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
  /** By kind: bidirectional, unidirectional. */
  readonly #local: readonly [LocalStreams, LocalStreams];
  readonly #remote: readonly [RemoteStreams, RemoteStreams];
  /** Limits and requests to be told the peer, newest value each. */
  #maxData: number | null = null;
  readonly #maxStreamData = new Map<number, number>();
  readonly #maxStreams: [number | null, number | null] = [null, null];
  readonly #stopSending = new Map<number, number>();
  bytesSent = 0;
  bytesRetransmitted = 0;

  constructor(isClient: boolean, emit: (event: ConnectionEvent) => void) {
    this.#isClient = isClient;
    this.#emit = emit;
    this.flow = new FlowControl(WINDOWS.connection);
    const [us, them] = isClient ? (['client', 'server'] as const) : (['server', 'client'] as const);
    this.#local = [new LocalStreams(us, false), new LocalStreams(us, true)];
    this.#remote = [
      new RemoteStreams(them, false, WINDOWS.streamsBidi),
      new RemoteStreams(them, true, WINDOWS.streamsUni),
    ];
  }

  applyPeerParameters(peer: TransportParameters): void {
    this.#peer = peer;
    this.flow.raiseMaxData(peer.initialMaxData);
    this.#local[0].raiseMax(peer.initialMaxStreamsBidi);
    this.#local[1].raiseMax(peer.initialMaxStreamsUni);
  }

  /** Opens a stream; null when the peer's limit is reached (RFC 9000 §4.6). */
  open(unidirectional: boolean): number | null {
    const id = this.#local[unidirectional ? 1 : 0].open();
    if (id !== null) this.#create(id);
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

  /** Discards what is unread and asks the peer to stop (RFC 9000 §3.5). */
  stopSending(id: number, code: number): void {
    const stream = this.#streams.get(id);
    if (!stream?.receive) return;
    stream.receive.stopSending(code);
    this.#consume(stream.receive.takeDiscarded());
    this.#requestStop(id, stream.receive);
  }

  /** Hands all contiguous data of a stream to `sink`. Reading is consuming: it opens the windows again. */
  read(id: number, sink: (data: Buffer) => void): void {
    const stream = this.#streams.get(id);
    if (!stream?.receive) return;
    stream.readableQueued = false;
    while (!stream.paused) {
      const data = stream.receive.read();
      if (!data) break;
      this.#consume(data.length);
      sink(data);
    }
    const max = stream.receive.takeMaxData();
    if (max !== null) this.#maxStreamData.set(id, max);
  }

  #consume(bytes: number): void {
    this.flow.consume(bytes);
    this.#maxData = this.flow.takeMaxData() ?? this.#maxData;
  }

  #requestStop(id: number, receive: ReceiveStream): void {
    const code = receive.takeStopSending();
    if (code !== null) this.#stopSending.set(id, code);
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
    this.#maxStreamData.delete(id);
    if (isClientInitiated(id) === this.#isClient) return;
    const kind = isUnidirectional(id) ? 1 : 0;
    this.#remote[kind].onClosed();
    this.#maxStreams[kind] = this.#remote[kind].takeMaxStreams() ?? this.#maxStreams[kind];
  }

  // Frames received

  onStreamFrame(id: number, offset: number, data: Buffer, fin: boolean): void {
    const stream = this.#forReceiving(id);
    if (!stream) return;
    const receive = stream.receive!;
    const newBytes = receive.receive(offset, data, fin);
    if (newBytes > 0) this.flow.receive(newBytes);
    const discarded = receive.takeDiscarded();
    if (discarded > 0) this.#consume(discarded);
    this.#markReadable(stream);
  }

  onResetStream(id: number, code: number, finalSize: number): void {
    const stream = this.#forReceiving(id);
    if (!stream) return;
    const receive = stream.receive!;
    const newBytes = receive.receiveReset(code, finalSize);
    if (newBytes > 0) this.flow.receive(newBytes);
    this.#consume(receive.takeDiscarded());
    if (receive.resetCode === null || stream.resetReported) return;
    stream.resetReported = true;
    this.#emit({ type: 'stream-reset', id, code });
    this.release(id);
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
    this.#local[unidirectional ? 1 : 0].raiseMax(max);
  }

  onMaxData(max: number): void {
    this.flow.raiseMaxData(max);
    // Streams that were blocked by the connection's window get their turn again.
    for (const stream of this.#streams.values()) if (stream.send) this.#enqueue(stream);
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

  /** Whether `nextControl` would return something. */
  get hasControl(): boolean {
    return (
      this.#maxData !== null ||
      this.#maxStreamData.size > 0 ||
      this.#stopSending.size > 0 ||
      this.#maxStreams[0] !== null ||
      this.#maxStreams[1] !== null
    );
  }

  /** The next limit or request to tell the peer, handed out once; at most 17 bytes as a frame. */
  nextControl(): Extract<
    Frame,
    { type: 'max_data' | 'max_stream_data' | 'max_streams' | 'stop_sending' }
  > | null {
    if (this.#maxData !== null) {
      const max = this.#maxData;
      this.#maxData = null;
      return { type: 'max_data', max };
    }
    for (const [id, max] of this.#maxStreamData) {
      this.#maxStreamData.delete(id);
      return { type: 'max_stream_data', id, max };
    }
    for (const [id, code] of this.#stopSending) {
      this.#stopSending.delete(id);
      return { type: 'stop_sending', id, code };
    }
    for (const kind of [0, 1] as const) {
      const max = this.#maxStreams[kind];
      this.#maxStreams[kind] = null;
      if (max !== null) return { type: 'max_streams', bidirectional: kind === 0, max };
    }
    return null;
  }

  /** A frame of `nextControl` was lost: what still matters is told again, as it stands now (RFC 9000 §13.3). */
  onControlLost(frame: NonNullable<ReturnType<StreamSet['nextControl']>>): void {
    switch (frame.type) {
      case 'max_data':
        this.flow.onMaxDataLost();
        this.#maxData = this.flow.takeMaxData();
        break;
      case 'max_stream_data': {
        const receive = this.#streams.get(frame.id)?.receive;
        receive?.onMaxDataLost();
        const max = receive?.takeMaxData() ?? null;
        if (max !== null) this.#maxStreamData.set(frame.id, max);
        break;
      }
      case 'stop_sending': {
        const receive = this.#streams.get(frame.id)?.receive;
        receive?.onStopSendingLost();
        if (receive) this.#requestStop(frame.id, receive);
        break;
      }
      case 'max_streams': {
        const kind = frame.bidirectional ? 0 : 1;
        this.#remote[kind].onMaxStreamsLost();
        this.#maxStreams[kind] = this.#remote[kind].takeMaxStreams();
        break;
      }
    }
  }

  #raise(stream: StreamState, max: number): void {
    stream.send!.raiseMaxData(max);
    this.#enqueue(stream);
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
    if (isClientInitiated(id) === this.#isClient) {
      // RFC 9000 §19.8: a frame for a locally initiated stream that was never opened.
      if (this.#local[kind].isOpened(id)) return null;
      throw new QuicError(TransportError.STREAM_STATE_ERROR, `stream ${id} was never opened`);
    }
    let stream: StreamState | null = null;
    for (const opened of this.#remote[kind].open(id)) {
      stream = this.#create(opened);
      this.#emit({ type: 'stream-opened', id: opened });
    }
    return stream;
  }
}
