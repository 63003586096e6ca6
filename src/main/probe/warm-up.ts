/**
 * Runs, within one thread, what a probe is made of, until it is compiled: the first handshakes of a cold thread take tens of
 * milliseconds of computing, which would be measured as if the network had taken them. Over loopback, with a server and a
 * certificate of its own; nothing of it is recorded.
 */
import { createAuthority, issueCertificate } from '../quic/tls/authority.ts';
import { connectQuic } from '../quic/udp/client.ts';
import { listenQuic } from '../quic/udp/server.ts';
import { ALPN } from './protocol.ts';
import { serveSession } from './service.ts';
import { createCounters } from './service-limits.ts';
import { download } from './throughput.ts';

type Extent = 'handshakes' | 'all';

/**
 * The first handshake took 150 ms of processor time, the second 28, the third 20, each after that about 16; the first downloads 90 and 50.
 * After eight of both a handshake measures 21 ms instead of 53.
 */
const CONNECTIONS: Record<Extent, number> = { handshakes: 3, all: 8 };
const HOST = '127.0.0.1';

const warm = new Map<Extent, Promise<void>>();

/**
 * Once for each extent: about half a second, of handshakes alone a fifth of one. Never rejects: on a machine without loopback the first
 * samples are slow, no more.
 */
export function warmUp(extent: Extent = 'all'): Promise<void> {
  const begun = warm.get(extent) ?? run(extent);
  warm.set(extent, begun);
  return begun;
}

async function run(extent: Extent): Promise<void> {
  try {
    const authority = await createAuthority(Date.now());
    const identity = await issueCertificate(authority, { names: [HOST], days: 1, nowMs: Date.now() });
    const listener = await listenQuic({
      host: HOST,
      port: 0,
      alpn: [ALPN],
      certificate: identity.certPem,
      privateKey: identity.keyPem,
      onSession: (session) => void serveSession(session, createCounters()),
    });
    try {
      for (let i = 0; i < CONNECTIONS[extent]; i++) await converse(listener.port, authority.certPem, extent);
    } finally {
      await listener.close();
    }
  } catch {
    // See above.
  }
}

async function converse(port: number, ca: string, extent: Extent): Promise<void> {
  const trust = { ca: [ca], system: true, insecure: false };
  const session = await connectQuic({ host: HOST, port, alpn: [ALPN], trust, timeoutMs: 2000 });
  if (extent === 'all') await download(session, { bytes: 100_000 });
  await session.close();
}
