/** Two ends that speak `h3` over loopback. Either may be one of ours, or a session that a test writes to octet by octet. */
import { createAuthority, issueCertificate } from '../../../src/main/quic/tls/authority.ts';
import type { QuicListener, QuicSession } from '../../../src/main/quic/udp/api.ts';
import { connectQuic } from '../../../src/main/quic/udp/client.ts';
import { listenQuic } from '../../../src/main/quic/udp/server.ts';

export interface Ends extends AsyncDisposable {
  client: QuicSession;
  server: QuicSession;
  listener: QuicListener;
}

const authority = await createAuthority(Date.now());
const identity = await issueCertificate(authority, { names: ['127.0.0.1'], days: 1, nowMs: Date.now() });

export async function connectEnds(): Promise<Ends> {
  const accepted = Promise.withResolvers<QuicSession>();
  const listener = await listenQuic({
    host: '127.0.0.1',
    port: 0,
    alpn: ['h3'],
    certificate: identity.certPem,
    privateKey: identity.keyPem,
    onSession: accepted.resolve,
  });
  const client = await connectQuic({
    host: '127.0.0.1',
    port: listener.port,
    alpn: ['h3'],
    trust: { ca: [authority.certPem], system: false, insecure: false },
  });
  return {
    client,
    server: await accepted.promise,
    listener,
    [Symbol.asyncDispose]: async () => {
      await client.close();
      await listener.close();
    },
  };
}
