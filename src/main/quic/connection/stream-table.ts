/** Which streams exist: opened and accepted within limits, looked up for frames (RFC 9000 §2, §3, §4.6). */
import { ReceiveStream } from '../streams/receive-stream.ts';
import { ReceiveWindow } from '../streams/receive-window.ts';
import { SendStream } from '../streams/send-stream.ts';
import {
  isClientInitiated,
  isUnidirectional,
  LocalStreams,
  RemoteStreams,
} from '../streams/stream-limits.ts';
import { QuicError, TransportError } from '../wire/errors.ts';
import type { TransportParameters } from '../wire/transport-parameters.ts';
import { type ConnectionEvent, WINDOWS } from './config.ts';
import type { StreamControl, StreamControlFrame } from './stream-control.ts';

export interface StreamState {
  readonly id: number;
  readonly send: SendStream | null;
  readonly receive: ReceiveStream | null;
  queued: boolean;
  readableQueued: boolean;
  /** A writer was told to wait. */
  waiting: boolean;
  paused: boolean;
  resetReported: boolean;
  /** The reader was told how it ended, or wants no more. */
  readOver: boolean;
  /** Limit of the newest STREAM_DATA_BLOCKED. */
  blockedAt: number | null;
}

export class StreamTable {
  readonly #isClient: boolean;
  readonly #emit: (event: ConnectionEvent) => void;
  readonly #control: StreamControl;
  readonly #streams = new Map<number, StreamState>();
  #peer: TransportParameters | null = null;
  #opened = 0;
  /** By kind: bidirectional, unidirectional. */
  readonly #local: readonly [LocalStreams, LocalStreams];
  readonly #remote: readonly [RemoteStreams, RemoteStreams];
  /** Limits of the newest STREAMS_BLOCKED. */
  readonly #blockedAt: [number | null, number | null] = [null, null];

  constructor(isClient: boolean, emit: (event: ConnectionEvent) => void, control: StreamControl) {
    this.#isClient = isClient;
    this.#emit = emit;
    this.#control = control;
    const [us, them] = isClient ? (['client', 'server'] as const) : (['server', 'client'] as const);
    this.#local = [new LocalStreams(us, false), new LocalStreams(us, true)];
    this.#remote = [
      new RemoteStreams(them, false, WINDOWS.streamsBidi),
      new RemoteStreams(them, true, WINDOWS.streamsUni),
    ];
  }

  applyPeerParameters(peer: TransportParameters): void {
    this.#peer = peer;
    this.#local[0].raiseMax(peer.initialMaxStreamsBidi);
    this.#local[1].raiseMax(peer.initialMaxStreamsUni);
  }

  /** Early data was rejected: limits begin anew. False when more was used than they allow. */
  restart(peer: TransportParameters): boolean {
    this.#peer = peer;
    const [bidi, uni] = this.#local;
    let fits = bidi.restart(peer.initialMaxStreamsBidi);
    fits = uni.restart(peer.initialMaxStreamsUni) && fits;
    for (const { id, send } of this.all()) if (send && !send.restart(this.initialSendLimit(id))) fits = false;
    return fits;
  }

  /** How many were opened so far, by either end. */
  get opened(): number {
    return this.#opened;
  }

  get(id: number): StreamState | undefined {
    return this.#streams.get(id);
  }

  all(): Iterable<StreamState> {
    return this.#streams.values();
  }

  /** Opens a stream; null when the peer's limit is reached, which it is then told. */
  open(unidirectional: boolean): number | null {
    const kind = unidirectional ? 1 : 0;
    const local = this.#local[kind];
    const id = local.open();
    if (id !== null) {
      this.#create(id);
    } else if (local.blockedAt !== this.#blockedAt[kind]) {
      this.#blockedAt[kind] = local.blockedAt;
      this.#control.put({
        type: 'streams_blocked',
        bidirectional: !unidirectional,
        limit: local.blockedAt!,
      });
    }
    return id;
  }

  onMaxStreams(unidirectional: boolean, max: number): void {
    this.#local[unidirectional ? 1 : 0].raiseMax(max);
  }

  /**
   * Forgets a stream once both of its halves are finished and the reader knows; lets the peer open another in its
   * place.
   */
  release(stream: StreamState): void {
    const { id, send, receive } = stream;
    if (send && !send.isDone) return;
    if (receive && !(receive.isFinished && stream.readOver)) return;
    if (!this.#streams.delete(id)) return;
    this.#control.forget(id);
    if (isClientInitiated(id) === this.#isClient) return;
    const kind = isUnidirectional(id) ? 1 : 0;
    this.#remote[kind].onClosed();
    this.#putMaxStreams(kind);
  }

  onLimitLost(frame: Extract<StreamControlFrame, { type: 'max_streams' | 'streams_blocked' }>): void {
    const kind = frame.bidirectional ? 0 : 1;
    if (frame.type === 'max_streams') {
      this.#remote[kind].onMaxStreamsLost();
      this.#putMaxStreams(kind);
    } else if (this.#local[kind].blockedAt === frame.limit) {
      this.#control.put(frame);
    }
  }

  /** The stream that a frame of its sender refers to; null when it is finished and forgotten. */
  forReceiving(id: number): StreamState | null {
    if (isUnidirectional(id) && isClientInitiated(id) === this.#isClient) {
      throw new QuicError(TransportError.STREAM_STATE_ERROR, `stream ${id} is ours to send on`);
    }
    return this.#lookUp(id);
  }

  /** The stream that a frame of its receiver refers to; null when it is finished and forgotten. */
  forSending(id: number): StreamState | null {
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

  #create(id: number): StreamState {
    this.#opened++;
    const local = isClientInitiated(id) === this.#isClient;
    const uni = isUnidirectional(id);
    const stream: StreamState = {
      id,
      send: uni && !local ? null : new SendStream(id, this.initialSendLimit(id)),
      receive:
        uni && local ? null : new ReceiveStream(id, new ReceiveWindow(WINDOWS.stream, WINDOWS.streamCap)),
      queued: false,
      readableQueued: false,
      waiting: false,
      paused: false,
      resetReported: false,
      readOver: false,
      blockedAt: null,
    };
    this.#streams.set(id, stream);
    return stream;
  }

  /** The peer's first limit of a stream that we send on. */
  initialSendLimit(id: number): number {
    const peer = this.#peer;
    if (!peer) return 0;
    if (isUnidirectional(id)) return peer.initialMaxStreamDataUni;
    // "Local" and "remote" are from the view of whoever sent the parameter (RFC 9000 §18.2).
    return isClientInitiated(id) === this.#isClient
      ? peer.initialMaxStreamDataBidiRemote
      : peer.initialMaxStreamDataBidiLocal;
  }

  #putMaxStreams(kind: 0 | 1): void {
    const max = this.#remote[kind].takeMaxStreams();
    if (max !== null) this.#control.put({ type: 'max_streams', bidirectional: kind === 0, max });
  }
}
