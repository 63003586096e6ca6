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

/** The first handshake took 53 ms cold and 21 ms after so many; twelve made it 15 ms and the start 0.4 s longer. */
const HANDSHAKES = 8;
const HOST = '127.0.0.1';

let warm: Promise<void> | null = null;

/** Once, about half a second. Never rejects: on a machine without loopback the first samples are slow, no more. */
export function warmUp(): Promise<void> {
  warm ??= run();
  return warm;
}

async function run(): Promise<void> {
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
      for (let i = 0; i < HANDSHAKES; i++) await converse(listener.port, authority.certPem);
    } finally {
      await listener.close();
    }
  } catch {
    // See above.
  }
}

async function converse(port: number, ca: string): Promise<void> {
  const trust = { ca: [ca], system: true, insecure: false };
  const session = await connectQuic({ host: HOST, port, alpn: [ALPN], trust, timeoutMs: 2000 });
  await download(session, { bytes: 100_000 });
  await session.close();
}
