/** Worker entry: one server that echoes, sources and sinks, over QUIC and TCP (EndpointWorkerMethods). */
import { LabError } from '../../shared/errors.ts';
import { H3_ALPN } from '../probe/http3-service.ts';
import { ALPN } from '../probe/protocol.ts';
import { serveSession } from '../probe/service.ts';
import { createCounters } from '../probe/service-limits.ts';
import { listenTcp, type TcpListener } from '../probe/tcp-service.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { QuicListener } from '../quic/udp/api.ts';
import { listenQuic } from '../quic/udp/server.ts';
import { serve } from './port.ts';
import type { EndpointWorkerMethods } from './protocol.ts';

const warm = warmUp();
let listener: QuicListener | null = null;
let tcp: TcpListener | null = null;

serve<EndpointWorkerMethods>({
  async listen(params) {
    if (listener !== null) throw new LabError('RL_CONFLICT', 'This endpoint already listens');
    await warm;
    const counters = createCounters();
    listener = await listenQuic({
      ...params,
      alpn: [ALPN, H3_ALPN],
      // What its clients can ask for may be asked twice (RFC 9001 §9.2).
      earlyData: true,
      // On loopback, and none but the lab's own probes come: they may choose what governs their downloads.
      onSession: (session) => void serveSession(session, counters, { clientsChoose: true }),
    });
    const { address: host, port } = listener;
    // Another process may have that port of TCP: the lab measures on without it, and says so where TCP is asked for.
    tcp = await listenTcp({ ...params, host, port }, counters).catch(() => null);
    return { host, port, tcpPort: tcp?.port ?? null };
  },
  async close() {
    await Promise.all([listener?.close(), tcp?.close()]);
    listener = tcp = null;
    return null;
  },
});
