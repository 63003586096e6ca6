/**
 * The server over TCP and TLS 1.3, for comparisons: what `routelab/1` offers on a stream, on the one stream of each connection.
 * Bounds are those of the QUIC service, and counters are shared with it.
 */
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:tls';
import { LabError } from '../../shared/errors.ts';
import { TCP_ALPN } from './protocol.ts';
import { SERVICE_LIMITS, type ServiceCounters } from './service-limits.ts';
import { serveOneStream } from './stream-service.ts';
import { TcpStream } from './tcp-stream.ts';

/** What a client that is served may take to close its end. */
const LINGER_MS = 5000;

export interface TcpListenOptions {
  host: string;
  /** 0 takes a free one. */
  port: number;
  /** PEM. */
  certificate: string;
  privateKey: string;
}

export interface TcpListener {
  readonly address: string;
  readonly port: number;
  /** Cuts off whoever is being served. */
  close(): Promise<void>;
}

/** What new connections of this machine's kernel, in this network namespace, are controlled by; null where it is not told. */
export function kernelCongestionControl(): string | null {
  try {
    return readFileSync('/proc/sys/net/ipv4/tcp_congestion_control', 'latin1').trim();
  } catch {
    return null;
  }
}

/** Rejects with RL_PORT_IN_USE or RL_ADDRESS_UNAVAILABLE, of `listen`. */
export async function listenTcp(options: TcpListenOptions, counters: ServiceCounters): Promise<TcpListener> {
  const greetsWith = { congestion: kernelCongestionControl() };
  const connections = new Map<string, Socket>();
  const keyOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`;
  const server = createServer({
    cert: options.certificate,
    key: options.privateKey,
    minVersion: 'TLSv1.3',
    ALPNProtocols: [TCP_ALPN],
    // A download's client has nothing more to say after its request.
    allowHalfOpen: true,
    noDelay: true,
    handshakeTimeout: SERVICE_LIMITS.graceMs,
  });
  // Before the handshake: one that is not begun costs a place as well.
  server.on('connection', (raw: Socket) => {
    counters.sessions++;
    if (counters.activeSessions >= SERVICE_LIMITS.sessions) {
      counters.refused++;
      raw.resetAndDestroy();
      return;
    }
    counters.activeSessions++;
    const key = keyOf(raw);
    connections.set(key, raw);
    raw.on('error', () => {});
    raw.on('close', () => {
      counters.activeSessions--;
      connections.delete(key);
    });
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  server.on('secureConnection', (socket) => {
    socket.on('error', () => {});
    const raw = connections.get(keyOf(socket));
    // Nothing is left of a connection that ended within its handshake.
    if (raw === undefined) {
      socket.destroy();
      return;
    }
    if (socket.alpnProtocol !== TCP_ALPN) {
      counters.refused++;
      raw.resetAndDestroy();
      return;
    }
    const stream = new TcpStream(socket, { raw, greetsWith });
    void serveOneStream(stream, counters).then(() => {
      const timer = setTimeout(() => raw.destroy(), LINGER_MS);
      raw.on('close', () => clearTimeout(timer));
      // Neither is read any more: what still comes is dropped, so that the end is seen.
      socket.resume();
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(listenError(error, options)));
    server.listen({ host: options.host, port: options.port, exclusive: true }, resolve);
  });
  const { address, port } = server.address() as AddressInfo;
  return {
    address,
    port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const raw of connections.values()) raw.destroy();
      }),
  };
}

function listenError(error: NodeJS.ErrnoException, { host, port }: TcpListenOptions): LabError {
  const options = { field: 'listen', cause: error };
  if (error.code === 'EADDRINUSE')
    return new LabError('RL_PORT_IN_USE', `TCP port ${port} on ${host} is already in use`, options);
  return new LabError(
    'RL_ADDRESS_UNAVAILABLE',
    `TCP port ${port} on ${host} cannot be taken: ${error.message}`,
    options,
  );
}
