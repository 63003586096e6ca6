/** The server's side of one stream: reads its request and hands it to whoever answers that kind. */
import type { QuicStream } from '../quic/udp/api.ts';
import { type FecRequest, holdMs } from './fec/request.ts';
import { AppError, decodeRequest, type ObserveRequest, Prefix, REQUEST_BYTES } from './protocol.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';
import { refuse, Slot } from './slot.ts';
import { echo, sink, source } from './transfer-service.ts';

/** How requests are answered that are about the whole connection; each returns what takes the client's further bytes. */
export interface SpecialAnswers {
  observe: (slot: Slot, request: ObserveRequest) => (data: Buffer) => void;
  fec: (slot: Slot, request: FecRequest) => (data: Buffer) => void;
}

export function serveStream(slot: Slot, special: SpecialAnswers): void {
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
