/**
 * The server side of one session. `h3` is for http3-service.ts; here is that of `routelab/1`: echoes datagrams, sources downloads, sinks uploads. What one
 * client can make it do is bounded by SERVICE_LIMITS; docs/probe-protocol.md lists the bounds and their reasons.
 */
import type { QuicSession, QuicStream } from '../quic/udp/api.ts';
import { nowUs } from '../quic/udp/clock.ts';
import { answerEchoes } from './echo.ts';
import { type FecRequest, holdMs } from './fec/request.ts';
import { FecService } from './fec-service.ts';
import { H3_ALPN, serveHttp3 } from './http3-service.ts';
import { tell } from './observe.ts';
import type { ObserveRequest, TransferRequest } from './protocol.ts';
import {
  ALPN,
  AppError,
  decodeRequest,
  ECHO_MIN_BYTES,
  encodeReport,
  PAYLOAD,
  Prefix,
  REQUEST_BYTES,
  WRITES_PER_TURN,
} from './protocol.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';

/** Upload reports, and the check whether a download is through. */
const TICK_MS = 250;

export interface ServiceOptions {
  /** Lets a client choose the congestion controller of what it is sent. Default false: it would be a way to be rude to others. */
  clientsChoose?: boolean | undefined;
}

/** What an owner may ask of a session being served. */
export interface ServedSession {
  /** Takes no more requests; those under way are finished. Ends at once where there is nothing to finish. */
  shutdown(): void;
}

/**
 * Serves one session until it closes. `counters` is shared between the sessions of a listener. Null where the session has no
 * way to say goodbye but to be closed.
 */
export function serveSession(
  session: QuicSession,
  counters: ServiceCounters,
  options: ServiceOptions = {},
): ServedSession | null {
  counters.sessions++;
  if (counters.activeSessions >= SERVICE_LIMITS.sessions) {
    counters.refused++;
    void session.close(AppError.BUSY, 'too many sessions');
    return null;
  }
  counters.activeSessions++;
  const slots = new Set<Slot>();
  void session.closed.then(() => {
    counters.activeSessions--;
    for (const slot of [...slots]) slot.release();
  });

  if (session.handshake.alpn === H3_ALPN) return serveHttp3(session, counters);
  if (session.handshake.alpn !== ALPN) {
    session.onStream = (stream) => refuse(stream, AppError.NOT_SERVED);
    return null;
  }
  const fec = new FecService(session, counters);
  session.onDatagram = (payload, atUs) => {
    if (fec.receive(payload, atUs)) return;
    if (payload.length >= ECHO_MIN_BYTES && session.sendDatagram(payload)) counters.echoes++;
    else counters.echoesDropped++;
  };
  const answerFec: SpecialAnswers['fec'] = (slot, request) => {
    const { stream } = slot;
    const part = fec.open(stream, request, { done: () => slot.release(), fail: (code) => slot.fail(code) });
    if (part !== null) slot.onRelease(part.stop);
    return part?.receive ?? (() => {});
  };
  let isObserved = false;
  const observer = (slot: Slot, request: ObserveRequest): ((data: Buffer) => void) => {
    if (isObserved) {
      slot.fail(AppError.BUSY);
      return () => {};
    }
    isObserved = true;
    const { receive, stop } = tell(session, slot.stream, request, {
      mayChoose: options.clientsChoose ?? false,
      onBad: () => slot.fail(AppError.BAD_REQUEST),
      done: () => slot.release(),
    });
    slot.onRelease(() => {
      stop();
      isObserved = false;
    });
    return receive;
  };
  session.onStream = (stream) => {
    if (stream.unidirectional) {
      counters.refused++;
      refuse(stream, AppError.BAD_REQUEST);
    } else if (
      slots.size >= SERVICE_LIMITS.transfersPerSession ||
      counters.activeTransfers >= SERVICE_LIMITS.transfers
    ) {
      counters.refused++;
      refuse(stream, AppError.BUSY);
    } else serveStream(new Slot(stream, counters, slots), { observe: observer, fec: answerFec });
  };
  return null;
}

/**
 * Serves one stream as the only one of its connection, which is not observed. Resolves when the server is done with it, whatever
 * became of it.
 */
export function serveOneStream(stream: QuicStream, counters: ServiceCounters): Promise<void> {
  const done = Promise.withResolvers<void>();
  if (counters.activeTransfers >= SERVICE_LIMITS.transfers) {
    counters.refused++;
    refuse(stream, AppError.BUSY);
    done.resolve();
  } else {
    const slot = new Slot(stream, counters, new Set());
    slot.onRelease(done.resolve);
    const refused = (of: Slot): (() => void) => {
      of.fail(AppError.BAD_REQUEST);
      return () => {};
    };
    serveStream(slot, { observe: refused, fec: refused });
  }
  return done.promise;
}

function refuse(stream: QuicStream, code: number): void {
  // Dropped rather than left to fill the receive window.
  stream.onData = () => {};
  stream.stopSending(code);
  if (!stream.unidirectional) stream.reset(code);
}

/** One place among the transfers a session and the server may have. Whatever ends the transfer gives it back. */
class Slot {
  readonly stream: QuicStream;
  readonly counters: ServiceCounters;
  readonly #slots: Set<Slot>;
  readonly #cleanups: (() => void)[] = [];
  #guard: NodeJS.Timeout;

  constructor(stream: QuicStream, counters: ServiceCounters, slots: Set<Slot>) {
    this.stream = stream;
    this.counters = counters;
    this.#slots = slots;
    slots.add(this);
    counters.activeTransfers++;
    this.#guard = setTimeout(() => this.fail(AppError.TIMEOUT), SERVICE_LIMITS.graceMs);
  }

  get isOpen(): boolean {
    return this.#slots.has(this);
  }

  /** The header was read: the transfer has this long, and a grace. */
  extend(durationMs: number): void {
    clearTimeout(this.#guard);
    this.#guard = setTimeout(() => this.fail(AppError.TIMEOUT), durationMs + SERVICE_LIMITS.graceMs);
  }

  onRelease(cleanup: () => void): void {
    this.#cleanups.push(cleanup);
  }

  release(): void {
    if (!this.#slots.delete(this)) return;
    this.counters.activeTransfers--;
    clearTimeout(this.#guard);
    for (const cleanup of this.#cleanups) cleanup();
    this.stream.onData = this.stream.onEnd = this.stream.onReset = this.stream.onDrain = null;
  }

  fail(code: number): void {
    if (!this.isOpen) return;
    this.counters.refused++;
    this.release();
    refuse(this.stream, code);
  }
}

/** How requests are answered that are about the whole connection; each returns what takes the client's further bytes. */
interface SpecialAnswers {
  observe: (slot: Slot, request: ObserveRequest) => (data: Buffer) => void;
  fec: (slot: Slot, request: FecRequest) => (data: Buffer) => void;
}

function serveStream(slot: Slot, special: SpecialAnswers): void {
  const { stream, counters } = slot;
  const prefix = new Prefix(REQUEST_BYTES);
  stream.onReset = () => {
    slot.release();
    stream.reset(AppError.NONE);
  };
  stream.onEnd = () => slot.fail(AppError.BAD_REQUEST);
  let receive: ((data: Buffer) => void) | null = null;
  // One handler for header and payload: what is being delivered when the header is complete still comes to it.
  stream.onData = (data) => {
    if (!slot.isOpen) return;
    if (receive !== null) {
      receive(data);
      return;
    }
    const split = prefix.push(data);
    if (split === null) return;
    const request = decodeRequest(split.head);
    if (request === null) return slot.fail(AppError.BAD_REQUEST);
    if (request.kind === 'observe') {
      slot.extend(SERVICE_LIMITS.durationMs);
      receive = special.observe(slot, request);
      if (split.rest.length > 0) receive(split.rest);
      return;
    }
    const isTooLarge = request.kind !== 'fec' && request.bytes > SERVICE_LIMITS.bytes;
    if (isTooLarge || request.durationMs > SERVICE_LIMITS.durationMs) {
      return slot.fail(AppError.OVER_LIMIT);
    }
    if (request.kind === 'fec') {
      slot.extend(request.durationMs + holdMs(request));
      receive = special.fec(slot, request);
      if (split.rest.length > 0) receive(split.rest);
      return;
    }
    counters.transfers++;
    slot.extend(request.durationMs || SERVICE_LIMITS.durationMs);
    receive = { upload: sink, download: source, echo }[request.kind](slot, request);
    if (split.rest.length > 0) receive(split.rest);
  };
}

/** Sends until the bytes or the time are used up. Returns what takes the client’s further bytes. */
function source(slot: Slot, request: TransferRequest): (data: Buffer) => void {
  const { stream, counters } = slot;
  const endsAtUs = nowUs() + (request.durationMs || SERVICE_LIMITS.durationMs) * 1000;
  let left = request.bytes || SERVICE_LIMITS.bytes;
  let turn: NodeJS.Immediate | undefined;
  let ended = false;

  const pump = (): void => {
    for (let writes = 0; writes < WRITES_PER_TURN; writes++) {
      if (left === 0 || nowUs() >= endsAtUs) {
        ended = true;
        stream.onDrain = null;
        stream.end();
        return;
      }
      const chunk = left < PAYLOAD.length ? PAYLOAD.subarray(0, left) : PAYLOAD;
      left -= chunk.length;
      counters.bytesDown += chunk.length;
      const more = stream.write(chunk);
      // What was just written is not even queued: the client sent STOP_SENDING.
      if (stream.queuedBytes === 0) {
        slot.release();
        return;
      }
      if (!more) return;
    }
    turn = setImmediate(pump);
  };
  const tick = setInterval(() => {
    if (ended) {
      if (stream.queuedBytes === 0) slot.release();
    } else if (stream.queuedBytes === 0 || nowUs() >= endsAtUs) pump();
  }, TICK_MS);
  slot.onRelease(() => {
    clearInterval(tick);
    clearImmediate(turn);
  });
  stream.onDrain = pump;
  // The request is all a downloading client has to say; its FIN does not end the download.
  stream.onEnd = null;
  pump();
  return () => slot.fail(AppError.BAD_REQUEST);
}

/** Counts until the client ends, reporting on the way. Returns what takes the payload. */
function sink(slot: Slot, request: TransferRequest): (data: Buffer) => void {
  const { stream, counters } = slot;
  const limit = request.bytes || SERVICE_LIMITS.bytes;
  let bytes = 0;
  let firstAtUs = 0;
  let newestAtUs = 0;
  const report = (untilUs: number): void => {
    if (bytes > 0) stream.write(encodeReport({ bytes, durationUs: untilUs - firstAtUs }));
  };
  const reports = setInterval(() => report(nowUs()), TICK_MS);
  slot.onRelease(() => clearInterval(reports));
  stream.onEnd = () => {
    report(newestAtUs);
    stream.end();
    slot.release();
  };
  return (data) => {
    newestAtUs = nowUs();
    if (bytes === 0) firstAtUs = newestAtUs;
    bytes += data.length;
    counters.bytesUp += data.length;
    if (bytes > limit) slot.fail(AppError.OVER_LIMIT);
  };
}

/** Sends back what comes, until the client ends or has sent what it may. Returns what takes the payload. */
function echo(slot: Slot, request: TransferRequest): (data: Buffer) => void {
  const { stream, counters } = slot;
  let left = request.bytes || SERVICE_LIMITS.bytes;
  const answer = answerEchoes(stream, () => slot.release());
  return (data) => {
    left -= data.length;
    if (left < 0) return slot.fail(AppError.OVER_LIMIT);
    counters.echoes++;
    answer(data);
  };
}
