/**
 * The server's side of one session. `h3` is for http3-service.ts; here is that of `routelab/1`: datagrams are echoed, streams are for
 * stream-service.ts. What one client can make it do is bounded by SERVICE_LIMITS; docs/probe-protocol.md lists the bounds and their reasons.
 */
import type { QuicSession } from '../quic/udp/api.ts';
import { FecService } from './fec-service.ts';
import { H3_ALPN, serveHttp3 } from './http3-service.ts';
import { tell } from './observe.ts';
import { ALPN, AppError, ECHO_MIN_BYTES, type ObserveRequest } from './protocol.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';
import { refuse, Slot } from './slot.ts';
import { type SpecialAnswers, serveStream } from './stream-service.ts';

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
