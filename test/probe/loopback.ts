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
  const { certificate, privateKey, trust } = await loopbackIdentity();
  const counters = createCounters();
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    alpn,
    certificate,
    privateKey,
    ...listen,
    onSession: (session) => void serve(session, counters),
  });
  const options: ConnectOptions = { host: '127.0.0.1', port: listener.port, alpn, trust };
  return { counters, ...connecting(listener, options, connectQuic) };
}

/** A certificate of this machine, and what vouches for it. */
export async function loopbackIdentity() {
  const authority = await createAuthority(Date.now());
  const { certPem: certificate, keyPem: privateKey } = await issueCertificate(authority, {
    names: ['localhost', '127.0.0.1'],
    days: 1,
    nowMs: Date.now(),
  });
  return { certificate, privateKey, trust: { ca: [authority.certPem], system: false, insecure: false } };
}

interface Closing {
  close(): Promise<void>;
}

/** Connections to a server, which are closed before it. */
export function connecting<L extends Closing, O, C extends Closing>(
  listener: L,
  options: O,
  connect: (options: O) => Promise<C>,
) {
  const open: C[] = [];
  return {
    listener,
    options,
    connect: async (changes: Partial<O> = {}): Promise<C> => {
      const connection = await connect({ ...options, ...changes });
      open.push(connection);
      return connection;
    },
    [Symbol.asyncDispose]: async (): Promise<void> => {
      await Promise.all(open.map((connection) => connection.close()));
      await listener.close();
    },
  };
}
