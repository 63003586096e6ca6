/** A real RouteLab server over TCP on loopback, and real connections to it. */
import { createCounters, type ServiceCounters } from '../../src/main/probe/service-limits.ts';
import { connectTcp, type TcpConnection, type TcpConnectOptions } from '../../src/main/probe/tcp.ts';
import { listenTcp, type TcpListener } from '../../src/main/probe/tcp-service.ts';
import { createAuthority, issueCertificate } from '../../src/main/quic/tls/authority.ts';

export interface TcpLoopback extends AsyncDisposable {
  listener: TcpListener;
  counters: ServiceCounters;
  options: TcpConnectOptions;
  connect(options?: Partial<TcpConnectOptions>): Promise<TcpConnection>;
}

export async function startTcpLoopback(): Promise<TcpLoopback> {
  const authority = await createAuthority(Date.now());
  const { certPem, keyPem } = await issueCertificate(authority, {
    names: ['localhost', '127.0.0.1'],
    days: 1,
    nowMs: Date.now(),
  });
  const counters = createCounters();
  const listener = await listenTcp(
    { host: '127.0.0.1', port: 0, certificate: certPem, privateKey: keyPem },
    counters,
  );
  const connections: TcpConnection[] = [];
  const options: TcpConnectOptions = {
    host: '127.0.0.1',
    port: listener.port,
    trust: { ca: [authority.certPem], system: false, insecure: false },
  };
  return {
    listener,
    counters,
    options,
    connect: async (changes = {}) => {
      const connection = await connectTcp({ ...options, ...changes });
      connections.push(connection);
      return connection;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(connections.map((connection) => connection.close()));
      await listener.close();
    },
  };
}
