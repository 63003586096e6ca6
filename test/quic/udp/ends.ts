/** A server and clients of ours over real sockets, with an authority of their own; closed when a test is over. */
import type { Socket } from 'node:dgram';
import { afterEach } from 'vitest';
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import type {
  ConnectOptions,
  ListenOptions,
  QuicListener,
  QuicSession,
} from '../../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../../src/main/quic/udp/server.ts';

export const authority = await createAuthority(Date.now());
export const identity = await issueCertificate(authority, {
  names: ['localhost', '127.0.0.1', '::1'],
  days: 7,
  nowMs: Date.now(),
});

const toClose: (QuicListener | Socket)[] = [];
afterEach(async () => {
  await Promise.all(toClose.splice(0).map((open) => open.close()));
});

/** Closes it when the test is over. */
export function closedAfterwards<T extends QuicListener | Socket>(opened: T): T {
  toClose.push(opened);
  return opened;
}

export const listen = async (options: Partial<ListenOptions> = {}): Promise<QuicListener> =>
  closedAfterwards(
    await listenQuic({
      host: '127.0.0.1',
      port: 0,
      alpn: ['test'],
      certificate: identity.certPem,
      privateKey: identity.keyPem,
      onSession: () => undefined,
      ...options,
    }),
  );

export const target = (port: number, options: Partial<ConnectOptions> = {}): ConnectOptions => ({
  host: '127.0.0.1',
  port,
  alpn: ['test'],
  trust: { ca: [authority.certPem], system: false, insecure: false },
  ...options,
});

export const connect = (port: number, options: Partial<ConnectOptions> = {}): Promise<QuicSession> =>
  connectQuic(target(port, options));
