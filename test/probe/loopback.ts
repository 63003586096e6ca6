/** A real RouteLab server on loopback, and real connections to it. */
import { ALPN } from '../../src/main/probe/protocol.ts';
import { serveSession } from '../../src/main/probe/service.ts';
import { createCounters, type ServiceCounters } from '../../src/main/probe/service-limits.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';
import type {
  ConnectOptions,
  ListenOptions,
  QuicListener,
  QuicSession,
} from '../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../src/main/quic/udp/server.ts';

export interface Loopback extends AsyncDisposable {
  listener: QuicListener;
  counters: ServiceCounters;
  options: ConnectOptions;
  connect(options?: Partial<ConnectOptions>): Promise<QuicSession>;
}

/** `serve` stands in for our server where a test needs one that misbehaves. */
export async function startLoopback(
  alpn: readonly string[] = [ALPN],
  serve: (session: QuicSession, counters: ServiceCounters) => unknown = serveSession,
  listen: Partial<ListenOptions> = {},
): Promise<Loopback> {
  const authority = await createAuthority(Date.now());
  const { certPem, keyPem } = await issueCertificate(authority, {
    names: ['localhost', '127.0.0.1'],
    days: 1,
    nowMs: Date.now(),
  });
  const counters = createCounters();
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    alpn,
    certificate: certPem,
    privateKey: keyPem,
    ...listen,
    onSession: (session) => void serve(session, counters),
  });
  const sessions: QuicSession[] = [];
  const options: ConnectOptions = {
    host: '127.0.0.1',
    port: listener.port,
    alpn,
    trust: { ca: [authority.certPem], system: false, insecure: false },
  };
  return {
    listener,
    counters,
    options,
    connect: async (changes = {}) => {
      const session = await connectQuic({ ...options, ...changes });
      sessions.push(session);
      return session;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(sessions.map((session) => session.close()));
      await listener.close();
    },
  };
}
