/** A name that stands for several addresses. */
import { expect, it, vi } from 'vitest';
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import { connectQuic } from '../../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../../src/main/quic/udp/server.ts';

vi.mock('node:dns/promises', () => ({
  lookup: async () => [
    // The kernel refuses to connect to it: as it does to IPv6 addresses on a machine that has none.
    { address: '255.255.255.255', family: 4 },
    { address: '127.0.0.1', family: 4 },
    { address: '127.0.0.2', family: 4 },
  ],
}));

it('is connected to at the first of them where the port is open', async () => {
  const authority = await createAuthority(Date.now());
  const identity = await issueCertificate(authority, { names: ['two.example'], days: 7, nowMs: Date.now() });
  const listener = await listenQuic({
    host: '127.0.0.2',
    port: 0,
    alpn: ['test'],
    certificate: identity.certPem,
    privateKey: identity.keyPem,
    onSession: () => undefined,
  });
  const options = {
    host: 'two.example',
    port: listener.port,
    alpn: ['test'],
    trust: { ca: [authority.certPem], system: false, insecure: false },
  };
  const session = await connectQuic(options);
  expect(session.remote.address).toBe('127.0.0.2');
  await session.close();
  await listener.close();
  await expect(connectQuic(options)).rejects.toMatchObject({ code: 'RL_PORT_CLOSED' });
});
