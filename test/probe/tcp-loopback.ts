/** A real RouteLab server over TCP on loopback, and real connections to it. */
import { createCounters, type ServiceCounters } from '../../src/main/probe/service-limits.ts';
import { connectTcp, type TcpConnection, type TcpConnectOptions } from '../../src/main/probe/tcp.ts';
import { listenTcp, type TcpListener } from '../../src/main/probe/tcp-service.ts';
import { connecting, loopbackIdentity } from './loopback.ts';

export interface TcpLoopback extends AsyncDisposable {
  listener: TcpListener;
  counters: ServiceCounters;
  options: TcpConnectOptions;
  connect(options?: Partial<TcpConnectOptions>): Promise<TcpConnection>;
}

export async function startTcpLoopback(): Promise<TcpLoopback> {
  const { certificate, privateKey, trust } = await loopbackIdentity();
  const counters = createCounters();
  const listener = await listenTcp({ host: '127.0.0.1', port: 0, certificate, privateKey }, counters);
  const options: TcpConnectOptions = { host: '127.0.0.1', port: listener.port, trust };
  return { counters, ...connecting(listener, options, connectTcp) };
}
