/** Cold handshakes: each on a new socket, with a full key exchange and certificate check, one after the other. */
import { toLabError } from '../../shared/errors.ts';
import type { HandshakeSample } from '../../shared/samples.ts';
import type { ConnectOptions } from '../quic/udp/api.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { nowUs, toUnixMs } from '../quic/udp/clock.ts';

export interface HandshakeOptions {
  /** Ends after this many, or when this long has passed; one handshake is always made. */
  count?: number | undefined;
  durationMs?: number | undefined;
  signal: AbortSignal;
  onHandshake: (sample: HandshakeSample) => void;
}

/**
 * Runs handshakes until count, duration or signal ends it. When the very first fails there is nothing to measure:
 * its LabError is thrown. A later failure is a sample with its error code.
 */
export async function runHandshakes(connect: ConnectOptions, options: HandshakeOptions): Promise<void> {
  const endsAtUs = nowUs() + (options.durationMs ?? Number.POSITIVE_INFINITY) * 1000;
  const count = options.count ?? Number.POSITIVE_INFINITY;
  for (let made = 0; made < count && (made === 0 || nowUs() < endsAtUs); made++) {
    const atMs = toUnixMs(nowUs());
    try {
      const session = await connectQuic({ ...connect, signal: options.signal });
      options.onHandshake({
        atMs,
        durationUs: session.handshake.durationUs,
        errorCode: null,
        purpose: 'handshake',
      });
      await session.close();
    } catch (thrown) {
      if (options.signal.aborted) return;
      const error = toLabError(thrown);
      if (made === 0) throw error;
      options.onHandshake({ atMs, durationUs: null, errorCode: error.code, purpose: 'handshake' });
    }
    if (options.signal.aborted) return;
  }
}
