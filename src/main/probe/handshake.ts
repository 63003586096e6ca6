/**
 * Handshakes, each on a new socket, one after the other: cold, with a full key exchange and certificate check; resuming the
 * session of the one before; or resuming it with a request ahead of the handshake.
 */
import { toLabError } from '../../shared/errors.ts';
import {
  HANDSHAKE_MARKS,
  type HandshakeMark,
  type HandshakeStart,
  type HandshakeTrace,
} from '../../shared/probe-details.ts';
import type { ConnectOptions, HandshakeInfo, QuicSession, SessionTicket } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';
import { Backoff } from './backoff.ts';
import { pause } from './pause.ts';
import { encodeRequest } from './protocol.ts';
import { firstTicket, nextTicket } from './resumption.ts';

export interface HandshakeOptions {
  /** Ends after this many, or when this long has passed; one handshake is always made. */
  count?: number | undefined;
  durationMs?: number | undefined;
  /** Other than cold, a connection that is not counted brings the first ticket. */
  start: HandshakeStart;
  signal: AbortSignal;
  /** With what was negotiated; null for one that failed. */
  onHandshake: (trace: HandshakeTrace, info: HandshakeInfo | null) => void;
}

/** How long HANDSHAKE_DONE or the answer to early data may take after the handshake: this, or four times as long as it took. */
const PATIENCE_MS = 1000;

/**
 * Runs handshakes until count, duration or signal ends it. When the very first fails there is nothing to measure:
 * its LabError is thrown. A later failure is a trace with its error code, and a pause before the next one.
 */
export async function runHandshakes(connect: ConnectOptions, options: HandshakeOptions): Promise<void> {
  const { start, signal } = options;
  const endsAtUs = nowUs() + (options.durationMs ?? Number.POSITIVE_INFINITY) * 1000;
  const count = options.count ?? Number.POSITIVE_INFINITY;
  const next: { ticket: SessionTicket | null } = { ticket: null };
  if (start !== 'cold')
    next.ticket = await firstTicket({ ...connect, signal }, { earlyData: start === '0-rtt' });
  const backoff = new Backoff();
  for (let made = 0; made < count; made++) {
    const leftMs = (endsAtUs - nowUs()) / 1000;
    if (backoff.pauseMs > 0) await pause(Math.min(backoff.pauseMs, Math.ceil(leftMs)), signal);
    if (signal.aborted || (made > 0 && nowUs() >= endsAtUs)) return;
    const beganAtUs = nowUs();
    const marks = new Map<HandshakeMark, number>();
    const trace = (info: HandshakeInfo | null, errorCode: string | null): HandshakeTrace => ({
      atMs: toUnixMs(beganAtUs),
      marks: HANDSHAKE_MARKS.flatMap((mark) => {
        const atUs = marks.get(mark);
        return atUs === undefined ? [] : [{ mark, atUs: atUs - beganAtUs }];
      }),
      retried: info?.retried ?? false,
      resumed: info?.resumed ?? false,
      earlyData: info?.earlyData ?? null,
      errorCode,
    });
    try {
      const info = await shakeHands({ ...connect, signal }, start, next, marks);
      backoff.succeeded();
      options.onHandshake(trace(info, null), info);
    } catch (thrown) {
      if (signal.aborted) return;
      const error = toLabError(thrown);
      if (made === 0) throw error;
      backoff.failed();
      options.onHandshake(trace(null, error.code), null);
    }
  }
}

/** One handshake: its moments to `marks`, and what the next one resumes to `next`. */
async function shakeHands(
  connect: ConnectOptions,
  start: HandshakeStart,
  next: { ticket: SessionTicket | null },
  marks: Map<HandshakeMark, number>,
): Promise<HandshakeInfo> {
  const confirmed = Promise.withResolvers<void>();
  const answered = Promise.withResolvers<void>();
  let isEarly = false;
  const session = await connectQuic({
    ...connect,
    ticket: next.ticket ?? undefined,
    onMark: (mark, atUs) => {
      marks.set(mark, atUs);
      if (mark === 'confirmed') confirmed.resolve();
    },
    ...(start === '0-rtt' && {
      onEarly: (early: QuicSession) => {
        isEarly = true;
        ask(early, () => {
          marks.set('early-answer', nowUs());
          answered.resolve();
        });
      },
    }),
  });
  const { durationUs } = session.handshake;
  const patience = Promise.withResolvers<void>();
  const timer = setTimeout(patience.resolve, Math.max(PATIENCE_MS, durationUs / 250));
  const rest = Promise.all([confirmed.promise, ...(isEarly ? [answered.promise] : [])]);
  await Promise.race([rest, patience.promise, session.closed]);
  clearTimeout(timer);
  // Known for certain only now.
  const info = session.handshake;
  // Each ticket is for one use; without another the next handshake is a full one, and counted as such.
  if (start !== 'cold') next.ticket = await nextTicket(session);
  await session.close();
  return info;
}

/** Asks for a byte: of all that a server is asked, what does least when somebody repeats it (RFC 9001 §9.2). */
export function ask(session: QuicSession, onAnswer: () => void): void {
  const stream = session.openStream();
  stream.onData = onAnswer;
  stream.write(encodeRequest({ kind: 'download', bytes: 1, durationMs: 0 }));
  stream.end();
}
