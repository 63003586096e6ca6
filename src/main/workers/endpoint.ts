/** Worker entry: one QUIC server that echoes, sources and sinks (EndpointWorkerMethods). */
import { LabError } from '../../shared/errors.ts';
import { H3_ALPN } from '../probe/http3-service.ts';
import { ALPN } from '../probe/protocol.ts';
import { serveSession } from '../probe/service.ts';
import { createCounters } from '../probe/service-limits.ts';
import { warmUp } from '../probe/warm-up.ts';
import type { QuicListener } from '../quic/udp/api.ts';
import { listenQuic } from '../quic/udp/server.ts';
import { serve } from './port.ts';
import type { EndpointWorkerMethods } from './protocol.ts';

const warm = warmUp();
let listener: QuicListener | null = null;

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
    return { host: listener.address, port: listener.port };
  },
  async close() {
    await listener?.close();
    listener = null;
    return null;
  },
});
