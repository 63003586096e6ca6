/** Sends content as DATA frames, no faster than the stream takes it. */
import type { QuicStream } from '../udp/api.ts';
import { Http3Code } from './errors.ts';
import { encodeFrameHeader, FrameType } from './frames.ts';

export type Body = Uint8Array | Iterable<Uint8Array>;

export class BodySender {
  readonly #stream: QuicStream;
  readonly #pieces: Iterator<Uint8Array>;
  readonly #onDone: () => void;
  #isDone = false;

  /** Takes the stream's `onDrain` over and begins. `onDone`: everything was handed to it, or the peer wants no more. */
  constructor(stream: QuicStream, body: Body, onDone: () => void) {
    this.#stream = stream;
    this.#pieces = (body instanceof Uint8Array ? [body] : body)[Symbol.iterator]();
    this.#onDone = onDone;
    stream.onDrain = () => this.#pump();
    this.#pump();
  }

  get isDone(): boolean {
    return this.#isDone;
  }

  /** Nothing more is taken from the body. */
  stop(): void {
    if (this.#isDone) return;
    this.#isDone = true;
    this.#stream.onDrain = null;
    this.#pieces.return?.();
  }

  #pump(): void {
    while (!this.#isDone) {
      const { done, value } = this.#pieces.next();
      if (done) {
        this.#isDone = true;
        this.#stream.onDrain = null;
        this.#stream.end();
        this.#onDone();
        return;
      }
      if (value.length === 0) continue;
      this.#stream.write(encodeFrameHeader(FrameType.DATA, value.length));
      const more = this.#stream.write(value);
      if (this.#stream.queuedBytes === 0) {
        // What was just written is not even queued: the peer sent STOP_SENDING, or is gone.
        this.stop();
        this.#stream.reset(Http3Code.NO_ERROR);
        this.#onDone();
      } else if (!more) return;
    }
  }
}
