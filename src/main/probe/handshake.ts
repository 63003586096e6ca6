/**
 * Handshakes, each on a new socket, one after the other: cold, with a full key exchange and certificate check, or resuming the
 * session of the one before.
 */
import { toLabError } from '../../shared/errors.ts';
import type { HandshakeSample } from '../../shared/samples.ts';
import type { ConnectOptions, HandshakeInfo } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';
import { firstTicket, nextTicket } from './resumption.ts';

export interface HandshakeOptions {
  /** Ends after this many, or when this long has passed; one handshake is always made. */
  count?: number | undefined;
  durationMs?: number | undefined;
  /** Resume sessions; a connection that is not counted brings the first ticket. */
  resume?: boolean | undefined;
  signal: AbortSignal;
  /** With what was negotiated; null for one that failed. */
  onHandshake: (sample: HandshakeSample, info: HandshakeInfo | null) => void;
}

/**
 * Runs handshakes until count, duration or signal ends it. When the very first fails there is nothing to measure:
 * its LabError is thrown. A later failure is a sample with its error code.
 */
export async function runHandshakes(connect: ConnectOptions, options: HandshakeOptions): Promise<void> {
  const endsAtUs = nowUs() + (options.durationMs ?? Number.POSITIVE_INFINITY) * 1000;
  const count = options.count ?? Number.POSITIVE_INFINITY;
  let ticket = options.resume
    ? await firstTicket({ ...connect, signal: options.signal }, { earlyData: false })
    : undefined;
  for (let made = 0; made < count && (made === 0 || nowUs() < endsAtUs); made++) {
    const atMs = toUnixMs(nowUs());
    try {
      const session = await connectQuic({ ...connect, ticket, signal: options.signal });
      const { handshake } = session;
      options.onHandshake(
        { atMs, durationUs: handshake.durationUs, errorCode: null, purpose: 'handshake' },
        handshake,
      );
      // Each ticket is for one use; without another the next handshake is a full one, and counted as such.
      if (options.resume) ticket = (await nextTicket(session)) ?? undefined;
      await session.close();
    } catch (thrown) {
      if (options.signal.aborted) return;
      const error = toLabError(thrown);
      if (made === 0) throw error;
      options.onHandshake({ atMs, durationUs: null, errorCode: error.code, purpose: 'handshake' }, null);
    }
    if (options.signal.aborted) return;
  }
}
