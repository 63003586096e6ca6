/**
 * What client and server of HTTP/3 have in common: the control stream of each end, SETTINGS and GOAWAY, QPACK's streams,
 * and how an error ends the connection (RFC 9114 §5, §6.2, §7.2, §8).
 */
import type { QuicSession, QuicStream } from '../udp/api.ts';
import { Reader } from '../wire/cursor.ts';
import { Http3Code, Http3Error } from './errors.ts';
import { encodeGoaway, encodeSettingsFrame, FrameReader, type Http3Frame } from './frames.ts';
import { DecoderStream, readEncoderStream } from './qpack.ts';
import { Setting, type Settings } from './settings.ts';

/** Default of the largest field section taken, bytes as of RFC 9114 §4.2.2. */
export const MAX_FIELD_SECTION = 16 * 1024;

/** RFC 9114 §6.2, RFC 9204 §4.2. */
const StreamType = { CONTROL: 0x0, PUSH: 0x1, QPACK_ENCODER: 0x2, QPACK_DECODER: 0x3 } as const;

interface Hooks {
  /** The peer opened a bidirectional stream. */
  onRequestStream(stream: QuicStream): void;
  /** RFC 9114 §5.2. To a client: requests from this stream id on were not and will not be served. */
  onGoaway(id: number): void;
}

export class Http3Connection {
  readonly session: QuicSession;
  readonly maxFieldSection: number;
  readonly #hooks: Hooks;
  readonly #control: QuicStream;
  /** Types of the peer's critical streams that exist. */
  readonly #critical = new Set<number>();
  #peerSettings: Settings | null = null;
  #peerGoaway = Number.POSITIVE_INFINITY;
  #maxPushId = -1;
  #failure: Http3Error | null = null;

  /**
   * Opens the control stream and takes the session's streams over. No QPACK stream is opened: there is nothing to say on
   * one (RFC 9204 §4.2). @throws LabError RL_CONFLICT when the session has ended, or its peer allows no such stream.
   */
  constructor(session: QuicSession, maxFieldSection: number, hooks: Hooks) {
    this.session = session;
    this.maxFieldSection = maxFieldSection;
    this.#hooks = hooks;
    const settings = new Map<number, number>([
      [Setting.QPACK_MAX_TABLE_CAPACITY, 0],
      [Setting.QPACK_BLOCKED_STREAMS, 0],
      [Setting.MAX_FIELD_SECTION_SIZE, maxFieldSection],
    ]);
    this.#control = session.openStream({ unidirectional: true });
    this.#control.write(Buffer.concat([Buffer.from([StreamType.CONTROL]), encodeSettingsFrame(settings)]));
    session.onStream = (stream) => {
      if (stream.unidirectional) this.#onUnidirectional(stream);
      else hooks.onRequestStream(stream);
    };
  }

  /** What broke the connection at this end; null while nothing has. */
  get failure(): Http3Error | null {
    return this.#failure;
  }

  /** Bytes of a field section that the peer takes. */
  get peerMaxFieldSection(): number {
    return this.#peerSettings?.get(Setting.MAX_FIELD_SECTION_SIZE) ?? Number.POSITIVE_INFINITY;
  }

  goaway(id: number): void {
    this.#control.write(encodeGoaway(id));
  }

  /** Runs what reads from a stream; an error of the peer's ends the connection, or goes to `onStreamError`. */
  guard(act: () => void, onStreamError?: (error: Http3Error) => void): void {
    // What was already on its way when the connection broke is not looked at.
    if (this.#failure) return;
    try {
      act();
    } catch (error) {
      if (!(error instanceof Http3Error)) throw error;
      if (error.scope === 'stream' && onStreamError) onStreamError(error);
      else this.fail(error);
    }
  }

  fail(error: Http3Error): void {
    if (this.#failure) return;
    this.#failure = error;
    void this.session.close(error.code, error.message);
  }

  #onUnidirectional(stream: QuicStream): void {
    let head: Buffer = Buffer.alloc(0);
    let take: ((data: Buffer) => void) | null = null;
    stream.onData = (data) => {
      this.guard(() => {
        if (take) {
          take(data);
          return;
        }
        head = Buffer.concat([head, data]);
        const r = new Reader(head);
        const type = r.tryVarint();
        if (type < 0) return;
        take = this.#accept(type, stream);
        if (r.remaining > 0) take?.(head.subarray(r.pos));
      });
    };
    // RFC 9114 §6.2: one that ends before its type is no error.
    stream.onEnd = () => undefined;
    stream.onReset = () => undefined;
  }

  /** Returns what takes the rest of a stream of this type; null when it is not read any further. */
  #accept(type: number, stream: QuicStream): ((data: Buffer) => void) | null {
    if (type === StreamType.PUSH) {
      // §6.2.2, §4.6: no push was allowed.
      throw this.session.role === 'client'
        ? new Http3Error(Http3Code.ID_ERROR, 'a push that was not allowed')
        : new Http3Error(Http3Code.STREAM_CREATION_ERROR, 'a push from a client');
    }
    if (type > StreamType.QPACK_DECODER) {
      // §6.2.3, §9.
      stream.onData = null;
      stream.stopSending(Http3Code.STREAM_CREATION_ERROR);
      return null;
    }
    if (this.#critical.has(type))
      throw new Http3Error(Http3Code.STREAM_CREATION_ERROR, `a second stream of type ${type}`);
    this.#critical.add(type);
    const closed = (): void =>
      this.fail(new Http3Error(Http3Code.CLOSED_CRITICAL_STREAM, `the stream of type ${type} was closed`));
    stream.onEnd = closed;
    stream.onReset = closed;
    switch (type) {
      case StreamType.CONTROL: {
        const frames = new FrameReader('control', 0, (frame) => this.#onControlFrame(frame));
        return (data) => frames.push(data);
      }
      case StreamType.QPACK_ENCODER:
        return readEncoderStream;
      default: {
        const decoder = new DecoderStream();
        return (data) => decoder.push(data);
      }
    }
  }

  #onControlFrame(frame: Http3Frame): void {
    if (frame.type === 'settings') {
      if (this.#peerSettings) throw new Http3Error(Http3Code.FRAME_UNEXPECTED, 'SETTINGS come twice');
      this.#peerSettings = frame.settings;
      return;
    }
    if (!this.#peerSettings)
      throw new Http3Error(Http3Code.MISSING_SETTINGS, `${frame.type} before SETTINGS`);
    switch (frame.type) {
      case 'goaway':
        this.#onGoaway(frame.id);
        break;
      case 'max_push_id':
        if (this.session.role === 'client')
          throw new Http3Error(Http3Code.FRAME_UNEXPECTED, 'MAX_PUSH_ID from a server');
        // §7.2.7.
        if (frame.id < this.#maxPushId) throw new Http3Error(Http3Code.ID_ERROR, 'MAX_PUSH_ID shrinks');
        this.#maxPushId = frame.id;
        break;
      case 'cancel_push':
        // §7.2.3: a server never promised it, a client never allowed it.
        throw new Http3Error(Http3Code.ID_ERROR, 'CANCEL_PUSH of a push that is not');
    }
  }

  #onGoaway(id: number): void {
    // §7.2.6: to a client it is the id of a request stream. What is too large for a number was read as the largest one.
    if (this.session.role === 'client' && id % 4 !== 0 && id < Number.MAX_SAFE_INTEGER)
      throw new Http3Error(Http3Code.ID_ERROR, `GOAWAY with ${id}, which is no request`);
    // §5.2.
    if (id > this.#peerGoaway)
      throw new Http3Error(Http3Code.ID_ERROR, 'GOAWAY with a larger id than before');
    this.#peerGoaway = id;
    this.#hooks.onGoaway(id);
  }
}
