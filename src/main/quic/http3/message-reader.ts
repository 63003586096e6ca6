/** One message off its stream (RFC 9114 §4.1): which frames may follow which, and how much content was promised. */
import { Http3Code, Http3Error, malformed } from './errors.ts';
import { FrameReader, type Http3Frame } from './frames.ts';
import { checkTrailers } from './message.ts';
import { decodeFieldSection } from './qpack.ts';
import type { Field } from './static-table.ts';

export interface MessageSink {
  /**
   * A header section; null when it is larger than is taken. Returns `interim` when the final one is still to come
   * (RFC 9114 §4.1), else the bytes of content that have to follow, null when any may.
   */
  head(fields: readonly Field[] | null): 'interim' | number | null;
  data(piece: Buffer): void;
  /** The message is complete. */
  end(): void;
}

export class MessageReader {
  readonly #role: 'client' | 'server';
  readonly #maxFieldSection: number;
  readonly #sink: MessageSink;
  readonly #frames: FrameReader;
  #state: 'head' | 'content' | 'trailers' = 'head';
  /** Content that must come, and that came. */
  #expected: number | null = null;
  #received = 0;

  /** `role`: of the end that reads. `maxFieldSection`: bytes that a header section may have. */
  constructor(role: 'client' | 'server', maxFieldSection: number, sink: MessageSink) {
    this.#role = role;
    this.#maxFieldSection = maxFieldSection;
    this.#sink = sink;
    this.#frames = new FrameReader('request', maxFieldSection, (frame) => this.#onFrame(frame));
  }

  /** Takes what came next on the stream. After an error nothing more may be given. @throws Http3Error */
  push(chunk: Buffer): void {
    this.#frames.push(chunk);
  }

  /** The stream ended. @throws Http3Error */
  end(): void {
    this.#frames.end();
    if (this.#state === 'head') {
      if (this.#role === 'client') throw malformed('the response ends before its header section');
      throw new Http3Error(
        Http3Code.REQUEST_INCOMPLETE,
        'the request ends before its header section',
        'stream',
      );
    }
    if (this.#expected !== null && this.#received !== this.#expected)
      throw malformed(`${this.#received} bytes of content where ${this.#expected} were announced`);
    this.#sink.end();
  }

  #onFrame(frame: Http3Frame): void {
    switch (frame.type) {
      case 'headers':
        this.#onHeaders(frame.block);
        break;
      case 'data':
        if (this.#state !== 'content')
          throw new Http3Error(Http3Code.FRAME_UNEXPECTED, 'DATA outside of a message’s content');
        this.#received += frame.data.length;
        // §4.1.2. More than was announced is found out at once.
        if (this.#expected !== null && this.#received > this.#expected)
          throw malformed(`more content than the ${this.#expected} bytes announced`);
        if (frame.data.length > 0) this.#sink.data(frame.data);
        break;
      case 'push_promise':
        // §7.2.5: no push was allowed, and only servers push.
        throw this.#role === 'client'
          ? new Http3Error(Http3Code.ID_ERROR, 'a push that was not allowed')
          : new Http3Error(Http3Code.FRAME_UNEXPECTED, 'PUSH_PROMISE from a client');
    }
  }

  #onHeaders(block: Buffer | null): void {
    if (this.#state === 'trailers')
      throw new Http3Error(Http3Code.FRAME_UNEXPECTED, 'HEADERS after the trailers');
    const fields = block && decodeFieldSection(block, this.#maxFieldSection);
    if (this.#state === 'content') {
      if (fields) checkTrailers(fields);
      this.#state = 'trailers';
      return;
    }
    const follows = this.#sink.head(fields);
    if (follows === 'interim') return;
    this.#state = 'content';
    this.#expected = follows;
  }
}
