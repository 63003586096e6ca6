/** A server of HTTP/3 (RFC 9114) on one session whose handshake chose `h3`. */
import type { QuicSession, QuicStream } from '../udp/api.ts';
import { type Body, BodySender } from './body-sender.ts';
import { Http3Connection, MAX_FIELD_SECTION } from './connection.ts';
import { Http3Code, type Http3Error } from './errors.ts';
import { encodeHeaders } from './frames.ts';
import {
  contentLength,
  type RequestHead,
  type ResponseHead,
  readRequest,
  responseFields,
} from './message.ts';
import { MessageReader } from './message-reader.ts';
import { encodeFieldSection } from './qpack.ts';
import type { Field } from './static-table.ts';

export interface Http3Response extends ResponseHead {
  /** Pulled from as the client takes it; of a response to HEAD, not at all. */
  body?: Body;
}

export interface Http3ServerOptions {
  /** Largest header section taken; a larger one is answered with 431. Default MAX_FIELD_SECTION. */
  maxFieldSection?: number;
  /** A request's header section has come. Whoever wants its content sets `onData` before returning. */
  onRequest: (request: ServerRequest) => void;
}

export class Http3Server {
  readonly #connection: Http3Connection;
  readonly #onRequest: (request: ServerRequest) => void;
  readonly #active = new Set<ServerRequest>();
  /** Id of the first request stream that has not come. */
  #nextId = 0;
  /** Requests from this id on are refused; Infinity until `shutdown`. */
  #goawayId = Number.POSITIVE_INFINITY;

  /** @throws LabError RL_CONFLICT when the session has ended, or its peer allows no control stream. */
  constructor(session: QuicSession, options: Http3ServerOptions) {
    this.#onRequest = options.onRequest;
    this.#connection = new Http3Connection(session, options.maxFieldSection ?? MAX_FIELD_SECTION, {
      onRequestStream: (stream) => this.#onStream(stream),
      // A client's GOAWAY is about pushes, of which there are none.
      onGoaway: () => undefined,
    });
    void session.closed.then(() => {
      for (const request of [...this.#active]) request.abort(Http3Code.NO_ERROR);
    });
  }

  /**
   * Takes no more requests and tells so; those that came are still answered (RFC 9114 §5.2). Closes at once where there
   * are none; else that is left to the client, who knows when it has the last response.
   */
  shutdown(): void {
    if (this.#goawayId <= this.#nextId) return;
    this.#goawayId = this.#nextId;
    this.#connection.goaway(this.#goawayId);
    if (this.#active.size === 0) void this.#connection.session.close(Http3Code.NO_ERROR);
  }

  #onStream(stream: QuicStream): void {
    if (stream.id >= this.#goawayId) {
      stream.stopSending(Http3Code.REQUEST_REJECTED);
      stream.reset(Http3Code.REQUEST_REJECTED);
      return;
    }
    this.#nextId = Math.max(this.#nextId, stream.id + 4);
    const request = new ServerRequest(stream, this.#connection, {
      onHead: this.#onRequest,
      release: () => this.#active.delete(request),
    });
    this.#active.add(request);
  }
}

/** A request, and what it is answered with. */
export class ServerRequest {
  readonly #stream: QuicStream;
  #head: RequestHead | null = null;
  #sender: BodySender | null = null;
  #hasResponse = false;
  #isRead = false;
  #isOver = false;
  readonly #release: () => void;
  /** Content as it comes. Without this callback the client is asked to spare it. */
  onData: ((piece: Buffer) => void) | null = null;
  /** The request is complete. */
  onEnd: (() => void) | null = null;
  /** It was read and answered, or will not be: the client gave it up, broke the protocol, or is gone. */
  onOver: (() => void) | null = null;

  constructor(
    stream: QuicStream,
    connection: Http3Connection,
    hooks: { onHead: (request: ServerRequest) => void; release: () => void },
  ) {
    this.#stream = stream;
    this.#release = hooks.release;
    const reader = new MessageReader('server', connection.maxFieldSection, {
      head: (fields) => this.#onHead(fields, hooks.onHead),
      data: (piece) => {
        if (this.#isOver) return;
        if (this.onData) this.onData(piece);
        else this.#spare();
      },
      end: () => {
        if (this.#isOver) return;
        this.#isRead = true;
        this.onEnd?.();
        this.#endIfDone();
      },
    });
    const onError = (error: Http3Error): void => this.abort(error.code);
    stream.onData = (data) => connection.guard(() => reader.push(data), onError);
    stream.onEnd = () => connection.guard(() => reader.end(), onError);
    stream.onReset = () => this.abort(Http3Code.REQUEST_CANCELLED);
  }

  /** Its header section. */
  get head(): RequestHead {
    return this.#head!;
  }

  /** Answers, once; a request that is over is not answered any more. */
  respond(response: Http3Response): void {
    if (this.#hasResponse || this.#isOver) return;
    this.#hasResponse = true;
    this.#stream.write(encodeHeaders(encodeFieldSection(responseFields(response))));
    if (response.body === undefined || this.#head?.method === 'HEAD') {
      this.#stream.end();
      this.#endIfDone();
      return;
    }
    this.#sender = new BodySender(this.#stream, response.body, () => this.#endIfDone());
  }

  /** Ends both directions of the stream, as far as they have not ended, with `code`. */
  abort(code: number): void {
    if (this.#isOver) return;
    this.#sender?.stop();
    this.#stream.stopSending(code);
    this.#stream.reset(code);
    this.#end();
  }

  #onHead(fields: readonly Field[] | null, onHead: (request: ServerRequest) => void): number | null {
    if (fields === null) {
      // RFC 9114 §4.2.2, RFC 6585 §5.
      this.respond({ status: 431, headers: [['content-length', '0']] });
      return null;
    }
    const head = readRequest(fields);
    const length = contentLength(head.headers);
    this.#head = head;
    onHead(this);
    const isWaiting = head.headers.some(([name, value]) => name === 'expect' && value === '100-continue');
    // RFC 9110 §10.1.1.
    if (isWaiting && this.onData && !this.#hasResponse)
      this.#stream.write(encodeHeaders(encodeFieldSection([[':status', '100']])));
    return length;
  }

  /** RFC 9114 §4.1: the answer does not need what is left of the request. */
  #spare(): void {
    if (this.#isRead) return;
    this.#isRead = true;
    this.#stream.stopSending(Http3Code.NO_ERROR);
    this.#endIfDone();
  }

  #endIfDone(): void {
    if (this.#isRead && this.#hasResponse && this.#sender?.isDone !== false) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#release();
    this.onOver?.();
  }
}
