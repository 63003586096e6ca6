/** Session tickets for probes that measure what a returning client gets (RFC 9001 §4.5). */
import { LabError } from '../../shared/errors.ts';
import type { ConnectOptions, QuicSession, SessionTicket } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';

/** Tickets follow the handshake; a server that has sent none after so long has none. */
const PATIENCE_MS = 1000;

/** The session's ticket for the next, waited for; null when there is none to come. */
export function nextTicket(session: QuicSession): Promise<SessionTicket | null> {
  if (session.ticket) return Promise.resolve(session.ticket);
  return new Promise((resolve) => {
    const done = (ticket: SessionTicket | null): void => {
      clearTimeout(timer);
      session.onTicket = null;
      resolve(ticket);
    };
    const timer = setTimeout(done, PATIENCE_MS, null);
    session.onTicket = done;
    void session.closed.then(() => done(null));
  });
}

/**
 * Makes a connection only for its ticket. @throws LabError RL_PEER_UNSUPPORTED when the server gives none, or none for
 * `earlyData`; and what `connectQuic` throws.
 */
export async function firstTicket(
  connect: ConnectOptions,
  { earlyData }: { earlyData: boolean },
): Promise<SessionTicket> {
  const session = await connectQuic(connect);
  const ticket = await nextTicket(session);
  await session.close();
  if (!ticket)
    throw new LabError('RL_PEER_UNSUPPORTED', 'The server gives no session tickets', {
      hint: 'Sessions of this server cannot be resumed; measure it without --resume and --early-data.',
    });
  if (earlyData && !ticket.earlyData)
    throw new LabError('RL_PEER_UNSUPPORTED', 'The server takes no early data', {
      hint: 'Its tickets do not allow 0-RTT; measure it with --resume alone.',
    });
  return ticket;
}
