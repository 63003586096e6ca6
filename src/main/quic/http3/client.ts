/** A client of HTTP/3 (RFC 9114) on one session whose handshake chose `h3`. */
import { LabError } from '../../../shared/errors.ts';
import type { QuicSession, QuicStream } from '../udp/api.ts';
import { type Body, BodySender } from './body-sender.ts';
import { Http3Connection, MAX_FIELD_SECTION } from './connection.ts';
import { Http3Code, Http3Error } from './errors.ts';
import { closeFailure, notTaken, resetFailure, violation } from './failure.ts';
import { encodeHeaders } from './frames.ts';
import {
  contentLength,
  fieldFault,
  type RequestHead,
  type ResponseHead,
  readResponse,
  requestFields,
} from './message.ts';
import { MessageReader } from './message-reader.ts';
import { encodeFieldSection, fieldSectionSize } from './qpack.ts';
import type { Field } from './static-table.ts';

/** What a response calls: `onHead` once, `onData` as it comes, then `onEnd`; or, at any time, `onError` as the last. */
export interface ResponseHandler {
  /** An interim response (1xx). */
  onInterim?(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  onData(piece: Buffer): void;
  /** The response is complete, trailers included; what those say is not handed on. */
  onEnd(): void;
  /** RL_PEER_CLOSED, RL_CONNECTION_LOST, RL_PROTOCOL_VIOLATION, or RL_CANCELLED when this end closed the connection. */
  onError(error: LabError): void;
}

export interface ClientRequest {
  /** Gives up (RFC 9114 §4.1.1): its handler is not called again. */
  cancel(): void;
}

export class Http3Client {
  readonly #connection: Http3Connection;
  readonly #requests = new Set<Exchange>();
  #isGoingAway = false;
  #isClosing = false;

  /** `maxFieldSection`: largest header section taken. @throws LabError RL_CONFLICT when the session has ended. */
  constructor(session: QuicSession, options: { maxFieldSection?: number } = {}) {
    this.#connection = new Http3Connection(session, options.maxFieldSection ?? MAX_FIELD_SECTION, {
      onRequestStream: () =>
        this.#connection.fail(
          new Http3Error(Http3Code.STREAM_CREATION_ERROR, 'a bidirectional stream from a server'),
        ),
      onGoaway: (id) => {
        this.#isGoingAway = true;
        for (const request of [...this.#requests]) if (request.id >= id) request.fail(notTaken());
        this.#closeWhenIdle();
      },
    });
    void session.closed.then((info) => {
      const error = closeFailure(info, this.#connection.failure);
      for (const request of [...this.#requests]) request.fail(error);
    });
  }

  /**
   * Sends a request, beside those under way. @throws LabError RL_INPUT_INVALID for fields that cannot be sent; RL_CONFLICT
   * when the server is going away, has no room for another, or the connection has ended.
   */
  request(head: RequestHead, handler: ResponseHandler, body?: Body): ClientRequest {
    const section = encodeRequest(head, this.#connection.peerMaxFieldSection);
    if (this.#isGoingAway || this.#isClosing)
      throw new LabError('RL_CONFLICT', 'This connection takes no more requests: it is going away');
    const stream = this.#connection.session.openStream();
    const exchange = new Exchange(stream, this.#connection, head.method, handler, () => {
      this.#requests.delete(exchange);
      this.#closeWhenIdle();
    });
    this.#requests.add(exchange);
    exchange.send(section, body);
    return exchange;
  }

  /** Takes no more requests, and closes once those under way are through. */
  close(): void {
    if (this.#isClosing) return;
    this.#isClosing = true;
    // RFC 9114 §5.2: no push would be taken either.
    if (this.#requests.size > 0) this.#connection.goaway(0);
    this.#closeWhenIdle();
  }

  #closeWhenIdle(): void {
    if ((this.#isClosing || this.#isGoingAway) && this.#requests.size === 0)
      void this.#connection.session.close(Http3Code.NO_ERROR);
  }
}

function encodeRequest(head: RequestHead, limit: number): Buffer {
  for (const field of head.headers) {
    const fault = fieldFault(field);
    if (fault !== null)
      throw new LabError('RL_INPUT_INVALID', `This cannot be in a request: ${fault}`, { field: field[0] });
  }
  const fields = requestFields(head);
  const size = fieldSectionSize(fields);
  // RFC 9114 §4.2.2.
  if (size > limit)
    throw new LabError('RL_INPUT_INVALID', `Header fields of ${size} bytes; the server takes ${limit}`);
  return encodeHeaders(encodeFieldSection(fields));
}

/** RFC 9110 §6.4.1: responses whose content-length tells of no content of their own. */
const hasContent = (method: string, status: number): boolean =>
  method !== 'HEAD' && status !== 204 && status !== 304;

/** A request and its response. */
class Exchange implements ClientRequest {
  readonly id: number;
  readonly #stream: QuicStream;
  readonly #handler: ResponseHandler;
  readonly #onOver: () => void;
  #sender: BodySender | null = null;
  #isOver = false;

  constructor(
    stream: QuicStream,
    connection: Http3Connection,
    method: string,
    handler: ResponseHandler,
    onOver: () => void,
  ) {
    this.id = stream.id;
    this.#stream = stream;
    this.#handler = handler;
    this.#onOver = onOver;
    const reader = new MessageReader('client', connection.maxFieldSection, {
      head: (fields) => this.#onHead(fields, method),
      data: (piece) => {
        if (!this.#isOver) handler.onData(piece);
      },
      end: () => {
        if (this.#isOver) return;
        this.#end();
        handler.onEnd();
      },
    });
    const guarded = (act: () => void) => (): void =>
      connection.guard(act, (error) => {
        this.#cut(error.code);
        this.fail(violation(error));
      });
    stream.onData = (data) => guarded(() => reader.push(data))();
    stream.onEnd = guarded(() => reader.end());
    stream.onReset = (code) =>
      this.fail(code === Http3Code.REQUEST_REJECTED ? notTaken() : resetFailure(code));
  }

  send(section: Buffer, body: Body | undefined): void {
    this.#stream.write(section);
    if (body === undefined) this.#stream.end();
    else this.#sender = new BodySender(this.#stream, body, () => undefined);
  }

  cancel(): void {
    if (this.#isOver) return;
    this.#cut(Http3Code.REQUEST_CANCELLED);
    this.#end();
  }

  fail(error: LabError): void {
    if (this.#isOver) return;
    this.#cut(Http3Code.REQUEST_CANCELLED);
    this.#end();
    this.#handler.onError(error);
  }

  #onHead(fields: readonly Field[] | null, method: string): 'interim' | number | null {
    if (fields === null)
      throw new Http3Error(Http3Code.EXCESSIVE_LOAD, 'the header section is larger than is taken', 'stream');
    const head = readResponse(fields);
    if (head.status < 200) {
      if (!this.#isOver) this.#handler.onInterim?.(head);
      return 'interim';
    }
    const length = contentLength(head.headers);
    if (!this.#isOver) this.#handler.onHead(head);
    return hasContent(method, head.status) ? length : 0;
  }

  /** Ends both directions of the stream, as far as they have not ended. */
  #cut(code: number): void {
    this.#stream.stopSending(code);
    this.#stream.reset(code);
  }

  #end(): void {
    this.#isOver = true;
    if (this.#sender?.isDone === false) {
      // The response did not wait for the rest of the request.
      this.#sender.stop();
      this.#stream.reset(Http3Code.REQUEST_CANCELLED);
    }
    this.#onOver();
  }
}
